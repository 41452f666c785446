package org.edgefit.run;

/**
 * A file of a run, as referenced by the log.
 *
 * @param path its path from the run directory, with slashes
 * @param bytes its length
 * @param sha256 its hash, in hexadecimal
 */
public record FileRef(String path, long bytes, String sha256) {}
