"""A random permutation that needs no list of its elements.

The permutation of 0 … n-1 is a generalised Feistel network over a domain of a × b >= n numbers with cycle walking
(J. Black and P. Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002, methods 2 and 3). a and b are close to
sqrt(n), so cycle walking skips less than one number in sqrt(n). The round functions are tables from SHAKE-256. The
order is the same on every machine and in every version of Python, and memory grows with sqrt(n) only.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator

_ROUNDS = 24  # fewer rounds are visibly uneven for six or fewer elements
_WORD = 8  # bytes per entry; makes the modulo bias negligible


class Permutation:
    """The random permutation of 0 … ``size - 1`` for the string ``key``; iterable and indexable."""

    def __init__(self, size: int, key: str) -> None:
        self.size = size
        self._a = max(1, math.isqrt(max(size - 1, 0)) + 1)
        self._b = max(1, -(-size // self._a))
        self._tables = [self._table(key, number) for number in range(_ROUNDS)]

    def _table(self, key: str, number: int) -> list[int]:
        """Return the table of round ``number``, from the range of the right half to that of the left half."""
        entries, modulus = (self._b, self._a) if number % 2 == 0 else (self._a, self._b)
        stream = hashlib.shake_256(f"{key}\0{self.size}\0{number}".encode()).digest(entries * _WORD)
        words = (stream[offset : offset + _WORD] for offset in range(0, len(stream), _WORD))
        return [int.from_bytes(word, "big") % modulus for word in words]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        """Return the element at ``index``."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        while True:
            index = self._encipher(index)
            if index < self.size:
                return index

    def __iter__(self) -> Iterator[int]:
        return (self[index] for index in range(self.size))

    def _encipher(self, number: int) -> int:
        right, left = divmod(number, self._a)
        modulus, other = self._a, self._b
        for table in self._tables:
            left, right = right, (left + table[right]) % modulus
            modulus, other = other, modulus
        return self._a * right + left
