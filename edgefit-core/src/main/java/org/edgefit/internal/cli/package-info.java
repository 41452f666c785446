/** What the launchers share: the options of adapters and training, and how errors are shown. */
@NullMarked
package org.edgefit.internal.cli;

import org.jspecify.annotations.NullMarked;
