package org.edgefit.data;

/**
 * A message of a conversation.
 *
 * @param role who speaks: {@link #SYSTEM}, {@link #USER} or {@link #ASSISTANT}
 * @param content what is said
 */
public record Message(String role, String content) {

  /** The system prompt's role. */
  public static final String SYSTEM = "system";

  /** The user's role. */
  public static final String USER = "user";

  /** The model's role. */
  public static final String ASSISTANT = "assistant";
}
