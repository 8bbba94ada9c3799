"""Where the time of a run goes, for who asks (``convert --profile``).

A clock that always runs for one stage: the time inside a stage that begins inside another is the
inner one's alone, so that all stages together are the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import ParamSpec, TypeVar

#: What the seconds of an `fastdcm.batch.report.Outcome` belong to, in this order.
STAGES = ("read", "header", "decode", "render", "encode", "write", "other")
READ, HEADER, DECODE, RENDER, ENCODE, WRITE, OTHER = range(len(STAGES))
_STOPPED = len(STAGES)

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Stages:
    """The clock of one process."""

    def __init__(self) -> None:
        self._seconds = [0.0] * (len(STAGES) + 1)
        self._stage = _STOPPED
        self._since = perf_counter()

    def switch(self, stage: int) -> int:
        """Run for another stage from now on; returns the one it ran for."""
        now = perf_counter()
        self._seconds[self._stage] += now - self._since
        self._since = now
        before, self._stage = self._stage, stage
        return before

    def start(self) -> None:
        """Begin to count, as `OTHER`."""
        self.switch(OTHER)

    def stop(self) -> tuple[float, ...]:
        """Stop; the seconds of each of `STAGES` since the start."""
        self.switch(_STOPPED)
        seconds = tuple(self._seconds[:_STOPPED])
        self._seconds = [0.0] * (len(STAGES) + 1)
        return seconds

    def during(self, stage: int) -> _During:
        """A context manager that runs the clock for a stage."""
        return _During(self, stage)

    def timed(self, stage: int, function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        """The function, its calls counted as a stage."""

        def call(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
            with self.during(stage):
                return function(*args, **kwargs)

        return call


class _During:
    __slots__ = ("_before", "_stage", "_stages")

    def __init__(self, stages: Stages, stage: int) -> None:
        self._stages, self._stage, self._before = stages, stage, _STOPPED

    def __enter__(self) -> None:
        self._before = self._stages.switch(self._stage)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stages.switch(self._before)
