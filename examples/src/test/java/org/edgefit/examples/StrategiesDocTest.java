package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.edgefit.client.EvaluateResult;
import org.edgefit.examples.strategies.Recipes;
import org.edgefit.federation.FakeClient;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.federation.RunResult;
import org.edgefit.run.RoundSummary;
import org.edgefit.strategy.Measure;
import org.edgefit.strategy.Strategy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the documentation shows of strategies is the code of this module, and it runs. */
class StrategiesDocTest {

  private static final Path DOCUMENT = Path.of("../docs/strategies.md");
  private static final Path SOURCES = Path.of("src/main/java/org/edgefit/examples/strategies");
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)\n```", Pattern.DOTALL);

  @TempDir Path temp;

  private static String inOneLine(String code) {
    return code.replaceAll("\\s+", " ").strip();
  }

  @Test
  void everyPieceOfJavaIsOfTheSources() throws IOException {
    List<String> sources = new ArrayList<>();
    try (Stream<Path> files = Files.list(SOURCES)) {
      for (Path file : files.toList()) {
        sources.add(inOneLine(Files.readString(file)));
      }
    }
    Matcher blocks = JAVA.matcher(Files.readString(DOCUMENT));
    int pieces = 0;
    while (blocks.find()) {
      for (String piece : blocks.group(1).split("\n\n(?=\\S)", -1)) {
        String code = inOneLine(piece);
        assertThat(sources).as(piece).anyMatch(source -> source.contains(code));
        pieces++;
      }
    }
    assertThat(pieces).isGreaterThan(15);
  }

  @Test
  void everyRecipeIsShown() throws IOException {
    String document = inOneLine(Files.readString(DOCUMENT));
    Matcher methods =
        Pattern.compile("static Strategy (\\w+)\\(\\)")
            .matcher(Files.readString(SOURCES.resolve("Recipes.java")));
    int recipes = 0;
    while (methods.find()) {
      assertThat(document).contains("static Strategy " + methods.group(1) + "()");
      recipes++;
    }
    assertThat(recipes).isEqualTo(Recipes.all().size() - 1); // and one strategy from nothing
  }

  private static Stream<String> recipes() {
    return Recipes.all().keySet().stream();
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void recipeRuns(String recipe) throws Exception {
    RunResult result = ProofRun.run("in-process", recipe, temp.resolve("run"), false);
    List<RoundSummary> rounds = result.history().rounds();
    for (RoundSummary round : rounds.subList(1, rounds.size())) {
      assertThat(round.failure()).isEmpty();
      assertThat(round.trained()).isPositive();
      assertThat(round.adapterSha256()).isNotEqualTo(rounds.get(round.round() - 1).adapterSha256());
    }
    if (recipe.equals("own-metrics")) {
      assertThat(result.history().last().fitMetrics())
          .containsEntry("records", 3.0 + 4 + 5 + 6 + 7)
          .containsKey("worst loss");
    }
  }

  /** Returns by how much the first weight moved in a round with clients that differ. */
  private static float moved(String recipe, double... changes) throws Exception {
    List<FakeClient> clients = new ArrayList<>();
    for (double change : changes) {
      clients.add(FakeClient.adding("client-" + clients.size(), (float) change, 1));
    }
    Map<String, Strategy> recipes = new TreeMap<>(Recipes.all());
    RunResult result =
        Federation.builder()
            .strategy(recipes.get(recipe))
            .clients(InProcessClients.of(clients))
            .adapter(FakeClient.start())
            .build()
            .run(1);
    return result.adapter().tensor(1).get(0); // of B, which begins at zero
  }

  @Test
  void robustRulesAreNotMovedFarByOneClient() throws Exception {
    assertThat(moved("trimmed-mean", 1, 1e6, 1.5, -1e6, 2)).isEqualTo(1.5f);
    assertThat(moved("krum", 1, 1.125, 0.75, 1e6, 1.25)).isEqualTo(1.125f);
    assertThat(moved("krum", -3)).isEqualTo(-3);
  }

  @Test
  void earlyStopEndsAndKeepsTheBest() throws Exception {
    double[] losses = {3, 2, 2.5, 2.75, 1};
    FakeClient client =
        new FakeClient(
            "home",
            FakeClient.adding("home", 1, 1).behaviour(),
            asked -> new EvaluateResult(1, Map.of("loss", losses[asked.round() - 1])));
    RunResult result =
        Federation.builder()
            .strategy(Recipes.all().get("early-stop"))
            .clients(InProcessClients.of(List.of(client)))
            .adapter(FakeClient.start())
            .best(Measure.lowest("loss"))
            .runDirectory(temp.resolve("run"))
            .build()
            .run(9);
    assertThat(result.history().last().round()).isEqualTo(4);
    assertThat(result.best()).isNotNull();
    assertThat(result.best().round().round()).isEqualTo(2);
    assertThat(result.best().adapter().tensor(1).get(0)).isEqualTo(2);
  }
}
