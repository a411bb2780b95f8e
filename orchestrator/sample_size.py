"""The minimum sample size of a confidence interval."""

from __future__ import annotations

import math


def min_sample_size(confidence: float) -> int:
    """Return the minimum number of values for an interval of the median.

    The range of n values contains the median with probability 1 - 2^(1-n) (H. A. David, H. N. Nagaraja, *Order
    Statistics*, 2003, section 7.1). The minimum is the n where the range itself is such an interval: 6 for 95 %, 8 for
    99 %. With fewer values the coverage of the bootstrap is far below its nominal level.
    """
    return math.ceil(1 - math.log2(1 - confidence) - 1e-9)
