package org.edgefit.run;

/** What to do where the log of a run that goes on, or a file that it holds to, is damaged. */
public enum OnDamage {
  /** To refuse, naming the file and the line. */
  REFUSE,
  /** To go on from the last round up to which all verifies, and to set aside what came after. */
  GO_BACK
}
