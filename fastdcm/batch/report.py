"""What a run did: numbers of everything, and the first of each kind by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from fastdcm.errors import FastdcmError
from fastdcm.model import Notice

#: Failures, skipped files and notices kept by name; beyond it they are counted only.
KEPT = 10_000
#: Different reasons that are counted apart; a reason may quote the file, so there is no end to them.
KEPT_REASONS = 50
OTHER_REASONS = "other reasons"


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

    ``part`` and ``parts`` say which; 0 of 1 is the whole file.
    """

    path: str
    part: int = 0
    parts: int = 1
    images: int = 0
    existing: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    failures: list[Failure] = field(default_factory=list)
    notices: tuple[Notice, ...] = ()
    skipped: str | None = None


@dataclass
class Report:
    """What a run did.

    ``converted``, ``failed`` and ``unchanged`` count files, ``images`` what was written (one a
    frame), ``existing`` the outputs from before that were left alone; ``unchanged`` are the files
    of which nothing else was to do. ``failures``, ``skipped`` and
    ``notices`` hold the first 10 000; the ``*_count`` and ``*_by_*`` fields count all.
    ``found`` counts the files that were found before the run ended; ``interrupted`` tells that
    Ctrl-C ended it.
    """

    found: int = 0
    converted: int = 0
    failed: int = 0
    unchanged: int = 0
    images: int = 0
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
    outputs: tuple[str, ...] = ()
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
        self.images += outcome.images
        self.existing += outcome.existing
        self.bytes_read += outcome.bytes_read
        self.bytes_written += outcome.bytes_written

    def _skip(self, skipped: Skipped) -> None:
        self.skipped_count += 1
        reasons = self.skipped_by_reason
        known = skipped.reason in reasons or len(reasons) < KEPT_REASONS
        reason = skipped.reason if known else OTHER_REASONS
        reasons[reason] = reasons.get(reason, 0) + 1
        if len(self.skipped) < KEPT:
            self.skipped.append(skipped)

    def _count_file(self, outcome: Outcome) -> None:
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


@dataclass(slots=True)
class _OpenFile:
    """A file of which some parts are still under way."""

    parts_left: int
    failed: bool = False
    written: bool = False


class Watcher:
    """What a caller may want to see while a run goes on: override what is of interest.

    All methods are called from the thread that called `fastdcm.batch.run`.
    """

    def done(self, outcome: Outcome) -> None:
        """A file, or a part of one, is done."""

    def tick(self, progress: Progress) -> None:
        """About ten times a second."""


class Progress(NamedTuple):
    """How far a run is: ``found`` files are known so far, and they are all once ``complete``."""

    files: int
    images: int
    failures: int
    found: int
    complete: bool
