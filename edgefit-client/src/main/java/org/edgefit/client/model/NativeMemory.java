package org.edgefit.client.model;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import org.jspecify.annotations.Nullable;

/** The C library's allocator, from which the arrays' memory comes. */
public final class NativeMemory {

  private static final @Nullable Function TRIM = find("malloc_trim");

  private NativeMemory() {}

  private static @Nullable Function find(String name) {
    try {
      return NativeLibrary.getInstance("c").getFunction(name);
    } catch (UnsatisfiedLinkError e) {
      return null; // not glibc, which alone keeps so much that returning it is worth a call
    }
  }

  /**
   * Gives memory that is no longer in use back to the operating system, where the allocator would
   * keep it (glibc). A client that waits for its next round should not hold the last one's peak.
   */
  public static void trim() {
    if (TRIM != null) {
      TRIM.invokeInt(new Object[] {0});
    }
  }
}
