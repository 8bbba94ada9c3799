"""What a run did: numbers of everything, and the first of each kind by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import add
from typing import TYPE_CHECKING, Any, NamedTuple

from fastdcm.errors import FastdcmError
from fastdcm.model import Notice

if TYPE_CHECKING:
    from fastdcm.sinks.spool import Spooled

#: Failures, skipped files and notices kept by name; beyond it they are counted only.
KEPT = 10_000
#: Different reasons that are counted apart; a reason may quote the file, so there is no end to them.
KEPT_REASONS = 50
OTHER_REASONS = "other reasons"
#: Fields of `Outcome` and of `Report` that add up.
SUMMED = ("images", "passed_through", "existing", "bytes_read", "bytes_written", "kept", "failed_before")


class Failure(NamedTuple):
    """Something that was not converted: a file, or one frame of it (from 1)."""

    path: str
    frame: int | None
    error: FastdcmError

    def __str__(self) -> str:
        return str(self.error)


class Skipped(NamedTuple):
    """A file of a folder that holds no image."""

    path: str
    reason: str


@dataclass(slots=True)
class Outcome:
    """What came of one file, or of one part of a file whose frames were spread.

    ``part`` and ``parts`` say which; 0 of 1 is the whole file. With another number of ``files`` than
    1 it has no path: it is the sum over files of which there is nothing else to tell. ``stages`` are
    the seconds of each of `fastdcm.batch.stages.STAGES`, where they are counted; ``rows`` are those of the
    run's table of metadata, where there is one. ``number`` is the input's place among all, and ``spooled``
    where its images are, on their way into shards. ``lines`` are those of the run's manifest; ``kept`` images
    are those of a run before, in which the file may have ``failed_before``; what ``is_told`` has its rows in
    the manifest already. ``stamp`` is by what the source is known again (`fastdcm.sources.stamp_of`), where
    rows are made of the outcome.
    """

    path: str
    part: int = 0
    parts: int = 1
    images: int = 0
    passed_through: int = 0
    existing: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    failures: list[Failure] = field(default_factory=list)
    notices: tuple[Notice, ...] = ()
    skipped: str | None = None
    files: int = 1
    stages: tuple[float, ...] = ()
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    number: int = -1
    spooled: Spooled | None = None
    lines: list[bytes] = field(default_factory=list)
    kept: int = 0
    failed_before: int = 0
    is_told: bool = False
    stamp: tuple[int, int] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to tell but numbers, so that it may be added to others."""
        return not (self.failures or self.notices or self.skipped is not None or self.parts > 1)

    def add(self, other: Outcome) -> None:
        """Count what came of other files, too; both are plain."""
        self.files += other.files
        # Not by SUMMED, which is three times as slow, once an image.
        self.images += other.images
        self.passed_through += other.passed_through
        self.existing += other.existing
        self.bytes_read += other.bytes_read
        self.bytes_written += other.bytes_written
        if other.stages:
            self.stages = _sum(self.stages, other.stages)
        if other.rows:
            self.rows += other.rows
        if other.lines:
            self.lines += other.lines


@dataclass
class Report:
    """What a run did.

    ``converted``, ``failed`` and ``unchanged`` count files, ``images`` what was written (one a
    frame), ``passed_through`` those of them that are the file's own JPEG frames, copied without
    decoding and encoding them, ``existing`` the outputs from before that were left alone;
    ``unchanged`` are the files of which nothing else was to do. ``failures``, ``skipped`` and
    ``notices`` hold the first 10 000; the ``*_count`` and ``*_by_*`` fields count all.
    ``found`` counts the files that were found before the run ended; ``interrupted`` tells that
    Ctrl-C ended it. ``stages`` are the seconds that ``workers`` processes together spent in each of
    `fastdcm.batch.stages.STAGES`, where a profile was asked for; ``waited`` are those in which they were
    ready and no file was handed out to them yet. ``preparing`` are those of ``seconds`` in which the ranges
    of series were looked for, before anything was converted. ``metadata`` is the path of the table of
    metadata, where one was written, ``manifest`` that of the run's manifest. ``kept`` are images of an
    earlier run, which this one goes on from, and ``failed_before`` files that failed in it; with shards
    ``images`` are those in whole ones. ``stopped`` is why the place of all
    outputs takes no more of them (a full disk), where that ended the run.
    """

    found: int = 0
    converted: int = 0
    failed: int = 0
    unchanged: int = 0
    images: int = 0
    passed_through: int = 0
    existing: int = 0
    failures: list[Failure] = field(default_factory=list)
    failure_count: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    skipped_count: int = 0
    skipped_by_reason: dict[str, int] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    notices_by_code: dict[str, int] = field(default_factory=dict)
    bytes_read: int = 0
    bytes_written: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    stages: tuple[float, ...] = ()
    workers: int = 1
    waited: float = 0.0
    preparing: float = 0.0
    outputs: tuple[str, ...] = ()
    metadata: str | None = None
    manifest: str | None = None
    kept: int = 0
    failed_before: int = 0
    stopped: str = ""
    _open: dict[str, _OpenFile] = field(default_factory=dict, repr=False)

    @property
    def files(self) -> int:
        """Files that the run is done with, whatever came of them."""
        return self.converted + self.failed + self.unchanged + self.skipped_count

    def progress(self, complete: bool) -> Progress:
        """How far the run is; ``complete`` tells that all its files are found."""
        return Progress(self.files, self.images, self.failure_count, self.found, complete)

    def add(self, outcome: Outcome) -> None:
        """Count what came of a file or of a part."""
        self.add_unfinished(outcome)
        self.failure_count += len(outcome.failures)
        self.failures += outcome.failures[: max(0, KEPT - len(self.failures))]
        for notice in outcome.notices:
            self.notices_by_code[notice.code] = self.notices_by_code.get(notice.code, 0) + 1
        self.notices += outcome.notices[: max(0, KEPT - len(self.notices))]
        if outcome.skipped is not None:
            self._skip(Skipped(outcome.path, outcome.skipped))
        else:
            self._count_file(outcome)

    def add_unfinished(self, outcome: Outcome) -> None:
        """Count the images of a file that will not be finished."""
        for name in SUMMED:
            setattr(self, name, getattr(self, name) + getattr(outcome, name))
        self.stages = _sum(self.stages, outcome.stages)

    def _skip(self, skipped: Skipped) -> None:
        self.skipped_count += 1
        reasons = self.skipped_by_reason
        known = skipped.reason in reasons or len(reasons) < KEPT_REASONS
        reason = skipped.reason if known else OTHER_REASONS
        reasons[reason] = reasons.get(reason, 0) + 1
        if len(self.skipped) < KEPT:
            self.skipped.append(skipped)

    def _count_file(self, outcome: Outcome) -> None:
        if outcome.is_plain:
            if outcome.images:
                self.converted += outcome.files
            else:
                self.unchanged += outcome.files
            return
        file = self._open.pop(outcome.path, None) or _OpenFile(outcome.parts)
        file.parts_left -= 1
        file.failed |= bool(outcome.failures)
        file.written |= outcome.images > 0
        if file.parts_left:
            self._open[outcome.path] = file
        elif file.failed:
            self.failed += 1
        elif file.written:
            self.converted += 1
        else:
            self.unchanged += 1


@dataclass(slots=True, eq=False, repr=False)
class _OpenFile:
    """A file of which some parts are still under way."""

    parts_left: int
    failed: bool = False
    written: bool = False


def _sum(some: tuple[float, ...], more: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(map(add, some, more)) if some and more else some or more


class Watcher:
    """What a caller may want to see while a run goes on: override what is of interest.

    All methods are called from the thread that called `fastdcm.batch.run`.

    Telling of every file costs the run 10 microseconds a file, which is time that no worker can take
    off it: who is content with those that failed, were skipped or have notices sets ``every_file``
    to False.
    """

    every_file = True

    def done(self, outcome: Outcome) -> None:
        """A file, or a part of one, is done. ``outcome.files`` is 1."""

    def tick(self, progress: Progress) -> None:
        """About ten times a second."""


class Progress(NamedTuple):
    """How far a run is: ``found`` files are known so far, and they are all once ``complete``.

    ``compiling``: the one file waits for kernels, which are compiled once on a machine. ``phase`` names what
    is done with the files before they are converted, for which they are counted apart, or what is waited for.
    """

    files: int
    images: int
    failures: int
    found: int
    complete: bool
    compiling: bool = False
    phase: str = ""
