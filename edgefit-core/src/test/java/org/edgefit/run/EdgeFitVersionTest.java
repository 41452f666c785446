package org.edgefit.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class EdgeFitVersionTest {

  @Test
  void isTheOneThatTheBuildHas() throws Exception {
    assertThat(EdgeFitVersion.current()).matches("\\d+\\.\\d+\\.\\d+(-SNAPSHOT)?");
    assertThat(Files.readString(Path.of("../pom.xml")))
        .contains("<version>" + EdgeFitVersion.current() + "</version>");
  }
}
