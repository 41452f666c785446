package org.edgefit.client.qlora;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.RunSettings;
import org.edgefit.client.model.BaseModel;
import org.edgefit.data.Example;
import org.edgefit.data.ExampleEncoder;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.LabelSet;
import org.edgefit.metrics.ConfusionMatrix;
import org.edgefit.metrics.Perplexity;
import org.edgefit.metrics.Prediction;
import org.jspecify.annotations.Nullable;

/**
 * Evaluates a model on held-out records: the loss of their responses, and for labelled records the
 * classification, see {@link Scoring}.
 */
public final class Evaluator implements AutoCloseable {

  /** The most tokens in a forward pass. */
  private static final int TOKENS_PER_PASS = 2048;

  /** The tokens of a generated answer beyond those of the longest label. */
  private static final int MORE_TOKENS = 8;

  private final BaseModel base;
  private final @Nullable Adapter adapter;
  private final Decoder decoder;

  /**
   * Makes an evaluator.
   *
   * @param adapter the adapter; null for the base model alone
   */
  public Evaluator(BaseModel base, @Nullable Adapter adapter) {
    this.base = base;
    this.adapter = adapter;
    this.decoder = Decoder.of(base, adapter);
  }

  /** Receives progress, on the evaluating thread. */
  @FunctionalInterface
  public interface Progress {
    /** Reports the processed records. */
    void recordsDone(int done, int records);
  }

  /**
   * The result.
   *
   * @param records the records
   * @param loss the mean negative log-likelihood of the responses' tokens, in nats
   * @param dropped the records that exceed the maximum length, not in the loss
   * @param labels the classes and their delimiters
   * @param predictions the records with a label, in their order
   */
  public record Evaluation(
      int records, double loss, int dropped, LabelSet labels, List<Prediction> predictions) {

    /** Returns the true and predicted classes; null if no record has a label. */
    public @Nullable ConfusionMatrix confusion() {
      return predictions.isEmpty() ? null : ConfusionMatrix.of(labels.classes(), predictions);
    }

    /** Returns the metrics by name: loss, perplexity and, with labels, accuracy etc. */
    public Map<String, Double> metrics() {
      Map<String, Double> metrics = new TreeMap<>();
      metrics.put("loss", loss);
      metrics.put("perplexity", Perplexity.of(loss));
      ConfusionMatrix confusion = confusion();
      if (confusion != null) {
        metrics.putAll(confusion.metrics());
      }
      return metrics;
    }
  }

  /** Evaluates records, classes by their likelihood; see the other method of this name. */
  public Evaluation evaluate(
      InstructionDataset data, List<String> labels, RunSettings settings, Progress progress)
      throws IOException {
    return evaluate(data, labels, Scoring.LIKELIHOOD, settings, progress);
  }

  /**
   * Evaluates records.
   *
   * @param labels the classes; where empty, those of the records
   * @param scoring how a class is predicted
   * @param settings the template and the most tokens of a record
   * @throws IllegalArgumentException if labels are invalid; see {@link LabelSet#of}
   * @throws IOException if no record fits the length, or the tokenizer cannot be read
   * @throws InterruptedIOException if the thread is interrupted meanwhile
   */
  public Evaluation evaluate(
      InstructionDataset data,
      List<String> labels,
      Scoring scoring,
      RunSettings settings,
      Progress progress)
      throws IOException {
    ExampleEncoder encoder = base.encoder(settings.withResponseOnly(true));
    List<InstructionRecord> labelled =
        data.records().stream().filter(record -> record.label() != null).toList();
    // Wrong labels are refused before the long work.
    LabelSet classes =
        labelled.isEmpty()
            ? new LabelSet(labels, "")
            : LabelSet.of(labels, data.records(), settings.afterLabel());
    int all = data.size() + labelled.size();
    ExampleEncoder.Encoded encoded = encoder.encode(data);
    if (encoded.examples().isEmpty()) {
      throw new IOException(
          "records: none of "
              + data.size()
              + " has a response within the maximum length of "
              + settings.maxLength()
              + " tokens");
    }
    double loss = loss(encoded.examples(), counter(progress, 0, all));

    List<@Nullable String> predicted = new ArrayList<>();
    if (scoring == Scoring.GENERATION) {
      predicted.addAll(
          generate(
              labelled,
              classes,
              settings,
              (done, of) -> progress.recordsDone(data.size() + done, all)));
    } else {
      predicted.addAll(
          classify(labelled, classes, encoder, scoring, counter(progress, data.size(), all)));
    }
    List<Prediction> predictions = new ArrayList<>();
    for (int i = 0; i < predicted.size(); i++) {
      predictions.add(new Prediction(String.valueOf(labelled.get(i).label()), predicted.get(i)));
    }
    return new Evaluation(data.size(), loss, encoded.dropped(), classes, List.copyOf(predictions));
  }

  /** Returns for each record the class that the model's own answer begins with, or null. */
  private List<@Nullable String> generate(
      List<InstructionRecord> records,
      LabelSet labels,
      RunSettings settings,
      TextGenerator.Progress answered)
      throws IOException {
    int tokens = MORE_TOKENS;
    for (String label : labels.classes()) {
      tokens = Math.max(tokens, MORE_TOKENS + base.tokenizer().encode(label).ids().length);
    }
    int room = Math.min(settings.maxLength(), base.config().maxPositions() - tokens);
    try (TextGenerator generator = new TextGenerator(base, adapter)) {
      List<String> answers =
          generator.answersTo(
              records,
              GenerationOptions.greedy(tokens),
              settings.withMaxLength(Math.max(2, room)),
              answered);
      List<@Nullable String> classes = new ArrayList<>();
      answers.forEach(answer -> classes.add(labels.classOf(answer)));
      return classes;
    }
  }

  /** Counts what is done, and stops a thread that is interrupted. */
  private interface Counter {
    void done(int examples) throws InterruptedIOException;
  }

  private static Counter counter(Progress progress, int before, int all) {
    return done -> {
      if (Thread.interrupted()) {
        throw new InterruptedIOException(
            "evaluation was stopped after " + (before + done) + " of " + all + " records");
      }
      progress.recordsDone(before + done, all);
    };
  }

  /** Returns the mean loss of label tokens; examples of similar length share a pass. */
  private double loss(List<Example> examples, Counter counter) throws InterruptedIOException {
    List<Example> byLength = new ArrayList<>(examples);
    byLength.sort(Comparator.comparingInt(Example::length));
    double sum = 0;
    long tokens = 0;
    for (int from = 0; from < byLength.size(); ) {
      int to = from + 1;
      while (to < byLength.size()
          && (to + 1 - from) * byLength.get(to).length() <= TOKENS_PER_PASS) {
        to++;
      }
      Batch batch = Batch.packed(byLength.subList(from, to));
      try (Decoder.Pass pass = decoder.infer(batch)) {
        for (float likelihood : pass.logLikelihoods()) {
          sum -= likelihood;
        }
      }
      tokens += batch.labelTokens();
      from = to;
      counter.done(to);
    }
    return sum / tokens;
  }

  /** Returns each record's most likely class; several records share a pass. */
  private List<String> classify(
      List<InstructionRecord> records,
      LabelSet labels,
      ExampleEncoder encoder,
      Scoring scoring,
      Counter counter)
      throws InterruptedIOException {
    List<String> classes = new ArrayList<>();
    List<Batch.Branching> pass = new ArrayList<>();
    int rows = 0;
    for (InstructionRecord record : records) {
      Batch.Branching branching = branching(record, labels, encoder);
      if (!pass.isEmpty() && rows + branching.rows() > TOKENS_PER_PASS) {
        classes.addAll(likeliest(pass, labels.classes(), scoring));
        counter.done(classes.size());
        pass.clear();
        rows = 0;
      }
      pass.add(branching);
      rows += branching.rows();
    }
    if (!pass.isEmpty()) {
      classes.addAll(likeliest(pass, labels.classes(), scoring));
      counter.done(classes.size());
    }
    return classes;
  }

  /** Returns a record's question with all labels as its endings. */
  private static Batch.Branching branching(
      InstructionRecord record, LabelSet labels, ExampleEncoder encoder) {
    List<String> answers = new ArrayList<>();
    for (int i = 0; i < labels.classes().size(); i++) {
      String label = labels.classes().get(i);
      String after = labels.afterLabels().get(i);
      answers.add(
          after.isEmpty()
              ? encoder.answer(record, label)
              : encoder.openAnswer(record, label + after));
    }
    List<Example> examples = encoder.encode(record, answers);
    if (examples == null) {
      throw new IllegalArgumentException(
          "labels: "
              + labels.classes()
              + " (expected: to fit the maximum length with its template)");
    }
    List<int[]> texts = examples.stream().map(Example::ids).toList();
    int[] first = texts.get(0);
    int common = examples.stream().mapToInt(Example::labelStart).min().orElseThrow();
    for (int[] text : texts) {
      int i = 0;
      while (i < Math.min(common, text.length) && text[i] == first[i]) {
        i++;
      }
      common = i;
    }
    int shared = Math.max(1, common);
    List<int[]> endings = new ArrayList<>();
    for (int[] text : texts) {
      endings.add(Arrays.copyOfRange(text, shared, text.length));
    }
    return new Batch.Branching(Arrays.copyOf(first, shared), endings);
  }

  /** Returns the most likely label of each text; its endings are the labels. */
  private List<String> likeliest(
      List<Batch.Branching> texts, List<String> labels, Scoring scoring) {
    Batch batch = Batch.branching(texts);
    double[] scores = new double[texts.size() * labels.size()];
    int[] tokens = new int[scores.length];
    try (Decoder.Pass pass = decoder.infer(batch)) {
      float[] likelihoods = pass.logLikelihoods();
      for (int i = 0; i < likelihoods.length; i++) {
        scores[batch.labelExample(i)] += likelihoods[i];
        tokens[batch.labelExample(i)]++;
      }
    }
    List<String> classes = new ArrayList<>();
    for (int text = 0; text < texts.size(); text++) {
      int best = 0;
      double most = Double.NEGATIVE_INFINITY;
      for (int label = 0; label < labels.size(); label++) {
        int i = text * labels.size() + label;
        double score =
            scoring == Scoring.LIKELIHOOD ? scores[i] : scores[i] / Math.max(1, tokens[i]);
        if (score > most) {
          most = score;
          best = label;
        }
      }
      classes.add(labels.get(best));
    }
    return classes;
  }

  @Override
  public void close() {
    decoder.close();
  }
}
