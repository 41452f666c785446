/** What happens in a round: who is asked, and how the answers become the next adapter. */
@NullMarked
package org.edgefit.strategy;

import org.jspecify.annotations.NullMarked;
