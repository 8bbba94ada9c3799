"""Tar archives of a certain size, whole or not at all, and the list of those that are whole.

The list has a line of JSON for what the shards are made of, and one for each shard, in order. A shard gets
its name before its line: so one without is of a run that was cut off in between, and is made again.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any, NamedTuple

from fastdcm import system
from fastdcm.options.shards import ShardOptions
from fastdcm.sinks.run import Run
from fastdcm.sinks.spool import write_all

_BLOCK, _RECORD = 512, 10_240
#: What ends a tar: two blocks of zeros.
_END = 2 * _BLOCK
_PIECE = 1 << 20


class Whole(NamedTuple):
    """A whole shard, and how far the inputs were in the shards up to it.

    ``inputs`` are wholly in them, as are ``samples_of_next`` of the one after; ``failed`` of the inputs
    failed. ``digest`` is that of the names of these inputs. After the ``last`` one no more were there.
    """

    shard: str
    bytes: int
    samples: int
    inputs: int
    samples_of_next: int
    failed: int
    digest: str
    last: bool = False


class ShardWriter:
    """Writes shards one after another. All methods raise `OSError`.

    ``folder`` is there; ``wholes`` are kept, and the list is written anew with these.
    """

    def __init__(
        self, options: ShardOptions, folder: str, run: Run, made_of: str, wholes: list[Whole], *, fsync: bool
    ) -> None:
        self._options, self._folder, self._fsync = options, folder, fsync
        # None of a worker's, so that nobody who cleans up after one removes it.
        self._temporary = os.path.join(folder, f"{run.prefix(0)}0")
        self._journal = os.path.join(folder, options.journal)
        self._number = len(wholes)
        self._file: int | None = None
        self._size = self._samples = 0
        self._begin_journal(made_of, wholes)

    @property
    def is_begun(self) -> bool:
        """Whether there are samples that are in no whole shard yet."""
        return self._file is not None

    def fits(self, length: int) -> bool:
        """Whether a sample has room in the present shard, as every one has in an empty one."""
        return not self._samples or _whole_size(self._size + length) <= self._options.size

    def append(self, source: int, offset: int, length: int) -> None:
        """Copy a sample from an open file."""
        if self._file is None:
            self._file = system.create_exclusive(self._temporary)
            self._size = self._samples = 0
        self._samples += 1
        self._size += length
        while length:
            data = system.read_at(source, offset, min(length, _PIECE))
            if not data:
                raise OSError("what was on its way into a shard is gone")
            write_all(self._file, data)
            offset += len(data)
            length -= len(data)

    def close(
        self, inputs: int, samples_of_next: int, failed: int, digest: str, *, last: bool = False
    ) -> int:
        """Give the shard its name, and tell of it in the list; how many samples it has."""
        assert self._file is not None
        size = _whole_size(self._size)
        write_all(self._file, bytes(size - self._size))
        if self._fsync:
            system.sync_file(self._file)
        file, self._file = self._file, None
        os.close(file)
        name = self._options.name(self._number)
        os.replace(self._temporary, os.path.join(self._folder, name))
        if self._fsync:
            system.sync_folder(self._folder)
        whole = Whole(name, size, self._samples, inputs, samples_of_next, failed, digest, last)
        self._tell(_line(whole._asdict()))
        self._number += 1
        return self._samples

    def give_up(self) -> None:
        """Remove what is not whole."""
        with suppress(OSError):
            if self._file is not None:
                os.close(self._file)
            os.unlink(self._temporary)
        self._file = None

    def _begin_journal(self, made_of: str, wholes: list[Whole]) -> None:
        lines = [_line({"made_of": made_of}), *(_line(whole._asdict()) for whole in wholes)]
        descriptor = system.create_exclusive(self._temporary)
        try:
            try:
                write_all(descriptor, b"".join(lines))
                if self._fsync:
                    system.sync_file(descriptor)
            finally:
                os.close(descriptor)
            os.replace(self._temporary, self._journal)
        except OSError:
            self.give_up()
            raise

    def _tell(self, line: bytes) -> None:
        descriptor = os.open(self._journal, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
        try:
            write_all(descriptor, line)
            if self._fsync:
                system.sync_file(descriptor)
        finally:
            os.close(descriptor)


def read_journal(path: str) -> tuple[str, list[Whole]] | None:
    """What the shards are made of, and those that are told of and there; None where there is no list.

    A line that is torn, and a shard that is gone or has another size, ends them. Raises `OSError`.
    """
    try:
        with open(path, "rb") as file:
            first, *lines = file.read().split(b"\n")
    except FileNotFoundError:
        return None
    try:
        made_of = str(json.loads(first)["made_of"])
    except (ValueError, TypeError, KeyError):
        return None
    wholes: list[Whole] = []
    for line in lines[:-1]:
        try:
            whole = Whole(**json.loads(line))
            size = os.path.getsize(os.path.join(os.path.dirname(path), whole.shard))
        except (FileNotFoundError, ValueError, TypeError):
            break
        if size != whole.bytes:
            break
        wholes.append(whole)
    return made_of, wholes


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode("ascii") + b"\n"


def _whole_size(size: int) -> int:
    """With what ends a tar, in whole records, as all tars are."""
    return -(-(size + _END) // _RECORD) * _RECORD
