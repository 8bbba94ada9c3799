"""Loops compiled by numba: arrays and scalars only, and when it pays to import them.

Importing numba and loading cached kernels costs 0.25 to 0.5 s, as much as NumPy takes for about four
hundred megapixels more than a kernel would (benches/bench_kernels.py). A process therefore starts on
NumPy, with the same integers, and changes over once it has seen that many, or knows that they
will come.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection

#: Pixels that NumPy renders before numba is imported.
PIXELS_BEFORE_NUMBA = 400_000_000


class Outlook:
    """What this process knows of its work to come; a process that knows nothing goes by what it did.

    ``times`` is how many times the work done so far is to come at least. Without ``may_compile``
    kernels are imported where their cache holds them, else another process compiles them first.
    """

    times: float = 0.0
    may_compile: bool = True


OUTLOOK = Outlook()


def are_loaded() -> bool:
    """Whether this process has kernels, so that others find them in the cache."""
    return "fastdcm.kernels.jit" in sys.modules


def are_cached(modules: Collection[str], folder: str = os.path.dirname(__file__)) -> bool:
    """Whether machine code of all these modules lies beside them, where numba puts it if it can.

    False where it lies elsewhere: then it is not known.
    """
    version = f".py{sys.version_info[0]}{sys.version_info[1]}."
    cached: set[str] = set()
    try:
        written = {name: os.stat(os.path.join(folder, f"{name}.py")).st_mtime for name in modules}
        with os.scandir(os.path.join(folder, "__pycache__")) as entries:
            for entry in entries:
                module = entry.name.partition(".")[0]
                index = entry.name.endswith(".nbi") and version in entry.name and module in written
                if index and entry.stat().st_mtime > written[module]:
                    cached.add(module)
    except OSError:
        return False
    return cached == set(modules)


class Payoff:
    """Counts the pixels of this process and tells when compiled kernels pay for their import.

    ``modules`` are those of this package whose functions would be used.
    """

    def __init__(self, threshold: int = PIXELS_BEFORE_NUMBA, modules: Collection[str] = ("display",)) -> None:
        self._threshold = threshold
        self._modules = modules
        self._cached: bool | None = None
        self._seen = 0
        self._reached = threshold <= 0

    def reached(self, pixels: int) -> bool:
        """Count ``pixels`` more; whether kernels should be used for them."""
        if not self._reached:
            self._seen += pixels
            enough = self._seen * max(1.0, OUTLOOK.times) >= self._threshold
            self._reached = "numba" in sys.modules or (enough and self._may_import())
        return self._reached

    def _may_import(self) -> bool:
        if self._cached is None and not OUTLOOK.may_compile:
            self._cached = are_cached(self._modules)
        return OUTLOOK.may_compile or bool(self._cached)
