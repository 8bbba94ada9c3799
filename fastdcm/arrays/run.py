"""A run: threads that read frames into the rows of batches, in order, so many batches ahead.

Frames are handed out in the order of the run. So the errors of a run, its shape and all of its values are
the same for any number of threads.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.arrays.batch import Batch, Form, Origin, Room
from fastdcm.arrays.foresight import Foresight
from fastdcm.arrays.pieces import Piece, Reader
from fastdcm.arrays.wanted import Wanted
from fastdcm.errors import FastdcmError

Array = NDArray[Any]


class Done(NamedTuple):
    """A frame that was read to learn the form of rows; or that failed then."""

    piece: Piece
    array: Array | None = None
    mapping: Any = None
    error: FastdcmError | None = None


class Filling:
    """A batch that is being filled. Its counts are changed under the lock of the run."""

    def __init__(self, array: Array, start: int) -> None:
        self.array, self.start = array, start
        self.pieces: list[Piece] = []
        self.mappings: list[Any] = [None] * len(array)
        self.errors: dict[int, FastdcmError] = {}
        self.pending = 0
        self.closed = False

    def batch(self, *, skip: bool) -> Batch:
        """What came of it; with ``skip`` without the rows of frames that failed."""
        count, errors = len(self.pieces), self.errors
        rows = [row for row in range(count) if row not in errors] if skip and errors else range(count)
        array = self.array
        if len(rows) < count:
            for to, row in enumerate(rows):
                if to != row:
                    array[to] = array[row]
        mask = np.ones(len(rows), bool)
        if not skip:
            for row in errors:
                array[row] = 0
                mask[row] = False
        return Batch(
            array[: len(rows)],
            np.fromiter(rows, np.intp, len(rows)) + self.start,
            mask,
            tuple(Origin(_path(self.pieces[row]), self.pieces[row].frame) for row in rows),
            tuple(self.mappings[row] for row in rows),
            tuple(errors[row] for row in sorted(errors)),
        )


def _path(piece: Piece) -> str | None:
    return piece.source if isinstance(piece.source, str) else getattr(piece.source, "name", None)


class Run:
    """The state that the threads of a run share.

    Batches are of ``size`` rows of this ``form``; ``ahead`` of them are filled at most, the one that the
    consumer has among them. ``out`` is the array of the only one, where it is the caller's.
    """

    def __init__(
        self,
        pieces: Iterator[Piece | Done],
        wanted: Wanted,
        foresight: Foresight,
        form: Form,
        *,
        size: int,
        ahead: int,
        out: Array | None,
    ) -> None:
        self._pieces, self._wanted, self._foresight, self._ahead = pieces, wanted, foresight, ahead
        self._form, self._size, self._out = form, size, out
        self._room = Room(1 + ahead)
        self._changed = threading.Condition()
        self._batches: deque[Filling] = deque()
        self._begun = 0
        self._ended = self._stopped = False
        self._fatal: BaseException | None = None

    def work(self, *, wait: bool) -> None:
        """Read frame by frame until there are no more; or with ``wait=False`` no room for one now."""
        reader = Reader(self._wanted)
        try:
            while (taken := self._take(wait)) is not None:
                filling, row, item = taken
                error: FastdcmError | None = None
                try:
                    filling.mappings[row] = self._fill(reader, filling.array[row], item)
                except FastdcmError as problem:
                    error = problem if self._wanted.on_error == "raise" else _bare(problem)
                self._tell(filling, row, error)
        except BaseException as error:
            self._fail(error)
        finally:
            reader.close()

    def _fill(self, reader: Reader, row: Array, item: Piece | Done) -> Any:
        if isinstance(item, Piece):
            array, mapping = reader.read(item)
            reader.put(row, item, array)
            return mapping
        if item.error is not None:
            raise item.error
        assert item.array is not None
        reader.put(row, item.piece, item.array)
        return item.mapping

    def _take(self, wait: bool) -> tuple[Filling, int, Piece | Done] | None:
        with self._changed:
            while not (self._stopped or self._ended):
                filling = self._batches[-1] if self._batches else None
                if filling is None or filling.closed:
                    if len(self._batches) >= self._ahead:
                        if not wait:
                            return None
                        self._changed.wait()
                        continue
                    filling = None
                if (item := next(self._pieces, None)) is None:
                    self._ended = True
                    if filling is not None:
                        filling.closed = True
                    self._changed.notify_all()
                    break
                if isinstance(item, Piece):
                    self._foresight.begin()
                if filling is None:
                    filling = self._new()
                row = len(filling.pieces)
                filling.pieces.append(item if isinstance(item, Piece) else item.piece)
                filling.pending += 1
                filling.closed = row + 1 == len(filling.array)
                return filling, row, item
            return None

    def _new(self) -> Filling:
        array = self._room.array(self._size, self._form) if self._out is None else self._out
        filling = Filling(array, self._begun)
        self._begun += len(array)
        self._batches.append(filling)
        return filling

    def _tell(self, filling: Filling, row: int, error: FastdcmError | None) -> None:
        with self._changed:
            filling.pending -= 1
            if error is not None:
                filling.errors[row] = error
                if self._wanted.on_error == "raise":
                    self._ended = filling.closed = True
            if filling.closed and not filling.pending:
                self._changed.notify_all()

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._fatal = self._fatal or error
            self._stopped = True
            self._changed.notify_all()

    def next(self) -> Filling | None:
        """The next batch, once it is filled; None where there are no more."""
        with self._changed:
            while self._fatal is None:
                if self._batches:
                    first = self._batches[0]
                    if first.closed and not first.pending:
                        return first
                elif self._ended or self._stopped:
                    return None
                self._changed.wait()
            raise self._fatal

    def drop(self) -> None:
        """The consumer is done with the batch that it has."""
        with self._changed:
            self._batches.popleft()
            self._changed.notify_all()

    def stop(self) -> None:
        """Read no further frames."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def _bare(error: FastdcmError) -> FastdcmError:
    """An error as data: without the calls that it came through, whose arrays would stay in memory."""
    cause: BaseException | None = error
    while cause is not None:
        cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__
    return error


def first_read(pieces: Iterator[Piece], wanted: Wanted, foresight: Foresight) -> list[Done]:
    """Frames up to the first that can be read, which decides the form of all rows; the last of these is it.

    Where errors are raised, the first one is.
    """
    found: list[Done] = []
    reader = Reader(wanted)
    try:
        for piece in pieces:
            foresight.begin()
            try:
                array, mapping = reader.read(piece)
            except FastdcmError as error:
                if wanted.on_error == "raise":
                    raise
                found.append(Done(piece, error=_bare(error)))
            else:
                found.append(Done(piece, array, mapping))
                break
    finally:
        reader.close()
    return found


def run(
    pieces: Iterator[Piece],
    done: list[Done],
    wanted: Wanted,
    foresight: Foresight,
    form: Form,
    *,
    size: int,
    threads: int,
    read_ahead: int,
    out: Array | None = None,
) -> Generator[Batch]:
    """Batches of ``size`` frames, of which the last one may have fewer.

    ``done`` are those that `first_read` has read. So many ``read_ahead`` batches are filled while the
    consumer has one; with 0 the consumer's thread is one of the ``threads``. When the generator is closed, or
    goes out of use, all of them have ended, and nothing is open.
    """
    frames = chain[Piece | Done](done, pieces)
    state = Run(frames, wanted, foresight, form, size=size, ahead=1 + read_ahead, out=out)
    others = threads if read_ahead else threads - 1
    # Daemons: whoever ends the program with a generator in hand does not wait for what nobody wants.
    workers = [
        threading.Thread(target=state.work, kwargs={"wait": True}, name="fastdcm-batches", daemon=True)
        for _ in range(others)
    ]
    try:
        for worker in workers:
            worker.start()
        while True:
            if not read_ahead:
                state.work(wait=False)
            if (filling := state.next()) is None:
                return
            if filling.errors and wanted.on_error == "raise":
                raise filling.errors[min(filling.errors)]
            yield filling.batch(skip=wanted.on_error == "skip")
            state.drop()
            del filling
    finally:
        state.stop()
        for worker in workers:
            if worker.ident is not None:
                worker.join()
