package org.edgefit.federation;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.edgefit.client.EvaluateInstruction;

/**
 * A round's evaluation, as a pool of clients is asked for it.
 *
 * @param clients the ids of the clients that are asked
 * @param instruction what all of them are asked
 * @param adapterFile the file of the adapter
 * @param deadline how long the pool waits for the last of them
 */
public record EvaluateRequest(
    List<String> clients, EvaluateInstruction instruction, Path adapterFile, Duration deadline) {}
