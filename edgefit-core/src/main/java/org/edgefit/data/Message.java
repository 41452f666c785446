package org.edgefit.data;

/**
 * A message of a conversation.
 *
 * @param role who speaks: {@link #SYSTEM}, {@link #USER} or {@link #ASSISTANT}
 * @param content what is said
 */
public record Message(String role, String content) {

  /** What the assistant is told before the conversation. */
  public static final String SYSTEM = "system";

  /** The one who asks. */
  public static final String USER = "user";

  /** The one who answers. */
  public static final String ASSISTANT = "assistant";
}
