package org.edgefit.federation;

import org.edgefit.client.TaskId;
import org.edgefit.run.Outcome;

/**
 * The end of a client's task.
 *
 * @param task the task
 * @param outcome the outcome from {@link Task#complete}, or a failure
 */
public record Answer(TaskId task, Outcome outcome) {}
