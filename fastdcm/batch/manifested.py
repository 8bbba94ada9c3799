"""Runs with a manifest: each outcome is told, and what a run before has done is not done again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fastdcm.batch.discovery import Task
from fastdcm.batch.made_of import made_of
from fastdcm.batch.report import Failure, Outcome, Report, Watcher
from fastdcm.errors import OutputError
from fastdcm.manifest.journal import Journal
from fastdcm.manifest.rows import Account, failed_row, skipped_row
from fastdcm.options import ConvertOptions, GeometryOptions
from fastdcm.options.manifest import ManifestOptions
from fastdcm.sinks.run import Run
from fastdcm.sources.addresses import is_remote, shown

if TYPE_CHECKING:
    from fastdcm.manifest.done import Done
    from fastdcm.manifest.owners import Owners


class Manifested:
    """The manifest of one run. Raises `OptionError` where it cannot be kept, before anything is written.

    ``target`` is where the images go, None for beside their sources; ``account`` is for the workers.
    """

    def __init__(self, options: ConvertOptions, target: str | None, run: Run) -> None:
        assert options.manifest is not None
        self._options: ManifestOptions = options.manifest
        self._run, self._existing = run, options.existing
        if self._options.table is not None:
            from fastdcm.manifest.table import check_available

            check_available()
        folder = os.path.dirname(os.path.abspath(self._options.journal))
        place = None if target is None else _place(target, folder)
        self.account = Account(folder, self._options.checksum, options.render.geometry != GeometryOptions())
        self._done: Done | None = None
        goes_on = self._options.resume and os.path.exists(self._options.journal)
        self._journal = Journal(self._options, made_of(options, place), options.existing, fsync=options.fsync)
        if goes_on:
            from fastdcm.manifest.done import Done

            self._done = Done(self._options.journal, retry_failed=self._options.retry_failed)

    def owners(self, closing: ExitStack) -> Owners | None:
        """Whose the outputs of the run before are, that are made again; None where there was none."""
        if self._done is None or self._existing != "keep":
            return None
        from fastdcm.manifest.owners import owners_of

        room = closing.enter_context(TemporaryDirectory(prefix="fastdcm-"))
        return owners_of(self._options.journal, room)

    def left(self, items: Iterable[Task | Outcome]) -> Iterator[Task | Outcome]:
        """The same inputs; outcomes instead of those of which nothing is left to do."""
        if self._done is None:
            yield from items
            return
        for item in items:
            if not isinstance(item, Task):
                yield item
                continue
            before = self._done.before(item.source)
            if before.left:
                yield item._replace(done=before.frames)
            else:
                yield Outcome(
                    shown(item.source),
                    kept=len(before.frames),
                    failed_before=int(before.failed),
                    skipped=before.skipped,
                    is_told=True,
                )

    def add(self, outcome: Outcome) -> bool:
        """Tell of an outcome; whether the run has to end, because that is not possible."""
        lines = outcome.lines
        if not outcome.is_told:
            lines += [failed_row(failure.path, failure.frame, failure.error) for failure in outcome.failures]
            if outcome.skipped is not None:
                lines.append(skipped_row(outcome.path, outcome.skipped))
        return bool(lines) and not self._journal.append(lines)

    def finish(self, report: Report, watcher: Watcher) -> None:
        """Close the manifest, and make the table; failures of that are the report's."""
        self._journal.close()
        if self._done is not None:
            self._done.close()
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


def _place(target: str, folder: str) -> str:
    return target if is_remote(target) else os.path.relpath(os.path.abspath(target), folder)
