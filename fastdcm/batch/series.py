"""The range by which all images of a series are shown, of every series of a run (``voi="series"``).

Workers look at all files before any is converted: first at headers, and at the pixels of what has no window;
then, where the windows of a series differ, at those of its other images. A file that cannot be looked at does
not count; its conversion tells why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from fastdcm.batch.convert import COMPARING, MEASURING, Job, series_of
from fastdcm.batch.discovery import Task
from fastdcm.batch.executor import Executor, Lost, Work
from fastdcm.batch.report import Outcome, Progress, Watcher
from fastdcm.batch.serving import Beat, Serving, share
from fastdcm.errors import FastdcmError
from fastdcm.rendering.series import Finding, each_by_its_own

if TYPE_CHECKING:
    from fastdcm.pipeline import Image


_LOOKER = "fastdcm.batch.series:Looker"


class Looking(NamedTuple):
    """What a worker must know. ``differing`` are the series whose pixels count, None before that is known."""

    job: Job
    differing: frozenset[str] | None

    def elsewhere(self) -> Looking:
        """The same for another machine: nothing is written."""
        return self


class Seen(NamedTuple):
    """What so many files say, by series."""

    files: int
    series: dict[str, Finding]


class Looked(NamedTuple):
    """A file, or one of its parts, was looked at."""

    source: str
    parts: int


class Looker(Serving):
    """Looks at files, one after another, in one process."""

    def __init__(self, looking: Looking) -> None:
        super().__init__(looking.job)
        self._differing = looking.differing
        self._alone = each_by_its_own(looking.job.options.render)
        self._files, self._series = 0, dict[str, Finding]()

    def __call__(self, task: Task, own: bool, beat: Beat) -> tuple[Looked | None, list[Task]]:
        """Look at a file; its parts, where it should be spread. Tells of it where that is asked for."""
        self.begin()
        parts: list[Task] = []
        # Whatever is wrong with a file, its conversion meets it, and tells it.
        with suppress(Exception), self._open(task, self._options.read) as image:
            parts = self._look(image, task, beat)
        self._files += task.part == 0 and not parts
        return Looked(task.source, task.parts) if self._job.unpacks else None, parts

    def counted(self) -> list[Seen]:
        """What the files say together that were looked at since the last call."""
        seen = Seen(self._files, self._series)
        self._files, self._series = 0, {}
        return [seen] if seen.files or seen.series else []

    def _look(self, image: Image, task: Task, beat: Beat) -> list[Task]:
        series = series_of(image, task)
        if self._differing is not None and series not in self._differing:
            return []
        frames = len(image)
        if parts := self.parts(image, task, frames):
            return parts
        wanted = share(range(1, frames + 1), task)
        image.expect([number - 1 for number in wanted])
        for number in self.timed(image, wanted, beat):
            try:
                found = image.look(number - 1, self._alone, measure=self._differing is not None)
            except FastdcmError:
                continue  # as one frame may be damaged; its conversion tells
            if not found.empty:
                self._series[series] = found.merged(self._series.get(series, Finding()))
        return []


def with_series(
    job: Job,
    tasks: Callable[[], Iterable[Task | Outcome]],
    executor: Executor,
    watcher: Watcher,
    release: Callable[[str, int], None] | None = None,
) -> Job:
    """The same job with the ranges of the series of its files, which ``tasks`` lists each time.

    ``release`` is told of each that was looked at, and of how many parts it has.

    Raises `WorkerError` where no worker can be started.
    """
    series = _looked_at(tasks(), Looking(job, None), executor, watcher, release)
    differing = [name for name, found in series.items() if not found.alike and not found.measured]
    if differing:
        more = _looked_at(tasks(), Looking(job, frozenset(differing)), executor, watcher, release)
        for name, found in more.items():
            series[name] = found.merged(series[name]) if name in series else found
    return job._replace(series={name: found.range for name, found in series.items() if found.range})


def _nothing_is_left(looking: Looking, tasks: list[Task], process: int | None) -> None:
    """Whoever looks writes nothing."""


def _is_certain(result: Seen) -> bool:
    """What was seen is seen again."""
    return False


def _looked_at(
    tasks: Iterable[Task | Outcome],
    looking: Looking,
    executor: Executor,
    watcher: Watcher,
    release: Callable[[str, int], None] | None,
) -> dict[str, Finding]:
    phase = COMPARING if looking.differing is None else MEASURING
    listed = looked_at = 0

    def counted() -> Iterable[Task]:
        nonlocal listed
        for task in tasks:
            if isinstance(task, Task):
                listed += task.part == 0
                yield task

    series: dict[str, Finding] = {}
    job = looking.job
    work = Work(_LOOKER, looking, job.options.timeout, _nothing_is_left, _is_certain, job.together)
    execution = executor.start(work, counted())
    try:
        for result in execution.results():
            if isinstance(result, Seen):
                looked_at += result.files
                for name, found in result.series.items():
                    series[name] = found.merged(series.get(name, Finding()))
            elif isinstance(result, (Looked, Lost)):
                looked_at += isinstance(result, Lost)
                if release is not None:
                    looked = result if isinstance(result, Looked) else result.item
                    release(looked.source, looked.parts)
            elif result is None:
                now = execution.phase or phase
                watcher.tick(Progress(looked_at, 0, 0, listed, complete=execution.complete, phase=now))
    finally:
        execution.stop()
    return series
