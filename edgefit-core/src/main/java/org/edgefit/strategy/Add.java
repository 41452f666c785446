package org.edgefit.strategy;

import org.edgefit.adapter.AdapterDelta;

/** The plain server step: adds the delta. */
record Add() implements ServerOptimizer {

  @Override
  public ServerState step(RoundContext round, AdapterDelta combined) {
    return round.state().plus(combined);
  }
}
