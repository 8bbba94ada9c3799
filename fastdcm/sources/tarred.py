"""TAR archives, header by header (POSIX.1-2001 pax, ustar, GNU).

Python's `tarfile` takes a damaged header for the end, silently; here what it costs is told, and what follows
is looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from fastdcm.errors import ArchiveError

BLOCK = 512
#: Bytes of names and records before a member, and how many records; no honest ones are more.
_LONGEST, _MOST_RECORDS = 1 << 20, 10_000
#: The records that count; others are passed over, so that whatever there is of them takes no memory.
_COUNTING, _HOLES = ("path", "linkpath", "size"), "GNU.sparse."
_REGULAR, _HARD_LINK, _SYMBOLIC_LINK, _FOLDER = b"0\x007", b"1", b"2", b"5"
_LONG_NAME, _LONG_LINK, _SPARSE, _RECORDS, _GLOBAL_RECORDS = b"L", b"K", b"S", b"xX", b"g"
_CONTINUED, _VOLUME, _DUMPED_FOLDER = b"M", b"V", b"D"
_NOTHING = bytes(BLOCK)
#: Digits of the length of a record, at most.
_LONGEST_NUMBER = 20


class Tape(Protocol):
    """What an archive is read from, forwards."""

    position: int

    def read(self, length: int) -> bytes:
        """So many bytes; fewer at the end. Raises `SourceError`."""

    def skip(self, length: int) -> None:
        """Go so many bytes further. Raises `SourceError`."""


class Header(NamedTuple):
    """A member: ``size`` bytes that follow at the tape's position. The rest is as `zipped.Member` has it."""

    name: str
    size: int = 0
    problem: str = ""
    skipped: str = ""
    link: str = ""


class FileTape:
    """An archive in a file, whose headers alone are read."""

    def __init__(self, read_at: Callable[[int, int], bytes], size: int) -> None:
        self._read_at, self._size = read_at, size
        self.position = 0

    def read(self, length: int) -> bytes:
        data = self._read_at(self.position, max(0, min(length, self._size - self.position)))
        self.position += len(data)
        return data

    def skip(self, length: int) -> None:
        self.position += length


def headers(tape: Tape, *, ends: bool = True) -> Iterator[Header]:
    """The members of an archive, without folders, in their order; what is a part of one need not have an end.

    Whoever takes one may read its bytes, or not. Raises `SourceError` where the archive is cut; a header that
    is damaged is a problem of a member without a name, and the next one that is whole comes after it.
    """
    told = _Told()
    lost = False
    block = b""
    while True:
        block = block or tape.read(BLOCK)
        start = tape.position - len(block)
        if len(block) < BLOCK:
            if lost or not (block or ends):
                return
            if not start and not block:
                raise ArchiveError("is no TAR archive: it is empty, or cut")
            raise ArchiveError(f"is cut at byte {start + len(block)}: what ends a TAR archive is not there")
        if block == _NOTHING and not lost:
            # Two of these end an archive; one may be what is left of a header.
            block = tape.read(BLOCK)
            if not block.strip(b"\0"):
                return
            lost, told = True, _Told()
            yield Header("", problem=f"a header at byte {start} is gone: a member or more are lost")
            continue
        found, block = block, b""
        if lost and found[257:262] != b"ustar":
            continue  # quicker than its sum
        if not _is_header(found):
            if not start:
                raise ArchiveError("is no TAR archive: it does not begin with a member")
            if not lost:
                lost, told = True, _Told()
                yield Header("", problem=f"a header at byte {start} is damaged: a member or more are lost")
            continue
        lost = False
        kind = found[156:157]
        try:
            size = told.size if told.size is not None else _number(found[124:136])
            if kind in _LONG_NAME + _LONG_LINK + _RECORDS + _GLOBAL_RECORDS:
                size = _number(found[124:136])
                if size > _LONGEST:
                    raise ValueError(f"too long: more than {_LONGEST} bytes")
                told.add(kind, _whole(tape, size))
                continue
        except ValueError as error:
            lost, told = True, _Told()
            yield Header("", problem=f"a header at byte {start} is damaged: {error}")
            continue
        header = _header(found, kind, size, told)
        told = _Told(told.everywhere)
        end = tape.position + _padded(size if _has_data(kind) else 0)
        if header is not None:
            yield header
        tape.skip(end - tape.position)


class _Told:
    """What records before a header say about its member."""

    def __init__(self, everywhere: dict[str, bytes] | None = None) -> None:
        self.everywhere = everywhere or {}
        self._here: dict[str, bytes] = {}
        self._length = self._count = 0
        #: Whether the bytes are those of a file with holes, which are left out.
        self.sparse = False

    def add(self, kind: bytes, data: bytes) -> None:
        """Take the value of a record. Raises `ValueError`, also where there are too many."""
        self._length += len(data)
        if self._length > _LONGEST:
            raise ValueError(f"names and records before it have more than {_LONGEST} bytes")
        if kind == _LONG_NAME:
            self._here["path"] = data.partition(b"\0")[0]
        elif kind == _LONG_LINK:
            self._here["linkpath"] = data.partition(b"\0")[0]
        else:
            values = self.everywhere if kind == _GLOBAL_RECORDS else self._here
            for name, value in _records(data):
                self._count += 1
                if self._count > _MOST_RECORDS:
                    raise ValueError(f"there are more than {_MOST_RECORDS} records before it")
                if name in _COUNTING:
                    values[name] = value
                elif name.startswith(_HOLES) and kind != _GLOBAL_RECORDS:
                    self.sparse = True

    def get(self, name: str) -> bytes | None:
        """A value, None where there is none."""
        return self._here.get(name, self.everywhere.get(name))

    @property
    def size(self) -> int | None:
        """The member's size, where it is told. Raises `ValueError`."""
        value = self._here.get("size")
        if value is not None and not value.isdigit():
            raise ValueError("a size that is no number")
        return None if value is None else int(value)


def _header(block: bytes, kind: bytes, size: int, told: _Told) -> Header | None:
    name = told.get("path")
    if name is None:
        name = block[:100].partition(b"\0")[0]
        if block[257:263] == b"ustar\0" and (prefix := block[345:500].partition(b"\0")[0]):
            name = prefix + b"/" + name
    path = name.decode("utf-8", "surrogateescape")
    if kind == _FOLDER or kind in (_VOLUME, _DUMPED_FOLDER) or (kind in _REGULAR and path.endswith("/")):
        return None
    if kind == _HARD_LINK:
        target = told.get("linkpath")
        target = block[157:257].partition(b"\0")[0] if target is None else target
        return Header(path, link=target.decode("utf-8", "surrogateescape"))
    if kind == _SYMBOLIC_LINK:
        return Header(path, skipped="a link in an archive")
    if kind == _SPARSE or told.sparse:
        return Header(path, size, problem="is stored without its holes (a sparse file), which is not read")
    if kind == _CONTINUED:
        return Header(path, size, problem="continues from another part of an archive: join them first")
    if kind in (b"3", b"4", b"6"):
        return Header(path, skipped="neither a file nor a folder")
    return Header(path, size)  # others are taken for files, as POSIX says


def _has_data(kind: bytes) -> bool:
    return kind not in (_HARD_LINK, _SYMBOLIC_LINK, b"3", b"4", _FOLDER, b"6")


def _is_header(block: bytes) -> bool:
    """Whether the sum of its bytes is the one that it states."""
    try:
        stated = _number(block[148:156])
    except ValueError:
        return False
    rest = block[:148] + block[156:]
    if sum(rest) + 8 * 32 == stated:
        return True
    return sum(byte - 256 if byte > 127 else byte for byte in rest) + 8 * 32 == stated  # of some old ones


def _number(field: bytes) -> int:
    """A number: octal digits, or GNU's binary form. Raises `ValueError`."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip()
    number = int(digits or b"0", 8)
    if number < 0:
        raise ValueError("a negative number")
    return number


def _whole(tape: Tape, size: int) -> bytes:
    data = tape.read(_padded(size))
    if len(data) < _padded(size):
        raise ArchiveError(f"is cut at byte {tape.position}")
    return data[:size]


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _records(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The records of a pax header: ``LENGTH NAME=VALUE\\n``, again and again. Raises `ValueError`."""
    at, end = 0, len(data.rstrip(b"\0"))
    while at < end:
        space = data.find(b" ", at, at + _LONGEST_NUMBER)
        length = data[at : max(space, at)]
        if not length.isdigit():
            raise ValueError("a record that does not add up")
        behind = at + int(length)
        record = data[space + 1 : behind - 1]
        if behind <= space + 2 or behind > len(data) or b"=" not in record:
            raise ValueError("a record that does not add up")
        name, _, value = record.partition(b"=")
        yield name.decode("utf-8", "replace"), value
        at = behind
