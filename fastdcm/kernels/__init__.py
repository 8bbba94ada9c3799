"""Compiled loops: arrays and scalars only, and when it pays to load them.

The first kernel of a process costs 0.04 s, as much as NumPy takes for some sixty megapixels more than a
kernel would; where nothing is compiled yet, numba is imported for it and takes seconds, once a machine
(benches/bench_kernels.py). A process therefore starts on NumPy, with the same integers, and changes over
once it has seen that many, or knows that they will come.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection

from fastdcm.kernels.places import are_cached

#: Pixels that NumPy renders before numba is imported, to compile kernels.
PIXELS_BEFORE_NUMBA = 400_000_000
#: The share of a threshold after which kernels are loaded that are compiled already.
_LOADING = 0.15
#: Pixels that NumPy renders before kernels are loaded that are compiled already.
PIXELS_BEFORE_KERNELS = int(_LOADING * PIXELS_BEFORE_NUMBA)


class Outlook:
    """What this process knows of its work to come; a process that knows nothing goes by what it did.

    ``times`` is how many times the work done so far, the present included, is to come at least. Without
    ``may_compile`` kernels are loaded where they are kept, else another process compiles them first. One
    that is ``lasting`` comes back for more, and loads at once what is kept.
    """

    times: float = 0.0
    may_compile: bool = True
    lasting: bool = False


OUTLOOK = Outlook()


class Compiling:
    """A context in which kernels are compiled; whether some thread of this process is in one.

    Compiling takes seconds, which whoever waits is told of, and which are no frame's: ``told`` is called when
    it begins, and when it has ended.
    """

    under_way = 0
    told: Callable[[], None] | None = None

    def __enter__(self) -> None:
        self._count(1)

    def __exit__(self, *error: object) -> None:
        self._count(-1)

    @classmethod
    def _count(cls, more: int) -> None:
        cls.under_way += more
        if cls.told is not None:
            cls.told()


def are_loaded() -> bool:
    """Whether this process has kernels, so that further ones cost it next to nothing."""
    return "llvmlite" in sys.modules


class Payoff:
    """Counts the work of this process and tells when kernels pay for being compiled, or for being loaded.

    ``threshold`` is as much work, in pixels or another unit, as importing numba takes without them;
    ``modules`` are those of this package whose functions would be used. ``loading`` is the share of the
    threshold after which they are loaded where they are compiled already.
    """

    def __init__(
        self,
        threshold: int = PIXELS_BEFORE_NUMBA,
        modules: Collection[str] = ("display",),
        *,
        loading: float = _LOADING,
    ) -> None:
        self._threshold = threshold
        self._modules = modules
        self._loading = loading
        self._cached: bool | None = None
        self._seen = 0
        self._reached = threshold <= 0

    def reached(self, work: int, *, at_once: bool = False) -> bool:
        """Count ``work`` more; whether kernels should be used for it: ``at_once`` where they are compiled."""
        if not self._reached:
            self._seen += work
            known = self._seen * max(1.0, OUTLOOK.times)
            if at_once or are_loaded() or OUTLOOK.lasting or known >= self._loading * self._threshold:
                may_compile = OUTLOOK.may_compile and known >= self._threshold
                self._reached = may_compile or self._is_cached()
        return self._reached

    def _is_cached(self) -> bool:
        if self._cached is None:
            self._cached = are_cached(self._modules)
        return self._cached
