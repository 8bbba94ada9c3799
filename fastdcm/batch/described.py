"""What a worker tells of the images that it writes: a file beside each, or rows for the run's table."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fastdcm.batch.discovery import Task
from fastdcm.batch.report import Outcome
from fastdcm.errors import OutputError, StrictError, cannot_write
from fastdcm.model import Notice
from fastdcm.options import ConvertOptions, RenderOptions
from fastdcm.sidecars.records import Records, Row, Sidecars

if TYPE_CHECKING:
    from fastdcm.pipeline import Image
    from fastdcm.sinks.directory import DirectorySink
    from fastdcm.sinks.objects import ObjectSink
    from fastdcm.sinks.spool import Spool

    Sink = DirectorySink | ObjectSink | Spool

#: `DirectorySink.put`, whose time may be taken.
Put = Callable[..., bool]


class Described:
    """Tells of the images of one object after another.

    JSON is written before its image has its name, so that whoever sees the image finds it.
    """

    def __init__(self, sidecars: Sidecars, options: ConvertOptions, sink: Sink, put: Put) -> None:
        self._sidecars, self._options, self._sink, self._put = sidecars, options, sink, put
        self._in_files = sidecars.metadata == "json"

    def begin(self, image: Image, task: Task, render: RenderOptions, own: bool, outcome: Outcome) -> None:
        """The images to come are of this object, rendered so. Raises `FastdcmError`."""

        def note(notice: Notice) -> None:
            if self._options.read.strict:
                raise StrictError(notice.message)
            located = notice._replace(path=outcome.path)
            if located not in outcome.notices:
                outcome.notices += (located,)

        source = task.below or os.path.basename(task.source)
        self._records = Records(self._sidecars, image, source, render, note)
        self._task, self._own, self._outcome = task, own, outcome
        self._pending: list[Row] = []
        self._written: str | None = None

    def leaves(self, name: str) -> bool:
        """Whether an image is not to be made, because what would tell of it is there and is to be kept."""
        keeps = self._in_files and self._options.existing == "keep"
        return keeps and self._sink.leaves(self._task.folder, _beside(name), own=self._own)

    def before(self, name: str, indexes: Sequence[int], *, together: bool = False) -> None:
        """Tell of an image that is about to get its name. Raises `FastdcmError`."""
        if not self._in_files:
            self._pending = self._rows(name, indexes)
            return
        folder, beside = self._task.folder, _beside(name)
        document = self._records.document(indexes, os.path.basename(name), together=together)
        if self._options.existing == "skip" and self._sink.leaves(folder, beside, own=self._own):
            # The image is not there: this is of a run that was cut off.
            try:
                self._sink.remove(folder, beside)
            except OSError as error:
                path = os.path.join(folder, beside)
                raise cannot_write(path, error) from error
        if not self._put(folder, beside, document, own=self._own):
            raise OutputError(f"cannot write {os.path.join(folder, beside)}: it has just appeared")
        self._written = beside

    def after(self, name: str, *, there: bool) -> None:
        """The image got its name; or, where it is not ``there``, nothing is told of it."""
        if there:
            self._outcome.rows += self._pending
        elif self._written is not None:
            self._sink.remove(self._task.folder, self._written)
        self._pending, self._written = [], None

    def left(self, name: str, indexes: Sequence[int], *, together: bool = False) -> None:
        """Tell of an image that was there before the run, where that is fine and nothing does."""
        if self._options.existing != "skip":
            return
        if not self._in_files:
            self._outcome.rows += self._rows(name, indexes)
        elif not self._sink.leaves(self._task.folder, _beside(name), own=self._own):
            self.before(name, indexes, together=together)
            self._written = None

    def _rows(self, name: str, indexes: Sequence[int]) -> list[Row]:
        output = os.path.relpath(os.path.join(self._task.folder, name), self._sidecars.folder)
        return [self._records.row(index, output) for index in indexes]


def _beside(name: str) -> str:
    return f"{name}.json"
