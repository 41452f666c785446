package org.edgefit.examples.experiment;

/** A training procedure that the paper compares. */
enum Procedure {
  /** The base model as it is. */
  ZERO_SHOT,
  /** Each client trains alone; the results are averaged. */
  LOCAL_ONLY,
  /** All data in one place. */
  CENTRALISED,
  /** Rounds of federated averaging. */
  FEDERATED
}
