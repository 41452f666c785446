package org.edgefit.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PartitionerTest {

  private static InstructionRecord record(String question, String answer) {
    return new InstructionRecord(question, null, answer, null, null);
  }

  private InstructionDataset data(int n) {
    List<InstructionRecord> records = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      records.add(new InstructionRecord("q" + i, null, "r", "kind " + i % 4, null));
    }
    return new InstructionDataset(records);
  }

  private void assertEveryRecordOnce(InstructionDataset data, Partition partition) {
    List<InstructionRecord> all = new ArrayList<>();
    partition.parts().forEach(part -> all.addAll(part.records()));
    assertThat(all).containsExactlyInAnyOrderElementsOf(data.records());
    assertThat(partition.parts()).allMatch(part -> part.size() > 0);
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {0, 1, 2, 3, 4})
  void everyRecordGoesToOneClientAndNoClientIsEmpty(long seed) {
    InstructionDataset data = data(200);
    for (double alpha : new double[] {1e-3, 0.1, 1, 100}) {
      assertEveryRecordOnce(data, Partitioner.dirichlet(alpha).split(data, 10, new Seed(seed)));
    }
    assertEveryRecordOnce(data, Partitioner.iid().split(data, 10, new Seed(seed)));
  }

  @Test
  void sameSeedGivesTheSameParts() {
    InstructionDataset data = data(100);
    Partitioner partitioner = Partitioner.dirichlet(0.5);
    assertThat(partitioner.split(data, 5, new Seed(1)))
        .isEqualTo(partitioner.split(data, 5, new Seed(1)))
        .isNotEqualTo(partitioner.split(data, 5, new Seed(2)));
  }

  @Test
  void smallAlphaSkewsAndLargeAlphaDoesNot() {
    InstructionDataset data = data(4000);
    assertThat(kinds(Partitioner.dirichlet(0.01).split(data, 10, new Seed(3)))).isLessThan(20);
    Partition even = Partitioner.dirichlet(10_000).split(data, 10, new Seed(3));
    assertThat(even.parts()).allMatch(part -> Math.abs(part.size() - 400) < 40);
  }

  private int kinds(Partition partition) {
    int kinds = 0;
    for (InstructionDataset part : partition.parts()) {
      Set<String> seen = new HashSet<>();
      part.records().forEach(record -> seen.add(String.valueOf(record.category())));
      kinds += seen.size();
    }
    return kinds;
  }

  @Test
  void tableCountsRecordsByKeyAndClient() {
    Partition partition =
        new Partition(List.of(data(5), new InstructionDataset(List.of(record("q", "r")))));
    assertThat(partition.table(InstructionRecord::category))
        .isEqualTo(
            """
            client  (none)  kind 0  kind 1  kind 2  kind 3  total
                 0       0       2       1       1       1      5
                 1       1       0       0       0       0      1
               all       1       2       1       1       1      6
            """);
  }

  @Test
  void moreClientsThanRecordsAreRefused() {
    assertThatThrownBy(() -> Partitioner.iid().split(data(3), 4, new Seed(0)))
        .hasMessageContaining("clients: 4");
  }

  @Test
  void clientsHaveAtLeastTheMinimum() {
    InstructionDataset data =
        new InstructionDataset(
            IntStream.range(0, 100)
                .mapToObj(i -> new InstructionRecord("q" + i, null, "a", "c" + i % 3, null))
                .toList());
    Partition skewed = Partitioner.dirichlet(0.05).split(data, 10, new Seed(3));
    assertThat(skewed.parts()).anyMatch(part -> part.size() < 5);
    Partition filled = Partitioner.dirichlet(0.05).atLeast(5).split(data, 10, new Seed(3));
    assertThat(filled.parts()).allMatch(part -> part.size() >= 5);
    assertThat(filled.parts().stream().flatMap(part -> part.records().stream()))
        .containsExactlyInAnyOrderElementsOf(data.records());
    assertThatThrownBy(() -> Partitioner.iid().atLeast(11).split(data, 10, new Seed(3)))
        .hasMessageContaining("minimum: 11 for each of 10 clients (expected: at most 10");
  }
}
