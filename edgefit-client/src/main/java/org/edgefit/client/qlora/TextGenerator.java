package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.RunSettings;
import org.edgefit.client.model.BaseModel;
import org.edgefit.data.ExampleEncoder;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.Prompt;
import org.edgefit.data.PromptTemplate;
import org.edgefit.data.Tokenizer;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/** Generates responses to instructions in batches. Not thread-safe. */
public final class TextGenerator implements AutoCloseable {

  /** The most tokens of texts that begin in one pass, but for one text alone. */
  private static final int TOKENS_PER_PASS = 2048;

  /** The most texts that are continued together. */
  private static final int TEXTS = 16;

  /** The most bytes of keys and values of all texts that are continued together. */
  private static final long CACHE_BYTES = 1L << 30;

  private final BaseModel base;
  private final Decoder decoder;

  /**
   * Makes a generator.
   *
   * @param adapter the adapter; null for the base model alone
   */
  public TextGenerator(BaseModel base, @Nullable Adapter adapter) {
    this.base = base;
    this.decoder = Decoder.of(base, adapter);
  }

  /** Receives progress, on the generating thread. */
  @FunctionalInterface
  public interface Progress {
    /** Reports the answered instructions. */
    void answered(int done, int instructions);
  }

  /**
   * Returns the model's answer to an instruction.
   *
   * @param settings the template and the most tokens of the prompt
   */
  public String answer(String instruction, GenerationOptions options, RunSettings settings)
      throws IOException {
    return answers(List.of(instruction), options, settings, (done, of) -> {}).get(0);
  }

  /**
   * Returns the model's answers to instructions, in order. An answer depends on its instruction,
   * its index in the list and the seed; other instructions only affect rounding of logits. On
   * interruption it throws {@link InterruptedIOException}.
   *
   * @param settings the template and the most tokens of a prompt
   */
  public List<String> answers(
      List<String> instructions, GenerationOptions options, RunSettings settings, Progress progress)
      throws IOException {
    List<InstructionRecord> records = new ArrayList<>();
    for (String instruction : instructions) {
      records.add(new InstructionRecord(instruction, null, "", null, null));
    }
    return answersTo(records, options, settings, progress);
  }

  /** Answers records' instructions with their contexts; otherwise as {@link #answers}. */
  public List<String> answersTo(
      List<InstructionRecord> records,
      GenerationOptions options,
      RunSettings settings,
      Progress progress)
      throws IOException {
    Tokenizer tokenizer = base.tokenizer();
    PromptTemplate template = base.tokenizer().template(settings.template());
    ExampleEncoder encoder = new ExampleEncoder(tokenizer, template, settings.maxLength(), true);
    Set<Integer> ends = new TreeSet<>(base.config().eosTokenIds());
    List<int[]> prompts = new ArrayList<>();
    for (InstructionRecord asked : records) {
      InstructionRecord record =
          new InstructionRecord(asked.instruction(), asked.context(), "", null, null);
      Prompt rendered = template.apply(record, tokenizer.specialTokens());
      int[] turnEnd = tokenizer.encode(rendered.answer().strip()).ids();
      if (turnEnd.length > 0) { // the token that ends the model's turn in this template
        ends.add(turnEnd[turnEnd.length - 1]);
      }
      prompts.add(encoder.encodePrompt(record));
    }
    return run(prompts, ends, options, progress);
  }

  /**
   * Returns the completions of texts, without a template, stripped of surrounding white space.
   * Otherwise as {@link #answers}.
   *
   * @throws IllegalArgumentException if a text has no token, or exceeds the model's context
   */
  public List<String> completions(List<String> texts, GenerationOptions options, Progress progress)
      throws IOException {
    Tokenizer tokenizer = base.tokenizer();
    List<int[]> prompts = new ArrayList<>();
    for (String text : texts) {
      int[] ids = tokenizer.encode(tokenizer.specialTokens().bos() + text).ids();
      if (ids.length == 0 || ids.length >= base.config().maxPositions()) {
        throw new IllegalArgumentException(
            "text: "
                + ids.length
                + " tokens (expected: 1 to "
                + (base.config().maxPositions() - 1)
                + ")");
      }
      prompts.add(ids);
    }
    return run(prompts, new TreeSet<>(base.config().eosTokenIds()), options, progress);
  }

  /** Goes on with texts, as many at once as there is room for. */
  private List<String> run(
      List<int[]> prompts, Set<Integer> ends, GenerationOptions options, Progress progress)
      throws IOException {
    Tokenizer tokenizer = base.tokenizer();
    Deque<Text> waiting = new ArrayDeque<>();
    for (int[] prompt : prompts) {
      Seed seed = new Seed(options.seed()).split(waiting.size());
      waiting.add(new Text(prompt, options, seed.generator()));
    }
    List<Text> all = List.copyOf(waiting);
    TokenSampler sampler = new TokenSampler(options);
    int texts = textsAtOnce(all);
    List<Text> running = new ArrayList<>();
    try {
      int done = 0;
      while (!waiting.isEmpty() || !running.isEmpty()) {
        while (!waiting.isEmpty() && running.size() < texts) {
          List<Text> fresh = new ArrayList<>();
          int tokensOfPass = 0;
          while (!waiting.isEmpty()
              && running.size() < texts
              && (fresh.isEmpty()
                  || tokensOfPass + waiting.element().tokens.length <= TOKENS_PER_PASS)) {
            Text text = waiting.remove();
            tokensOfPass += text.tokens.length;
            fresh.add(text);
            running.add(text);
          }
          begin(fresh);
          for (Text text : fresh) {
            text.take(sampler, ends, tokenizer);
          }
        }
        for (Text text : List.copyOf(running)) {
          if (text.isFinished) {
            text.close();
            running.remove(text);
            progress.answered(++done, all.size());
          }
        }
        if (Thread.interrupted()) {
          throw new InterruptedIOException(
              "generation was stopped after " + done + " of " + all.size() + " answers");
        }
        step(running);
        for (Text text : running) {
          text.take(sampler, ends, tokenizer);
        }
      }
    } finally {
      running.forEach(Text::close);
    }
    return all.stream().map(text -> text.answer).toList();
  }

  /** Returns how many texts go on together: as many as their caches leave room for. */
  private int textsAtOnce(List<Text> all) {
    long perToken =
        2L * base.config().layers() * base.config().keyValueHeads() * base.config().headSize();
    long most = all.stream().mapToLong(Text::capacity).max().orElse(1);
    return (int) Math.max(1, Math.min(TEXTS, CACHE_BYTES / (perToken * most * Float.BYTES)));
  }

  /** A text on its way. */
  private final class Text implements AutoCloseable {
    private final int promptLength;
    private final GenerationOptions options;
    private final SplittableRandom random;
    private final Set<Integer> seen = new HashSet<>();
    private int[] tokens;
    private @Nullable KeyValueCache cache;
    private float[] logits = {};
    private String answer = "";
    private boolean isFinished;

    Text(int[] prompt, GenerationOptions options, SplittableRandom random) {
      this.tokens = prompt;
      this.promptLength = prompt.length;
      this.options = options;
      this.random = random;
      for (int token : prompt) {
        seen.add(token);
      }
    }

    /** Returns the most tokens that it can have. */
    int capacity() {
      long tokens = (long) promptLength + options.maxTokens() + 1;
      return (int) Math.min(base.config().maxPositions(), tokens);
    }

    /** Adds the next token, and sees whether the answer is complete. */
    void take(TokenSampler sampler, Set<Integer> ends, Tokenizer tokenizer) {
      int token = sampler.choose(logits, seen, random);
      int length = tokens.length;
      if (!ends.contains(token)) {
        tokens = Arrays.copyOf(tokens, length + 1);
        tokens[length] = token;
        seen.add(token);
      }
      boolean isComplete =
          ends.contains(token)
              || tokens.length - promptLength >= options.maxTokens()
              || tokens.length >= base.config().maxPositions();
      if (isComplete || !options.stops().isEmpty()) {
        String text = tokenizer.decode(Arrays.copyOfRange(tokens, promptLength, tokens.length));
        int end = text.length();
        for (String stop : options.stops()) {
          int at = text.indexOf(stop);
          end = at >= 0 ? Math.min(end, at) : end;
        }
        isFinished = isComplete || end < text.length();
        answer = text.substring(0, end).strip();
      }
    }

    @Override
    public void close() {
      if (cache != null) {
        cache.close();
        cache = null;
      }
    }
  }

  /** Runs all tokens of texts, which fills their caches. */
  private void begin(List<Text> texts) {
    // Texts on either side of a change of angles do not go together.
    for (boolean isLong : new boolean[] {false, true}) {
      List<Text> chosen =
          texts.stream()
              .filter(text -> base.config().rope().isLong(text.tokens.length) == isLong)
              .toList();
      List<KeyValueCache> caches = new ArrayList<>();
      for (Text text : chosen) {
        text.close();
        KeyValueCache cache = new KeyValueCache(base, text.capacity());
        text.cache = cache;
        caches.add(cache);
      }
      if (!chosen.isEmpty()) {
        run(chosen, Batch.texts(chosen.stream().map(text -> text.tokens).toList()), caches);
      }
    }
  }

  /** Runs each text's last token. */
  private void step(List<Text> running) {
    List<Text> texts = new ArrayList<>();
    List<int[]> last = new ArrayList<>();
    List<KeyValueCache> caches = new ArrayList<>();
    for (Text text : running) {
      int length = text.tokens.length;
      KeyValueCache cache = text.cache;
      if (cache == null || base.config().rope().changesAt(length)) {
        begin(List.of(text)); // the angles of all its tokens change
      } else {
        texts.add(text);
        last.add(new int[] {text.tokens[length - 1]});
        caches.add(cache);
      }
    }
    // Texts on either side of a change of angles do not go together.
    for (boolean isLong : new boolean[] {false, true}) {
      List<Integer> chosen = new ArrayList<>();
      for (int i = 0; i < texts.size(); i++) {
        if (base.config().rope().isLong(texts.get(i).tokens.length) == isLong) {
          chosen.add(i);
        }
      }
      if (!chosen.isEmpty()) {
        int[] past = chosen.stream().mapToInt(i -> texts.get(i).tokens.length - 1).toArray();
        run(
            chosen.stream().map(texts::get).toList(),
            Batch.following(chosen.stream().map(last::get).toList(), past),
            chosen.stream().map(caches::get).toList());
      }
    }
  }

  private void run(List<Text> texts, Batch batch, List<KeyValueCache> caches) {
    int vocabulary = base.config().vocabularySize();
    try (Decoder.Pass pass = decoder.infer(batch, caches);
        NDArray logits = pass.nextLogits()) {
      float[] all = logits.toFloatArray();
      for (int i = 0; i < texts.size(); i++) {
        texts.get(i).logits = Arrays.copyOfRange(all, i * vocabulary, (i + 1) * vocabulary);
      }
    }
  }

  @Override
  public void close() {
    decoder.close();
  }
}
