"""Words of samples: which of their bits count, and their sign (PS3.5 8.1.1). NumPy alone."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


def sign_extend(array: Array, bits: int) -> Array:
    """Unsigned samples of ``bits`` bits as two's complement."""
    signed = array.view(f"i{array.itemsize}")
    spare = 8 * array.itemsize - bits
    return signed if spare == 0 else (signed << spare) >> spare


def masked(array: Array, bits: int, *, signed: bool) -> Array:
    """The lowest ``bits`` bits of each word, sign-extended where ``signed``.

    Bits above may hold overlays or junk. Most files have none, which a look at the extremes tells
    cheaper than masking does.
    """
    if bits == 8 * array.itemsize:
        return array.view(f"i{array.itemsize}") if signed else array
    if signed:
        values = array.view(f"i{array.itemsize}")
        half = 1 << (bits - 1)
        if int(values.min()) >= -half and int(values.max()) < half:
            return values
        return sign_extend(array, bits)
    words = array.view(f"u{array.itemsize}")
    if int(words.max()) >> bits:
        low: Array = words & words.dtype.type((1 << bits) - 1)
        return low
    return words
