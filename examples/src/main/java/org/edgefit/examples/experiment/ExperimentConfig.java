package org.edgefit.examples.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.RunSettings;
import org.edgefit.client.Training;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.simulation.DeviceProfile;

/**
 * An experiment's settings. Where the paper is silent, the defaults are ours.
 *
 * @param name the experiment's name, for the report
 * @param models base models: directories, GGUF files, {@code hf:ORG/NAME}, {@code tiny-home} for
 *     the embedded one, or {@code random:SHAPE} for random weights
 * @param seeds the experiment is run once for each
 * @param procedures what is run
 * @param data where the records come from
 * @param partition how they are divided
 * @param lora the adapter
 * @param training a client's hyperparameters; epochs are per round
 * @param run the records' template and length
 * @param federated the rounds
 * @param alone the epochs of local-only and centralised training
 * @param evaluation scoring of classes
 * @param tiers the clients' devices on the virtual clock; none for no clock
 * @param memory the shapes whose memory is measured
 * @param machine compute options
 */
record ExperimentConfig(
    String name,
    List<String> models,
    List<Long> seeds,
    List<Procedure> procedures,
    Data data,
    Partition partition,
    LoraConfig lora,
    Training training,
    RunSettings run,
    Federated federated,
    Alone alone,
    Evaluation evaluation,
    List<Tier> tiers,
    Memory memory,
    Machine machine) {

  /**
   * The sources of records; those that are not named are not used.
   *
   * @param smartHome records of the example's generator
   * @param intents folders of utterances with their intents
   * @param dolly records of databricks-dolly-15k
   * @param selfInstruct records that a base model writes
   */
  record Data(SmartHome smartHome, Intents intents, Dolly dolly, Generated selfInstruct) {}

  /**
   * Records of the example's generator.
   *
   * @param events sensor events to classify
   * @param intents voice commands to classify
   * @param commands device commands
   * @param routines routines as JSON
   * @param heldOut the kinds of which validation and test are
   * @param validation labelled records for the learning curve, as many of each class
   * @param test labelled records for the tables, as many of each class
   */
  record SmartHome(
      int events,
      int intents,
      int commands,
      int routines,
      List<HeldOut> heldOut,
      int validation,
      int test) {}

  /** The kinds of records that have classes. */
  enum HeldOut {
    EVENTS,
    INTENTS
  }

  /**
   * Utterances with their intents: folders {@code train}, {@code valid} and {@code test} with the
   * files {@code seq.in} and {@code label}.
   *
   * @param folder the folder of the three; empty for none
   * @param prefix what the names of the wanted intents begin with; it is left out of the labels
   * @param question what is asked, with %s for the utterance
   */
  record Intents(String folder, String prefix, String question) {}

  /**
   * Records of databricks-dolly-15k.
   *
   * @param file a JSON-lines file, which may be compressed by gzip, or {@code
   *     hf:datasets/ORG/NAME/FILE}; empty for none
   * @param without the categories that are left out
   * @param records how many of the most relevant are taken
   * @param lexicon a file of terms; empty for that of smart homes
   */
  record Dolly(String file, List<String> without, int records, String lexicon) {}

  /**
   * Records that a base model writes.
   *
   * @param wanted how many
   * @param teacher the base model
   */
  record Generated(int wanted, String teacher) {}

  /**
   * How records are divided.
   *
   * @param clients the clients
   * @param alpha the concentration of the Dirichlet distribution over labels, or where a record has
   *     none, categories
   * @param minimum the records that every client has at least
   * @param maximum the records that a client keeps at most; 0 for all
   */
  record Partition(int clients, double alpha, int minimum, int maximum) {}

  /**
   * The federated procedure.
   *
   * @param rounds the rounds
   * @param clientsPerRound the clients of a round
   * @param deadline how long the server waits on the virtual clock, in seconds; 0 for as long as it
   *     takes
   * @param targetF1 the validation macro-F1 whose time is reported
   */
  record Federated(int rounds, int clientsPerRound, double deadline, double targetF1) {}

  /**
   * The procedures that train once.
   *
   * @param localEpochs the epochs of each client alone
   * @param centralisedEpochs the epochs over all data
   * @param centralisedBatch the records of a forward pass over all data
   */
  record Alone(int localEpochs, int centralisedEpochs, int centralisedBatch) {}

  /**
   * How classes are told.
   *
   * @param scorings the ways, the first of which is that of learning curves
   * @param resamples the draws of the bootstrap
   */
  record Evaluation(List<Scoring> scorings, int resamples) {}

  /**
   * Devices of one kind.
   *
   * @param name the tier's name
   * @param device the device
   * @param models the models whose clients are of this tier, among others; empty for all
   */
  record Tier(String name, DeviceProfile device, List<String> models) {}

  /**
   * The measurement of a training step's memory.
   *
   * @param budgets the shapes, each with the bytes that its process shall take; 0 for any
   * @param batch records of the step
   * @param sequence tokens of a record
   */
  record Memory(Map<String, Long> budgets, int batch, int sequence) {}

  /** The type of products. */
  enum Compute {
    FLOAT32,
    BFLOAT16,
    AUTO
  }

  /**
   * How it is computed.
   *
   * @param threads threads of one operation; 0 for one per core
   * @param parallel clients that train at once
   * @param compute the type of products
   */
  record Machine(int threads, int parallel, Compute compute) {

    /** Returns the type that memory is planned for: float32, unless it is bfloat16 for certain. */
    ComputeType fixedType() {
      return compute == Compute.BFLOAT16 ? ComputeType.BFLOAT16 : ComputeType.FLOAT32;
    }
  }

  /**
   * Reads a YAML file; a key that is not a setting is an error.
   *
   * @throws IOException if the file cannot be read
   * @throws IllegalArgumentException naming the setting, its value and what was expected
   */
  static ExperimentConfig read(Path file) throws IOException {
    return read(file, Map.of());
  }

  /**
   * Reads a YAML file, some of whose settings are set otherwise.
   *
   * @param settings by key, as in {@code federated.rounds}, the value as YAML
   */
  static ExperimentConfig read(Path file, Map<String, String> settings) throws IOException {
    return ExperimentReader.read(file, settings);
  }
}
