package org.edgefit.run;

/** What to do if the log of a resumed run, or a file it references, is corrupt. */
public enum OnDamage {
  /** Fail, naming the file and the line. */
  REFUSE,
  /** Roll back to the last round that verifies, and move later files aside. */
  GO_BACK
}
