"""How many independent values an interval needs."""

from __future__ import annotations

import math


def min_sample_size(confidence: float) -> int:
    """Return how many units an interval needs: so many that their range itself would be an interval of the median.

    The range of n values holds the median with probability 1 - 2^(1-n) (H. A. David, H. N. Nagaraja, *Order
    Statistics*, 2003, section 7.1): 6 for 95 %, 8 for 99 %. With fewer the bootstrap covers far less than it says.
    """
    return math.ceil(1 - math.log2(1 - confidence) - 1e-9)
