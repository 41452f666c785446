package org.edgefit.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Which part may know which: core <- proto <- {server, client} <- examples. */
class ArchitectureTest {

  private static final String[] CORE = {
    "org.edgefit.adapter..",
    "org.edgefit.client",
    "org.edgefit.data..",
    "org.edgefit.federation..",
    "org.edgefit.file..",
    "org.edgefit.format..",
    "org.edgefit.internal..",
    "org.edgefit.metrics..",
    "org.edgefit.random..",
    "org.edgefit.run..",
    "org.edgefit.simulation..",
    "org.edgefit.strategy.."
  };
  private static final String[] CLIENT = {
    "org.edgefit.client.cli..",
    "org.edgefit.client.djl..",
    "org.edgefit.client.engine..",
    "org.edgefit.client.model..",
    "org.edgefit.client.qlora..",
    "org.edgefit.client.wire.."
  };

  private static JavaClasses classes;

  @BeforeAll
  static void read() {
    classes =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .withImportOption(location -> !location.contains("-tests.jar"))
            .importPackages("org.edgefit");
  }

  @Test
  void coreKnowsNeitherTheWireNorTheEngine() {
    noClasses()
        .that()
        .resideInAnyPackage(CORE)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.grpc..", "com.google.protobuf..", "ai.djl..", "org.edgefit.proto..")
        .check(classes);
    noClasses()
        .that()
        .resideInAnyPackage(CORE)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(CLIENT)
        .check(classes);
  }

  @Test
  void serverAndClientDoNotKnowEachOther() {
    noClasses()
        .that()
        .resideInAPackage("org.edgefit.server..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(CLIENT)
        .orShould()
        .dependOnClassesThat()
        .resideInAPackage("ai.djl..")
        .check(classes);
    noClasses()
        .that()
        .resideInAnyPackage(CLIENT)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.edgefit.server..")
        .check(classes);
  }

  @Test
  void engineKnowsNoWire() {
    noClasses()
        .that()
        .resideInAnyPackage("org.edgefit.client.model..", "org.edgefit.client.qlora..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.grpc..", "com.google.protobuf..", "org.edgefit.proto..")
        .check(classes);
  }

  @Test
  void onlyLaunchersKnowTheCommandLine() {
    noClasses()
        .that()
        .resideOutsideOfPackages("..cli..", "..examples..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("picocli..", "me.tongfei..")
        .check(classes);
  }

  @Test
  void onlyLaunchersUseInternals() {
    noClasses()
        .that()
        .resideOutsideOfPackages("..cli..", "..examples..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.edgefit.internal..")
        .check(classes);
  }

  @Test
  void packagesFormNoCycles() {
    slices().matching("org.edgefit.(**)").should().beFreeOfCycles().check(classes);
  }
}
