"""One way to show all images of a series, so that neighbours do not flicker (``voi="series"``).

Where the window, the VOI LUT or the identity that each would be shown by is the same for all, it is that one.
Else it is the range of the modality values of all of them, which only decoding tells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, Protocol

from fastdcm.errors import FastdcmError
from fastdcm.model import Lut, Samples, Window
from fastdcm.options import RenderOptions
from fastdcm.rendering.chain import Range
from fastdcm.rendering.plan import GrayPlan, Plan


class Look(Protocol):
    """What gives the finding of a frame, by its index and the options by which it is shown by itself."""

    def __call__(self, index: int, options: RenderOptions, *, measure: bool) -> Finding: ...


class Finding(NamedTuple):
    """What frames of a series say about how it is shown; without arguments nothing.

    ``voi`` stands for the one by which each would be shown, None where each has a range of its own;
    ``alike`` tells that it is the same for all. ``low`` and ``high`` are the extremes of the modality values
    of those that were ``measured``; the others were not.
    """

    voi: bytes | None = None
    alike: bool = True
    low: float = math.inf
    high: float = -math.inf
    measured: bool = True
    empty: bool = True

    def merged(self, other: Finding) -> Finding:
        """What they say together."""
        if self.empty or other.empty:
            return other if self.empty else self
        return Finding(
            self.voi,
            self.alike and other.alike and self.voi == other.voi,
            min(self.low, other.low),
            max(self.high, other.high),
            self.measured and other.measured,
            empty=False,
        )

    @property
    def range(self) -> tuple[float, float] | None:
        """What the whole series is shown by; None where each is shown by what is its own."""
        there = not self.alike and -math.inf < self.low <= self.high < math.inf
        return (self.low, self.high) if there else None


def found_in(plan_of: Callable[[int], Plan], decode: Callable[[], Samples], measure: bool) -> Finding:
    """What a frame says by its plan; by its pixels, where it has no VOI, or with ``measure``.

    ``plan_of`` gives its plan for samples of so many bits, 0 where they are not known.
    """
    plan, samples = plan_of(0), None
    if isinstance(plan, GrayPlan) and (measure or plan.automatic is not None):
        samples = decode()
        plan = plan_of(samples.bits)
    if not isinstance(plan, GrayPlan):
        return Finding()
    own = plan.automatic is not None
    finding = Finding(None if own else _token(plan.chain.voi), not own, measured=False, empty=False)
    if samples is None:
        return finding
    from fastdcm.rendering.execute import value_range  # with NumPy, which a run's own process does without

    low, high = value_range(plan, [samples]) or (math.inf, -math.inf)
    return finding._replace(low=low, high=high, measured=True)


def each_by_its_own(options: RenderOptions) -> RenderOptions:
    """The options by which a frame is shown where the series does not matter."""
    return replace(options, voi="window", series_range=None)


@lru_cache(maxsize=64)
def settled(options: RenderOptions, span: tuple[float, float] | None) -> RenderOptions:
    """The options for all frames of a series, whose `Finding.range` is known."""
    return each_by_its_own(options) if span is None else replace(options, series_range=span)


def shown_alike(
    options: RenderOptions, look: Look, frames: int, begin: Callable[[int], None]
) -> RenderOptions:
    """The options for all frames of an object, which are a series by themselves.

    They are decoded where that counts, each once. Those that cannot be read do not count. ``begin`` is called
    before each that is looked at.
    """
    alone = each_by_its_own(options)

    def looked_at(indexes: Iterable[int], measure: bool) -> Iterator[tuple[int, Finding]]:
        for index in indexes:
            begin(index)
            try:
                yield index, look(index, alone, measure=measure)
            except FastdcmError:
                continue  # who renders it gets the error

    total, unmeasured = Finding(), []
    for index, found in looked_at(range(frames), False):
        total = total.merged(found)
        if not found.measured:
            unmeasured.append(index)
    if not total.alike:
        for _, found in looked_at(unmeasured, True):
            total = total.merged(found)
    return settled(options, total.range)


@lru_cache(maxsize=64)
def _token(voi: Window | Lut | Range) -> bytes:
    """A short stand-in, the same in all processes: of a window, its name does not count."""
    if isinstance(voi, (Window, Lut)):
        voi = voi._replace(explanation="")
    return blake2b(repr(voi).encode(), digest_size=16).digest()
