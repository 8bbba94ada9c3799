"""Loops compiled by numba: arrays and scalars only, and when it pays to import them.

Importing numba and loading a cached kernel costs 0.4 to 0.5 s, as much as NumPy takes for about a
thousand megapixels more than a kernel would (benches/bench_kernels.py). A process therefore starts
on NumPy, with the same integers, and changes over once it has seen that many.
"""

from __future__ import annotations

import sys

#: Pixels that NumPy renders before numba is imported.
PIXELS_BEFORE_NUMBA = 800_000_000


class Payoff:
    """Counts the pixels of this process and tells when compiled kernels pay for their import."""

    def __init__(self, threshold: int = PIXELS_BEFORE_NUMBA) -> None:
        self._left = threshold

    def reached(self, pixels: int) -> bool:
        """Count ``pixels`` more; whether kernels should be used for them."""
        if self._left > 0:
            self._left = 0 if "numba" in sys.modules else self._left - pixels
        return self._left <= 0
