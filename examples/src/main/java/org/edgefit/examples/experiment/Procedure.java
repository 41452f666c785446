package org.edgefit.examples.experiment;

/** A way to come by an adapter, as the paper compares them. */
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
