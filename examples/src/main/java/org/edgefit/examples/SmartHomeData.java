package org.edgefit.examples;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.selfinstruct.TaskKind;
import org.edgefit.random.Seed;

/**
 * Smart-home instructions from a seeded generator: sensor events to classify as Normal or Anomaly
 * with the reason, voice commands to classify by intent, device commands and routines as JSON. The
 * same seed gives the same records.
 *
 * <p>Each kind of event has a rule that decides its class, and is balanced between the classes, so
 * neither the kind nor the device reveals the class; most events have a time of day, which matters
 * only for motion. Classes are drawn in turn, so they have equal counts.
 */
public final class SmartHomeData {

  /** The classes of sensor events. */
  public static final List<String> LABELS = List.of("Anomaly", "Normal");

  /** The classes of voice commands. */
  public static final List<String> INTENTS = TaskKind.INTENT.labels();

  /** The key of the label skew: an event's class, or else the task type. */
  static final Function<InstructionRecord, String> SKEW_KEY =
      record -> record.label() == null ? String.valueOf(record.category()) : record.label();

  private static final List<String> ROOMS =
      List.of(
          "living room",
          "kitchen",
          "bedroom",
          "hallway",
          "garage",
          "bathroom",
          "office",
          "basement",
          "nursery",
          "dining room");
  private static final List<String> DEVICES =
      List.of("light", "fan", "heater", "speaker", "blind", "air purifier", "lamp", "television");
  private static final List<String> DOORS =
      List.of("front door", "back door", "garage door", "patio door", "kitchen window");
  private static final List<String> SUPPLIED =
      List.of("fridge", "freezer", "router", "aquarium pump", "doorbell");
  private static final List<String> APPLIANCES =
      List.of("dishwasher", "washing machine", "dryer", "oven", "coffee machine", "robot vacuum");
  private static final List<String> MUSIC =
      List.of("jazz", "the news", "my morning list", "a lullaby", "piano music", "the radio");

  private final SplittableRandom random;

  private SmartHomeData(Seed seed) {
    random = seed.generator();
  }

  /** Returns records of all kinds of task, shuffled. */
  public static InstructionDataset training(
      Seed seed, int events, int intents, int commands, int routines) {
    SmartHomeData data = new SmartHomeData(seed.split("training"));
    List<InstructionRecord> records = new ArrayList<>();
    for (int i = 0; i < events; i++) {
      records.add(data.event(i % 2 == 0));
    }
    for (int i = 0; i < commands; i++) {
      records.add(data.command());
    }
    for (int i = 0; i < routines; i++) {
      records.add(data.routine());
    }
    for (int i = 0; i < intents; i++) {
      records.add(data.intent(INTENTS.get(i % INTENTS.size())));
    }
    Collections.shuffle(records, new Random(seed.split("shuffle").value()));
    return new InstructionDataset(records);
  }

  /** Returns sensor events from a stream of their own, for evaluation. */
  public static InstructionDataset heldOutEvents(Seed seed, int events) {
    SmartHomeData data = new SmartHomeData(seed.split("held out"));
    List<InstructionRecord> records = new ArrayList<>();
    for (int i = 0; i < events; i++) {
      records.add(data.event(i % 2 == 0));
    }
    return new InstructionDataset(records);
  }

  /** Returns voice commands from a stream of their own, for evaluation. */
  public static InstructionDataset heldOutIntents(Seed seed, int intents) {
    SmartHomeData data = new SmartHomeData(seed.split("held out intents"));
    List<InstructionRecord> records = new ArrayList<>();
    for (int i = 0; i < intents; i++) {
      records.add(data.intent(INTENTS.get(i % INTENTS.size())));
    }
    return new InstructionDataset(records);
  }

  private String pick(List<String> choices) {
    return choices.get(random.nextInt(choices.size()));
  }

  /** Returns a time of day, in the night (from 1 to 5) or in the day (from 8 to 21). */
  private String time(boolean night) {
    int hour = night ? random.nextInt(1, 5) : random.nextInt(8, 21);
    int minute = random.nextInt(60);
    return String.format(
        Locale.ROOT, "%d:%02d %s", hour > 12 ? hour - 12 : hour, minute, hour < 12 ? "AM" : "PM");
  }

  private InstructionRecord event(boolean anomaly) {
    String what;
    String why;
    switch (random.nextInt(6)) {
      case 0 -> {
        what = "A motion sensor saw activity in the " + pick(ROOMS) + " at " + time(anomaly) + ".";
        why =
            anomaly
                ? "This is outside usual waking hours, so it may be an intruder or a faulty device."
                : "Activity at this time of day is expected.";
      }
      case 1 -> {
        what =
            "The "
                + pick(DOORS)
                + " was opened at "
                + time(random.nextBoolean())
                + (anomaly ? " while nobody is home." : " by a resident.");
        why =
            anomaly
                ? "A door that opens in an empty house may mean a break-in."
                : "A resident may come and go.";
      }
      case 2 -> {
        int degrees = anomaly ? random.nextInt(45, 80) : random.nextInt(17, 27);
        what =
            "The temperature in the "
                + pick(ROOMS)
                + " was "
                + degrees
                + " degrees Celsius at "
                + time(random.nextBoolean())
                + ".";
        why =
            anomaly
                ? "This is far too hot for a room, so there may be a fire or a broken sensor."
                : "This is a comfortable room temperature.";
      }
      case 3 -> {
        int watts = anomaly ? random.nextInt(2000, 4000) : random.nextInt(40, 200);
        what = "The " + pick(SUPPLIED) + " draws " + watts + " watts.";
        why =
            anomaly
                ? "This is far above its rating, so it may be short-circuited."
                : "This is within its usual range.";
      }
      case 4 -> {
        what =
            "The water sensor in the "
                + pick(ROOMS)
                + (anomaly ? " reported standing water at " : " reported a dry floor at ")
                + time(random.nextBoolean())
                + ".";
        why = anomaly ? "There may be a leak." : "There is no sign of a leak.";
      }
      default -> {
        what =
            "The smart lock on the "
                + pick(DOORS)
                + (anomaly
                    ? " had " + random.nextInt(4, 10) + " wrong codes in a row at "
                    : " was opened with the right code at ")
                + time(random.nextBoolean())
                + ".";
        why =
            anomaly
                ? "Somebody may be trying to guess the code."
                : "The code belongs to the household.";
      }
    }
    return TaskKind.EVENT.record(what, why, anomaly ? "Anomaly" : "Normal");
  }

  private InstructionRecord intent(String label) {
    String room = pick(ROOMS);
    int percent = 5 * random.nextInt(1, 20);
    List<String> wishes =
        switch (label) {
          case "lights" ->
              List.of(
                  "Dim the lamps in the " + room + " to " + percent + " percent.",
                  "It is too dark in the " + room + " at " + time(random.nextBoolean()) + ".",
                  "Make the " + room + (random.nextBoolean() ? " brighter." : " darker."),
                  "Turn on the lights in the " + room + " at " + time(random.nextBoolean()) + ".");
          case "climate" ->
              List.of(
                  "Set the " + room + " to " + random.nextInt(16, 26) + " degrees.",
                  "It is too " + (random.nextBoolean() ? "cold" : "warm") + " in the " + room + ".",
                  "Turn the heating down in the " + room + " at " + time(true) + ".",
                  "Run the fan in the " + room + " for " + random.nextInt(5, 60) + " minutes.");
          case "security" ->
              List.of(
                  "Lock the " + pick(DOORS) + " at " + time(random.nextBoolean()) + ".",
                  "Who opened the " + pick(DOORS) + " at " + time(random.nextBoolean()) + "?",
                  "Arm the alarm in the " + room + " at " + time(true) + ".",
                  "Show me the camera in the " + room + ".");
          case "appliance" ->
              List.of(
                  "Start the " + pick(APPLIANCES) + " at " + time(random.nextBoolean()) + ".",
                  "Is the " + pick(APPLIANCES) + " done in " + random.nextInt(5, 60) + " minutes?",
                  "Stop the " + pick(APPLIANCES) + " in the " + room + ".",
                  "Let the robot clean the " + room + " at " + time(false) + ".");
          case "media" ->
              List.of(
                  "Play " + pick(MUSIC) + " in the " + room + ".",
                  "Set the volume in the " + room + " to " + percent + " percent.",
                  "Turn the television down in the " + room + " at " + time(true) + ".",
                  "Stop " + pick(MUSIC) + " in " + random.nextInt(5, 60) + " minutes.");
          default -> throw new IllegalArgumentException("intent: " + label);
        };
    return TaskKind.INTENT.record(pick(wishes), "", label);
  }

  private InstructionRecord command() {
    String device = pick(ROOMS) + " " + pick(DEVICES);
    boolean on = random.nextBoolean();
    String question =
        switch (random.nextInt(3)) {
          case 0 -> "Turn " + (on ? "on" : "off") + " the " + device + ".";
          case 1 -> "Please switch the " + device + (on ? " on." : " off.");
          default -> "Can you turn the " + device + (on ? " on?" : " off?");
        };
    return new InstructionRecord(
        question,
        null,
        "{\"device\": \"" + device + "\", \"action\": \"turn_" + (on ? "on" : "off") + "\"}",
        "Device Command",
        null);
  }

  private InstructionRecord routine() {
    String device = pick(ROOMS) + " " + pick(DEVICES);
    boolean on = random.nextBoolean();
    String time = time(random.nextBoolean());
    String action = on ? "on" : "off";
    return new InstructionRecord(
        "Write a routine as JSON: every day at "
            + time
            + ", turn "
            + action
            + " the "
            + device
            + ".",
        null,
        "{\"trigger\": {\"time\": \""
            + time
            + "\"}, \"actions\": [{\"device\": \""
            + device
            + "\", \"action\": \"turn_"
            + action
            + "\"}]}",
        "Routine",
        null);
  }
}
