package org.edgefit.random;

import java.util.SplittableRandom;

/**
 * A seed from which independent streams are split by name or index.
 *
 * <p>The same path of splits gives the same stream on every machine and for every order of calls,
 * so a client's randomness depends on the run's seed, the round and the client's id, and never on
 * who was asked first.
 *
 * @param value the 64 bits of the seed
 */
public record Seed(long value) {

  /** Returns the seed of the stream called {@code name}. */
  public Seed split(String name) {
    long hash = 0xcbf29ce484222325L; // FNV-1a over UTF-16 units
    for (int i = 0; i < name.length(); i++) {
      hash = (hash ^ name.charAt(i)) * 0x100000001b3L;
    }
    return split(hash);
  }

  /** Returns the seed of the stream with number {@code index}. */
  public Seed split(long index) {
    return new Seed(mix(value ^ mix(index + 0x9e3779b97f4a7c15L)));
  }

  /** Returns the seed of one round of a run. */
  public Seed forRound(int round) {
    return split("round").split(round);
  }

  /** Returns the seed of one client, usually of one round's seed. */
  public Seed forClient(String clientId) {
    return split("client").split(clientId);
  }

  /** Returns a new generator that starts at this seed. */
  public SplittableRandom generator() {
    return new SplittableRandom(value);
  }

  /** The finalizer of SplitMix64 (Steele, Lea, Flood 2014). */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
