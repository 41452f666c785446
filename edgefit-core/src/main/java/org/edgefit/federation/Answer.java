package org.edgefit.federation;

import org.edgefit.client.TaskId;
import org.edgefit.run.Outcome;

/**
 * That a task is over for its client.
 *
 * @param task the task
 * @param outcome how: what {@link Task#complete} returned, or that the client failed
 */
public record Answer(TaskId task, Outcome outcome) {}
