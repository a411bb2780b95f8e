"""The head of the file ``now``, by which a worker tells whoever watches it how far it is."""

from __future__ import annotations

import struct

HEAD = struct.Struct("<QQd")
"""Before the input: the number of inputs, the size of this one, seconds of CPU."""
