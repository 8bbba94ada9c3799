"""Runs with a manifest: each outcome is told, and what a run before has done is not done again."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fastdcm.batch.discovery import Task
from fastdcm.batch.made_of import made_of
from fastdcm.batch.report import Failure, Outcome, Report, Watcher
from fastdcm.errors import OptionError, OutputError
from fastdcm.manifest.journal import Journal
from fastdcm.manifest.rows import Account, failed_row, skipped_row
from fastdcm.options import ConvertOptions, GeometryOptions
from fastdcm.options.manifest import ManifestOptions
from fastdcm.sinks.run import Run
from fastdcm.sources import known_stamp_of
from fastdcm.sources.addresses import is_remote, shown

if TYPE_CHECKING:
    from fastdcm.manifest.done import Done
    from fastdcm.manifest.owners import Owners


class Manifested:
    """The manifest of one run. Raises `OptionError` where it cannot be kept, before anything is written.

    ``target`` is where the images go, None for beside their sources; ``first_only`` tells that it is an image
    of a first frame. ``account`` is for the workers.
    """

    def __init__(self, options: ConvertOptions, target: str | None, run: Run, *, first_only: bool) -> None:
        assert options.manifest is not None
        self._options: ManifestOptions = options.manifest
        self._run, self._existing = run, options.existing
        if self._options.table is not None:
            from fastdcm.manifest.table import check_available

            check_available()
        folder = os.path.dirname(os.path.abspath(self._options.journal))
        place = None if target is None else _place(target, folder)
        self.account = Account(
            folder,
            self._options.checksum,
            mapped=options.render.geometry != GeometryOptions(),
            sidecars=options.sidecar.metadata == "json",
        )
        self._done: Done | None = None
        #: Outputs that are left alone without a task; rows of the run before that have a checksum now.
        self._alone = 0
        self._anew: deque[bytes] = deque()
        goes_on = self._options.resume and os.path.exists(self._options.journal)
        table = self._options.table
        if table is not None and not goes_on and options.existing != "overwrite" and os.path.lexists(table):
            raise OptionError(f"{table} is there already, of another run: name another one, or --overwrite")
        made = made_of(options, place, first_only)
        self._journal = Journal(self._options, made, options.existing, fsync=options.fsync)
        if goes_on:
            from fastdcm.manifest.done import Done

            try:
                self._done = Done(self._options, options.existing)
            except BaseException:
                self._journal.close()
                raise

    def owners(self, closing: ExitStack) -> Owners | None:
        """Whose the outputs of the run before are, that are made again; None where there was none."""
        if self._done is None or self._existing != "keep":
            return None
        from fastdcm.manifest.owners import owners_of

        try:
            room = closing.enter_context(TemporaryDirectory(prefix="fastdcm-"))
            return owners_of(self._options.journal, room)
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        self._journal.close()
        if self._done is not None:
            self._done.close()

    def left(self, items: Iterable[Task | Outcome]) -> Iterator[Task | Outcome]:
        """The same inputs; outcomes instead of those of which nothing is left to do."""
        if self._done is None:
            yield from items
            return
        for item in self._done.ahead(items, _source_of):
            if not isinstance(item, Task):
                yield item
                continue
            before = self._done.before(item.source)
            self._anew.extend(before.lines)
            if before.left:
                self._alone += before.alone
                yield item._replace(done=before.frames)
            else:
                yield Outcome(
                    shown(item.source),
                    kept=before.kept,
                    existing=before.alone,
                    failed_before=int(before.failed),
                    skipped=before.skipped,
                    is_told=True,
                )

    def add(self, outcome: Outcome) -> bool:
        """Tell of an outcome; whether the run has to end, because that is not possible."""
        lines = outcome.lines
        if not outcome.is_told and (outcome.failures or outcome.skipped is not None):
            stamp = outcome.stamp or known_stamp_of(outcome.path)
            lines += [
                failed_row(failure.path, failure.frame, failure.error, stamp) for failure in outcome.failures
            ]
            if outcome.skipped is not None:
                lines.append(skipped_row(outcome.path, outcome.skipped, stamp))
        lines += self._taken_anew()
        return bool(lines) and not self._journal.append(lines)

    def _taken_anew(self) -> list[bytes]:
        # Another thread adds some meanwhile: those that are here now.
        return [self._anew.popleft() for _ in range(len(self._anew))]

    def finish(self, report: Report, watcher: Watcher) -> None:
        """Close the manifest, and make the table; failures of that are the report's."""
        report.existing += self._alone
        if anew := self._taken_anew():
            self._journal.append(anew)
        self._close()
        error = self._journal.error
        if error is None and self._options.table is not None:
            from fastdcm.manifest.table import write_table

            try:
                write_table(self._options.journal, self._options.table, self._run)
            except OutputError as problem:
                error = problem
        report.manifest = self._options.path
        if error is not None:
            outcome = Outcome(self._options.path, failures=[Failure(self._options.path, None, error)])
            report.add(outcome)
            watcher.done(outcome)


def _source_of(item: Task | Outcome) -> str | None:
    return item.source if isinstance(item, Task) else None


def _place(target: str, folder: str) -> str:
    return target if is_remote(target) else os.path.relpath(os.path.abspath(target), folder)
