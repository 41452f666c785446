package org.edgefit.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import org.apache.commons.math3.distribution.GammaDistribution;
import org.apache.commons.math3.random.RandomGenerator;
import org.apache.commons.math3.random.Well19937c;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/** Divides a data set among clients. The same seed gives the same parts. */
@FunctionalInterface
public interface Partitioner {

  /**
   * Divides a data set: every record goes to exactly one client, and every client gets at least
   * one.
   *
   * @throws IllegalArgumentException if there are fewer records than clients
   */
  Partition split(InstructionDataset dataset, int clients, Seed seed);

  /** Deals shuffled records out round-robin: an IID partition of equal sizes. */
  static Partitioner iid() {
    return (dataset, clients, seed) -> {
      requireEnough(dataset, clients);
      List<List<InstructionRecord>> parts = emptyParts(clients);
      List<InstructionRecord> records = new ArrayList<>(dataset.records());
      Collections.shuffle(records, new Random(seed.split("iid").value()));
      for (int i = 0; i < records.size(); i++) {
        parts.get(i % clients).add(records.get(i));
      }
      return Partition.of(parts);
    };
  }

  /** Label skew over the records' category; see {@link #dirichlet(double, Function)}. */
  static Partitioner dirichlet(double alpha) {
    return dirichlet(alpha, InstructionRecord::category);
  }

  /**
   * Label skew (Hsu, Qi, Brown 2019; Yurochkin et al. 2019): the records of each key are divided
   * among the clients by shares drawn from a symmetric Dirichlet distribution. A client without
   * records gets one from the client with most.
   *
   * @param alpha the concentration, > 0: near 0 a key's records go to one client; large values
   *     approach IID
   * @param key the value by which the parts differ; null counts as a value
   */
  static Partitioner dirichlet(double alpha, Function<InstructionRecord, @Nullable String> key) {
    if (!(alpha > 0) || Double.isInfinite(alpha)) {
      throw new IllegalArgumentException("alpha: " + alpha + " (expected: > 0)");
    }
    return (dataset, clients, seed) -> {
      requireEnough(dataset, clients);
      Map<String, List<InstructionRecord>> byKey = new TreeMap<>();
      for (InstructionRecord record : dataset.records()) {
        byKey.computeIfAbsent(Partition.keyOf(record, key), k -> new ArrayList<>()).add(record);
      }
      List<List<InstructionRecord>> parts = emptyParts(clients);
      byKey.forEach(
          (name, records) -> {
            Seed own = seed.split("dirichlet").split(name);
            Collections.shuffle(records, new Random(own.split("shuffle").value()));
            double[] shares =
                dirichletShares(alpha, clients, new Well19937c(own.split("shares").value()));
            deal(records, shares, parts);
          });
      fillUp(parts, 1);
      return Partition.of(parts);
    };
  }

  /** Draws from a symmetric Dirichlet distribution: gamma variates, divided by their sum. */
  private static double[] dirichletShares(double alpha, int clients, RandomGenerator random) {
    GammaDistribution gamma = new GammaDistribution(random, alpha, 1);
    double[] shares = new double[clients];
    double sum = 0;
    for (int i = 0; i < clients; i++) {
      shares[i] = gamma.sample();
      sum += shares[i];
    }
    if (!(sum > 0)) { // for a tiny alpha every variate can underflow: all goes to one client
      shares[random.nextInt(clients)] = 1;
      return shares;
    }
    for (int i = 0; i < clients; i++) {
      shares[i] /= sum;
    }
    return shares;
  }

  /** Cuts a list at the running sums of the shares. */
  private static void deal(
      List<InstructionRecord> records, double[] shares, List<List<InstructionRecord>> parts) {
    double sum = 0;
    int from = 0;
    for (int i = 0; i < shares.length; i++) {
      sum += shares[i];
      int to =
          i == shares.length - 1
              ? records.size()
              : (int) Math.min(records.size(), Math.round(sum * records.size()));
      to = Math.max(from, to);
      parts.get(i).addAll(records.subList(from, to));
      from = to;
    }
  }

  /**
   * Returns this partitioner with a minimum size: a smaller client gets records, one at a time,
   * from the largest one.
   *
   * @param minimum the records that every client has at least, >= 1
   */
  default Partitioner atLeast(int minimum) {
    if (minimum < 1) {
      throw new IllegalArgumentException("minimum: " + minimum + " (expected: >= 1)");
    }
    return (dataset, clients, seed) -> {
      if (dataset.size() < (long) minimum * clients) {
        throw new IllegalArgumentException(
            "minimum: "
                + minimum
                + " for each of "
                + clients
                + " clients (expected: at most "
                + dataset.size() / clients
                + ", of "
                + dataset.size()
                + " records)");
      }
      List<List<InstructionRecord>> parts = new ArrayList<>();
      for (InstructionDataset part : split(dataset, clients, seed).parts()) {
        parts.add(new ArrayList<>(part.records()));
      }
      fillUp(parts, minimum);
      return Partition.of(parts);
    };
  }

  private static void fillUp(List<List<InstructionRecord>> parts, int minimum) {
    for (List<InstructionRecord> part : parts) {
      while (part.size() < minimum) {
        List<InstructionRecord> largest = parts.get(0);
        for (List<InstructionRecord> other : parts) {
          if (other.size() > largest.size()) {
            largest = other;
          }
        }
        part.add(largest.remove(largest.size() - 1));
      }
    }
  }

  private static List<List<InstructionRecord>> emptyParts(int clients) {
    List<List<InstructionRecord>> parts = new ArrayList<>();
    for (int i = 0; i < clients; i++) {
      parts.add(new ArrayList<>());
    }
    return parts;
  }

  private static void requireEnough(InstructionDataset dataset, int clients) {
    if (clients < 1) {
      throw new IllegalArgumentException("clients: " + clients + " (expected: >= 1)");
    }
    if (dataset.size() < clients) {
      throw new IllegalArgumentException(
          "clients: " + clients + " (expected: at most " + dataset.size() + ", one per record)");
    }
  }
}
