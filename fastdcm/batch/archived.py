"""Runs whose images go into one archive (``-o images.zip``), which is there once it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator

from fastdcm.batch.discovery import Task
from fastdcm.batch.ordered import Ordered
from fastdcm.batch.report import Failure, Outcome, Report, Watcher
from fastdcm.errors import OptionError, OutputError, cannot_write
from fastdcm.model import Notice
from fastdcm.options import ConvertOptions
from fastdcm.sinks.archives import ArchiveWriter, open_archive
from fastdcm.sinks.run import Run, remove_stale
from fastdcm.sinks.spool import Place, remove_stale_spools
from fastdcm.sources.names import archive_kind, member_name


def check(options: ConvertOptions, path: str) -> None:
    """Raises `OptionError` where a run with these options cannot go into such an archive."""
    if archive_kind(path) not in ("zip", "tar"):
        raise OptionError(f"{path}: archives are written as .zip or .tar")
    if options.manifest is not None:
        raise OptionError(f"{path} is there as a whole or not at all: a manifest is for folders")
    if options.sidecar.metadata in ("csv", "parquet"):
        raise OptionError(f"in an archive metadata is JSON beside images: no {options.sidecar.metadata}")
    if os.path.lexists(path) and options.existing != "overwrite":
        raise OptionError(f"{path} is there already: --overwrite replaces it")


class Archived(Ordered):
    """The archive of one run, which `check` has let pass."""

    def __init__(self, options: ConvertOptions, path: str, run: Run, workers: int) -> None:
        self._path, self._run, self._options = path, run, options
        self._folder = os.path.dirname(path)
        place = Place.of(run, self._folder)._replace(root=path, by_key=False)
        super().__init__(place, workers, path)
        self._writer: ArchiveWriter | None = None
        self._under_way: set[int] = set()
        self._images = 0
        self._twice: list[str] = []

    def begin(
        self, items: Iterator[Task | Outcome], report: Report, watcher: Watcher
    ) -> Iterator[Task | Outcome]:
        """Make ready, and give the inputs, numbered. Raises `OutputError` where nothing can be written."""
        try:
            if self._folder:
                os.makedirs(self._folder, exist_ok=True)
            remove_stale(self._folder or ".")
            remove_stale_spools(self._folder)
            os.mkdir(self.place.folder)
            self._writer = open_archive(self._path, self._run, fsync=self._options.fsync)
        except OSError as error:
            self.give_up()
            raise cannot_write(self._path, error) from error
        report.outputs = (self._path,)
        return self._handed_out(self._numbered(items))

    def finish(self, report: Report, watcher: Watcher, *, cut_off: bool) -> None:
        """Give the archive its name; of a run that was ``cut_off``, or made no image, there is none."""
        whole = not (cut_off or self._over)
        if whole and self._writer is not None and self._images:
            try:
                if self._under_way:
                    raise OSError("what came of some inputs is not known")
                self._writer.close(replace=self._options.existing == "overwrite")
            except OSError as error:
                self._failed_with(error)
                whole = False
        self.give_up()
        for name in self._twice:
            twice = OutputError("another input of this run has that name; --name tells them apart")
            _tell(report, watcher, member_name(self._path, name), twice)
        report.images = self._images if whole else 0
        report.passed_through = min(report.passed_through, report.images)
        if self._error is not None:
            _tell(report, watcher, self._path, self._error)
        elif not whole:
            message = f"{self._path} was not written: the run did not come to its end"
            notice = Notice("archive", message)
            report.notices.append(notice)
            report.notices_by_code["archive"] = 1
            watcher.done(Outcome(self._path, notices=(notice,)))

    def _numbered(self, items: Iterator[Task | Outcome]) -> Iterator[Task | Outcome]:
        number = 0
        for item in items:
            if isinstance(item, Task):
                item = item._replace(number=number)
                self._under_way.add(number)
                number += 1
            yield item

    def _take(self, source: int, offset: int, length: int) -> None:
        assert self._writer is not None
        if name := self._writer.append(source, offset, length):
            self._twice.append(name)
        else:
            self._images += 1

    def _done(self, number: int) -> None:
        self._under_way.discard(number)

    def _remove(self) -> None:
        if self._writer is not None:
            self._writer.give_up()


def _tell(report: Report, watcher: Watcher, path: str, error: OutputError) -> None:
    outcome = Outcome(path, failures=[Failure(path, None, error.at(path=path))])
    report.add(outcome)
    watcher.done(outcome)
