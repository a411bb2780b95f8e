"""A random order of many things without a list of them.

The order is a keyed permutation of 0 … n-1: a generalised Feistel network over a domain of a × b >= n numbers with
cycle walking (J. Black and P. Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002, methods 2 and 3). As a
and b are close to the root of n, less than one number in the root of n is walked over. The round functions are
tables drawn from SHAKE-256, so an order is the same on every machine and in every version of Python, and memory
grows with the root of n only.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator

_ROUNDS = 24  # fewer leave an order of six or fewer things visibly uneven
_WORD = 8  # bytes for each entry: the bias of "modulo" is then far below anything that could be seen


class Permutation:
    """A random permutation of 0 … ``size - 1`` that the text ``key`` names; iterable and indexable."""

    def __init__(self, size: int, key: str) -> None:
        self.size = size
        self._a = max(1, math.isqrt(max(size - 1, 0)) + 1)
        self._b = max(1, -(-size // self._a))
        self._tables = [self._table(key, number) for number in range(_ROUNDS)]

    def _table(self, key: str, number: int) -> list[int]:
        """The round function ``number``: from the right half's range to the left half's."""
        entries, modulus = (self._b, self._a) if number % 2 == 0 else (self._a, self._b)
        stream = hashlib.shake_256(f"{key}\0{self.size}\0{number}".encode()).digest(entries * _WORD)
        words = (stream[at : at + _WORD] for at in range(0, len(stream), _WORD))
        return [int.from_bytes(word, "big") % modulus for word in words]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, place: int) -> int:
        """Return what stands at ``place``."""
        if not 0 <= place < self.size:
            raise IndexError(place)
        while True:
            place = self._encipher(place)
            if place < self.size:
                return place

    def __iter__(self) -> Iterator[int]:
        return (self[place] for place in range(self.size))

    def _encipher(self, number: int) -> int:
        right, left = divmod(number, self._a)
        modulus, other = self._a, self._b
        for table in self._tables:
            left, right = right, (left + table[right]) % modulus
            modulus, other = other, modulus
        return self._a * right + left
