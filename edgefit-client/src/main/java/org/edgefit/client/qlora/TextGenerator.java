package org.edgefit.client.qlora;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Training;
import org.edgefit.client.model.BaseModel;
import org.edgefit.data.ExampleEncoder;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.Prompt;
import org.edgefit.data.PromptTemplate;
import org.edgefit.data.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Answers instructions, taking the likeliest token each time. */
public final class TextGenerator implements AutoCloseable {

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

  /**
   * Returns the model's answer to an instruction.
   *
   * @param maxTokens the most tokens of the answer, >= 1
   * @param training the template and the most tokens of the prompt
   */
  public String answer(String instruction, int maxTokens, Training training) throws IOException {
    Tokenizer tokenizer = base.tokenizer();
    PromptTemplate template = base.tokenizer().template(training.template());
    ExampleEncoder encoder = new ExampleEncoder(tokenizer, template, training.maxLength(), true);
    InstructionRecord record = new InstructionRecord(instruction, null, "", null, null);
    int[] prompt = encoder.encodePrompt(record);
    Set<Integer> stops = new TreeSet<>(base.config().eosTokenIds());
    Prompt rendered = template.apply(record, tokenizer.specialTokens());
    int[] turnEnd = tokenizer.encode(rendered.answer().strip()).ids();
    if (turnEnd.length > 0) { // the token that ends the model's turn in this template
      stops.add(turnEnd[turnEnd.length - 1]);
    }
    return tokenizer.decode(generate(prompt, maxTokens, stops)).strip();
  }

  private int[] generate(int[] prompt, int maxTokens, Set<Integer> stops) {
    if (maxTokens < 1) {
      throw new IllegalArgumentException("maxTokens: " + maxTokens + " (expected: >= 1)");
    }
    List<Integer> answer = new ArrayList<>();
    try (KeyValueCache cache = new KeyValueCache(base.config().layers())) {
      int next = likeliest(Batch.of(prompt), cache);
      while (!stops.contains(next) && answer.size() < maxTokens) {
        answer.add(next);
        int seen = prompt.length + answer.size() - 1;
        if (seen + 1 >= base.config().maxPositions()) {
          break;
        }
        next = likeliest(Batch.continuing(seen, next), cache);
      }
    }
    return answer.stream().mapToInt(Integer::intValue).toArray();
  }

  private int likeliest(Batch batch, KeyValueCache cache) {
    try (Decoder.Pass pass = decoder.infer(batch, cache)) {
      return pass.likeliest();
    }
  }

  @Override
  public void close() {
    decoder.close();
  }
}
