"""Runs whose images go into shards: of the same bytes with any number of workers, or after a run was cut off.

Inputs are found in an order that their names decide, and shards have the same. Where one ends and the next
begins depends on the sizes of samples alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from fastdcm.batch.discovery import Task
from fastdcm.batch.made_of import made_of
from fastdcm.batch.ordered import Ordered
from fastdcm.batch.report import Failure, Outcome, Report, Watcher
from fastdcm.errors import OptionError, cannot_write
from fastdcm.model import Notice
from fastdcm.options import ConvertOptions
from fastdcm.options.shards import ShardOptions
from fastdcm.sinks.run import Run, remove_stale
from fastdcm.sinks.shards import ShardWriter, Whole, read_journal
from fastdcm.sinks.spool import Place, remove_stale_spools


def folder_of(shards: ShardOptions, output: str | None) -> str:
    """The folder of the shards: that of their pattern, below ``output``."""
    return os.path.normpath(os.path.join(output or "", os.path.dirname(shards.pattern)))


class Sharded(Ordered):
    """The shards of one run. ``place`` is where workers put what they make."""

    def __init__(self, options: ConvertOptions, folder: str, run: Run, workers: int) -> None:
        assert options.shards is not None
        super().__init__(Place.of(run, folder), workers, f"shards into {folder}")
        self._options, self._shards, self._folder, self._run = options, options.shards, folder, run
        self._writer: ShardWriter | None = None
        self._names: dict[int, str] = {}
        #: Samples of the next input so far, and those of it that are in whole shards.
        self._samples = self._kept = 0
        self._failed = 0
        self._fails = False
        self._digest = hashlib.blake2b(digest_size=16)
        self._written = 0

    def begin(
        self, items: Iterator[Task | Outcome], report: Report, watcher: Watcher
    ) -> Iterator[Task | Outcome]:
        """Make ready, and give the inputs that are still to be done.

        Raises `OptionError` where shards are there that this run does not go on from.
        """
        wholes = self._wholes()
        numbered = self._numbered(items)
        if wholes:
            self._go_on(numbered, wholes, report, watcher)
        try:
            os.makedirs(self.place.folder)
            remove_stale(self._folder)
            remove_stale_spools(self._folder)
            self._writer = ShardWriter(
                self._shards, self._folder, self._run, self._made_of(), wholes, fsync=self._options.fsync
            )
        except OSError as error:
            self.give_up()
            raise cannot_write(f"into {self._folder}", error) from error
        report.outputs = (os.path.join(self._folder, os.path.basename(self._shards.pattern)),)
        return self._handed_out(numbered)

    def finish(self, report: Report, watcher: Watcher, *, cut_off: bool) -> None:
        """End the last shard; of a run that was ``cut_off`` what is not whole is removed."""
        if not (cut_off or self._over) and self._writer is not None:
            try:
                if self._names:
                    raise OSError("what came of some inputs is not known")
                if self._writer.is_begun:
                    self._close(last=True)
            except OSError as error:
                self._failed_with(error)
        self.give_up()
        report.images = self._written
        report.passed_through = min(report.passed_through, self._written)
        if self._error is not None:
            path = report.outputs[0]
            outcome = Outcome(path, failures=[Failure(path, None, self._error.at(path=path))])
            report.add(outcome)
            watcher.done(outcome)

    def _remove(self) -> None:
        if self._writer is not None:
            self._writer.give_up()

    def _came(self, outcome: Outcome) -> None:
        self._fails |= bool(outcome.failures)

    def _take(self, source: int, offset: int, length: int) -> None:
        assert self._writer is not None
        if self._samples >= self._kept:
            if not self._writer.fits(length):
                self._close()
            self._writer.append(source, offset, length)
        self._samples += 1

    def _done(self, number: int) -> None:
        self._failed += self._fails
        self._fails = False
        self._samples = self._kept = 0
        self._digest.update(self._names.pop(number).encode("utf-8", "surrogateescape") + b"\0")

    def _close(self, *, last: bool = False) -> None:
        assert self._writer is not None
        digest = self._digest.hexdigest()
        self._written += self._writer.close(self._next[0], self._samples, self._failed, digest, last=last)

    def _numbered(self, items: Iterable[Task | Outcome]) -> Iterator[Task | Outcome]:
        """Inputs with their numbers and the names of their samples, in which WebDataset takes no dot."""
        folder: str | None = None
        number = 0
        taken: set[str] = set()
        for item in items:
            if isinstance(item, Task):
                if item.folder != folder:
                    folder, taken = item.folder, set()
                stem = key = item.stem.replace(".", "-")
                if "-" in key:  # others are as different as the names that they come from
                    count = 1
                    while key in taken:
                        count += 1
                        key = f"{stem}~{count}"
                    taken.add(key)
                item = item._replace(stem=key, number=number)
                self._names[number] = f"{os.path.relpath(item.folder or '.', self._folder)}/{key}"
                number += 1
            yield item

    def _made_of(self) -> str:
        """What decides the bytes of shards, besides the inputs; as a digest."""
        return made_of(self._options, self._shards.size, os.path.basename(self._shards.pattern))

    def _wholes(self) -> list[Whole]:
        """The whole shards to go on from."""
        try:
            names = [name for name in os.listdir(self._folder) if self._shards.number(name) is not None]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise OptionError(f"cannot look into {self._folder}: {error.strerror or error}") from error
        journal = os.path.join(self._folder, self._shards.journal)
        try:
            if self._options.existing == "overwrite":
                # The list first: without it the shards are nobody's.
                for name in [self._shards.journal, *sorted(names, reverse=True)]:
                    with suppress(FileNotFoundError):
                        os.unlink(os.path.join(self._folder, name))
                return []
            known = read_journal(journal)
        except OSError as error:
            raise cannot_write(journal, error) from error
        if known is None and names:
            raise OptionError(f"{os.path.join(self._folder, min(names))} is there already: {_REPLACES}")
        if known is None:
            return []
        made_of, wholes = known
        if made_of != self._made_of() and (wholes or names):
            raise OptionError(
                f"shards in {self._folder} are of a run with other options, or another version: {_REPLACES}"
            )
        # The next one may be whole and not told of, and is made again; none beyond it is of this run.
        for name in names:
            if (self._shards.number(name) or 0) > len(wholes):
                raise OptionError(f"{os.path.join(self._folder, name)} is of no run like this: {_REPLACES}")
        return wholes

    def _go_on(
        self, numbered: Iterator[Task | Outcome], wholes: list[Whole], report: Report, watcher: Watcher
    ) -> None:
        """Pass over the inputs that are in whole shards."""
        whole = wholes[-1]
        number = 0
        while (number < whole.inputs or whole.last) and (item := next(numbered, None)) is not None:
            if isinstance(item, Outcome):
                report.add(item)
                watcher.done(item)
                continue
            self._digest.update(self._names.pop(number).encode("utf-8", "surrogateescape") + b"\0")
            self.release(item.source, 1)
            number += 1
        if (number, self._digest.hexdigest()) != (whole.inputs, whole.digest):
            raise OptionError(f"shards in {self._folder} are of a run with other inputs: {_REPLACES}")
        self._next, self._kept, self._failed = (number, 0), whole.samples_of_next, whole.failed
        report.kept, report.failed_before = sum(each.samples for each in wholes), whole.failed
        report.unchanged += number
        if whole.failed:
            some = "an input" if whole.failed == 1 else f"{whole.failed} inputs"
            message = f"{some} failed in the run that this one goes on from; --overwrite tries all again"
            notice = Notice("shards", message, self._folder)
            report.notices.append(notice)
            report.notices_by_code["shards"] = 1
            watcher.done(Outcome(self._folder, notices=(notice,)))


_REPLACES = "--overwrite makes all anew, another name keeps them"
