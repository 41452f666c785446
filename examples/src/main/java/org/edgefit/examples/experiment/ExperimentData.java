package org.edgefit.examples.experiment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.edgefit.client.Quantization;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.ModelTeacher;
import org.edgefit.data.Curation;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.Lexicon;
import org.edgefit.data.Partition;
import org.edgefit.data.Partitioner;
import org.edgefit.data.Relevance;
import org.edgefit.data.Selection;
import org.edgefit.data.selfinstruct.SelfInstruct;
import org.edgefit.data.selfinstruct.Teacher;
import org.edgefit.examples.SmartHomeData;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.TextFile;
import org.edgefit.format.hub.ModelHub;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/**
 * An experiment's records.
 *
 * @param training what the clients have together
 * @param homes the same, divided among them
 * @param validation labelled records for learning curves
 * @param test labelled records for the tables; none of their questions is in the training
 * @param labels the classes of validation and test
 * @param notes how the records were come by, a text by source
 */
record ExperimentData(
    InstructionDataset training,
    Partition homes,
    InstructionDataset validation,
    InstructionDataset test,
    List<String> labels,
    Map<String, String> notes) {

  /** The key by which homes differ: a record's class, or else its category. */
  static final Function<InstructionRecord, String> SKEW_KEY =
      record ->
          record.label() != null
              ? record.label()
              : record.category() != null ? record.category() : "(none)";

  private static final int SAMPLE = 6;

  /**
   * Gathers the records of one seed, and writes them to a folder; what is generated is kept there.
   *
   * @param isFixed whether records that are there must not change, for results have come of them
   */
  static ExperimentData load(ExperimentConfig config, Path folder, Seed seed, boolean isFixed)
      throws IOException, InterruptedException {
    List<InstructionRecord> training = new ArrayList<>();
    List<InstructionRecord> validation = new ArrayList<>();
    List<InstructionRecord> test = new ArrayList<>();
    Map<String, String> notes = new LinkedHashMap<>();
    ExperimentConfig.Data sources = config.data();

    // What is held out comes first, so that nothing that is made afterwards can have seen it.
    ExperimentConfig.SmartHome home = sources.smartHome();
    if (home.test() + home.validation() > 0) {
      int many = 2 * (home.test() + home.validation());
      List<InstructionRecord> drawn = new ArrayList<>();
      for (ExperimentConfig.HeldOut kind : home.heldOut()) {
        InstructionDataset of =
            switch (kind) {
              case EVENTS -> SmartHomeData.heldOutEvents(seed, many);
              case INTENTS -> SmartHomeData.heldOutIntents(seed, many);
            };
        drawn.addAll(of.records());
      }
      List<InstructionRecord> labelled =
          Selection.withoutDuplicates().select(new InstructionDataset(drawn)).records();
      test.addAll(balanced(labelled, home.test(), 0));
      validation.addAll(balanced(labelled, home.validation(), home.test()));
    }
    ExperimentConfig.Intents intents = sources.intents();
    if (!intents.folder().isEmpty()) {
      test.addAll(intents(intents, "test"));
      validation.addAll(intents(intents, "valid"));
      training.addAll(intents(intents, "train"));
    }
    if (test.isEmpty() || validation.isEmpty()) {
      throw new IllegalArgumentException(
          "data: no test or validation records (expected: smart-home with events, or intents)");
    }
    InstructionDataset heldOut = joined(validation, test);

    training.addAll(
        SmartHomeData.training(
                seed, home.events(), home.intents(), home.commands(), home.routines())
            .records());
    if (!sources.dolly().file().isEmpty()) {
      Curation.Result curated = dolly(sources.dolly(), config.run().maxLength());
      notes.put("databricks-dolly-15k", curated.table());
      notes.put("A sample of databricks-dolly-15k", sample(curated.data(), seed));
      training.addAll(curated.data().records());
    }
    if (sources.selfInstruct().wanted() > 0) {
      SelfInstruct.Result generated = generated(sources.selfInstruct(), heldOut, folder, seed);
      notes.put("Self-Instruct", generated.report());
      notes.put("A sample of Self-Instruct", sample(generated.records(), seed));
      training.addAll(generated.records().records());
    }
    Curation.Result left =
        Curation.none()
            .then("deduplication", Selection.withoutDuplicates())
            .then("held-out questions", Selection.without(heldOut))
            .apply(new InstructionDataset(training));
    notes.put("all training records", left.table());
    InstructionDataset records = left.data();
    if (records.size() == 0) {
      throw new IllegalArgumentException("data: no training records (expected: a source of them)");
    }
    Partition homes = split(config.partition(), records, seed);
    if (config.partition().maximum() > 0) {
      homes = shortened(homes, config.partition().maximum(), seed);
      records =
          new InstructionDataset(
              homes.parts().stream().flatMap(part -> part.records().stream()).toList());
    }
    notes.put("A sample of all training records", sample(records, seed));
    write(records, folder.resolve("training.jsonl"), isFixed);
    write(new InstructionDataset(test), folder.resolve("test.jsonl"), isFixed);
    write(new InstructionDataset(validation), folder.resolve("validation.jsonl"), isFixed);
    return new ExperimentData(
        records,
        homes,
        new InstructionDataset(validation),
        new InstructionDataset(test),
        heldOut.labels(),
        notes);
  }

  private static void write(InstructionDataset records, Path file, boolean isFixed)
      throws IOException {
    Path part = DurableFiles.partOf(file);
    records.write(part);
    if (isFixed && Files.exists(file) && Files.mismatch(part, file) >= 0) {
      Files.delete(part);
      throw new IOException(
          file
              + ": the same configuration now gives other records, and there are results of"
              + " them (other data want another --out)");
    }
    DurableFiles.publish(part, file);
  }

  private static Partition split(
      ExperimentConfig.Partition partition, InstructionDataset records, Seed seed) {
    Partitioner dirichlet = Partitioner.dirichlet(partition.alpha(), SKEW_KEY);
    try {
      return (partition.minimum() == 1 ? dirichlet : dirichlet.atLeast(partition.minimum()))
          .split(records, partition.clients(), seed);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("partition." + e.getMessage(), e);
    }
  }

  /** Returns a partition whose parts have some of their records, no more than a maximum. */
  private static Partition shortened(Partition homes, int maximum, Seed seed) {
    List<InstructionDataset> parts = new ArrayList<>();
    for (InstructionDataset part : homes.parts()) {
      List<InstructionRecord> shuffled = new ArrayList<>(part.records());
      Collections.shuffle(shuffled, new Random(seed.split("maximum").split(parts.size()).value()));
      parts.add(new InstructionDataset(shuffled.subList(0, Math.min(maximum, shuffled.size()))));
    }
    return new Partition(parts);
  }

  /** Returns some records to read. */
  private static String sample(InstructionDataset records, Seed seed) {
    List<InstructionRecord> shuffled = new ArrayList<>(records.records());
    Collections.shuffle(shuffled, new Random(seed.split("sample").value()));
    StringBuilder text = new StringBuilder();
    for (InstructionRecord record : shuffled.subList(0, Math.min(SAMPLE, shuffled.size()))) {
      text.append(record.question().strip())
          .append("\n  -> ")
          .append(record.response().strip())
          .append("\n");
    }
    return text.toString();
  }

  private static InstructionDataset joined(
      List<InstructionRecord> some, List<InstructionRecord> others) {
    List<InstructionRecord> all = new ArrayList<>(some);
    all.addAll(others);
    return new InstructionDataset(all);
  }

  /** Returns records with as many of each class, after leaving out the first ones of each. */
  private static List<InstructionRecord> balanced(
      List<InstructionRecord> records, int count, int leftOut) {
    Map<String, List<InstructionRecord>> byLabel = new TreeMap<>();
    records.forEach(
        record ->
            byLabel.computeIfAbsent(SKEW_KEY.apply(record), l -> new ArrayList<>()).add(record));
    int each = count / byLabel.size();
    if (each * byLabel.size() < count) {
      System.out.printf(
          Locale.ROOT,
          "data.smart-home: %d of %d records held out: as many of each of %d classes%n",
          each * byLabel.size(),
          count,
          byLabel.size());
    }
    int skip = leftOut / byLabel.size();
    List<InstructionRecord> chosen = new ArrayList<>();
    byLabel.forEach(
        (label, of) -> {
          if (of.size() < skip + each) {
            throw new IllegalArgumentException(
                "data.smart-home: test and validation: "
                    + (skip + each)
                    + " of class "
                    + label
                    + " (expected: at most "
                    + of.size()
                    + " different events)");
          }
          chosen.addAll(of.subList(skip, skip + each));
        });
    return chosen;
  }

  private static List<InstructionRecord> intents(ExperimentConfig.Intents source, String split)
      throws IOException {
    Path folder = Path.of(source.folder(), split);
    List<String> utterances = TextFile.read(folder.resolve("seq.in")).lines().toList();
    List<String> labels = TextFile.read(folder.resolve("label")).lines().toList();
    if (utterances.size() != labels.size()) {
      throw new IOException(
          folder
              + ": "
              + utterances.size()
              + " utterances, "
              + labels.size()
              + " labels (expected: as many)");
    }
    List<InstructionRecord> records = new ArrayList<>();
    for (int i = 0; i < labels.size(); i++) {
      String label = labels.get(i).strip();
      if (label.startsWith(source.prefix())) {
        String name = label.substring(source.prefix().length());
        String question = source.question().replace("%s", utterances.get(i).strip());
        records.add(new InstructionRecord(question, null, name, "Intent Classification", name));
      }
    }
    if (records.isEmpty()) {
      throw new IOException(folder + ": no intent begins with \"" + source.prefix() + "\"");
    }
    return records;
  }

  private static Curation.Result dolly(ExperimentConfig.Dolly source, int maxLength)
      throws IOException {
    Lexicon lexicon =
        source.lexicon().isEmpty() ? Lexicon.smartHome() : Lexicon.read(Path.of(source.lexicon()));
    return Curation.none()
        .then("not " + source.without(), Selection.withoutCategories(Set.copyOf(source.without())))
        .then("within the length limit", Selection.shorterThan(4 * maxLength))
        .then(
            "among the most relevant by BM25",
            Selection.mostRelevant(Relevance.to(lexicon), source.records()))
        .apply(
            InstructionDataset.jsonl(
                ModelHub.isDataLocation(source.file())
                    ? ModelHub.standard().downloadData(source.file(), new BaseModels.Told())
                    : Path.of(source.file())));
  }

  private static SelfInstruct.Result generated(
      ExperimentConfig.Generated source, InstructionDataset heldOut, Path folder, Seed seed)
      throws IOException, InterruptedException {
    SelfInstruct selfInstruct =
        new SelfInstruct(
            SelfInstruct.seedTasks(), SelfInstruct.Settings.wanted(source.wanted()), heldOut);
    try (LazyTeacher teacher = new LazyTeacher(source.teacher())) {
      return selfInstruct.run(
          teacher,
          folder.resolve(ExperimentFolder.JOURNAL),
          seed,
          (batch, accepted, wanted) ->
              System.out.printf(
                  Locale.ROOT, "self-instruct: batch %d, %d of %d%n", batch, accepted, wanted));
    }
  }

  /** A lazily loaded teacher: a resumed run may already have all tasks. */
  private static final class LazyTeacher implements Teacher, AutoCloseable {
    private final String name;
    private @Nullable BaseModel model;
    private @Nullable ModelTeacher teacher;

    LazyTeacher(String name) {
      this.name = name;
    }

    @Override
    public List<String> complete(List<String> prompts, String stop, Seed seed) throws IOException {
      if (teacher == null) {
        model = BaseModels.load(name, Quantization.NF4);
        teacher = new ModelTeacher(model);
      }
      return teacher.complete(prompts, stop, seed);
    }

    @Override
    public void close() {
      if (teacher != null) {
        teacher.close();
      }
      if (model != null) {
        model.close();
      }
    }
  }
}
