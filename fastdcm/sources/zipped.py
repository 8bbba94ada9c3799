"""ZIP archives, by the list of members at their end (PKWARE's APPNOTE 6.3.10, section 4.3).

The list is read bit by bit; of members only their places are told. Whatever it says is compared with the
size of the file, so that it cannot ask for more than is there.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from fastdcm.errors import ArchiveError, SourceError
from fastdcm.sources.place import Packing, Place
from fastdcm.system import read_at

_LISTED = b"PK\x01\x02"
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_SIZE, _END_64_SIZE, _LOCATOR_SIZE, _LONGEST_COMMENT = 22, 56, 20, 0xFFFF
_ENTRY, _LOCAL = struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s5H3I2H")
_WINDOW = 1 << 20
#: No deflate stream becomes more: 1032 times itself, and a few bytes.
_MOST_INFLATED = 1032
_STORED, _DEFLATED = 0, 8
#: Other ways of packing, for messages (APPNOTE 4.4.5).
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES"}
_ENCRYPTED, _UTF_8, _MASKED = 1 << 0, 1 << 11, 1 << 13
_UNIX = 3


class Member(NamedTuple):
    """A member of an archive: its name, and its place; or what is the ``problem`` with it, or why it is
    ``skipped``; or the member that it is a ``link`` to.
    """

    name: str
    place: Place | None = None
    problem: str = ""
    skipped: str = ""
    link: str = ""


class _List(NamedTuple):
    start: int
    size: int
    #: What precedes the archive in the file, by which all offsets are larger.
    before: int


def members_of_zip(path: str, descriptor: int) -> Iterator[Member]:
    """The members of an open archive in the order of its list, without folders.

    Raises `SourceError` where the list is damaged, or members lie over each other as they do in archives
    that are made to overwhelm; what came before that counts.
    """
    size = os.fstat(descriptor).st_size
    found = _find_list(descriptor, size)
    buffer, base = b"", found.start
    position, end = found.start, found.start + found.size
    packed = 0
    while position < end:
        if position + _ENTRY.size > base + len(buffer):
            buffer, base = read_at(descriptor, position, min(_WINDOW, end - position)), position
        at = position - base
        if at + _ENTRY.size > len(buffer) or buffer[at : at + 4] != _LISTED:
            raise ArchiveError(f"its list of members is damaged at byte {position}")
        fields = _ENTRY.unpack_from(buffer, at)
        name_size, extra_size, comment_size = fields[10:13]
        behind = position + _ENTRY.size + name_size + extra_size + comment_size
        if behind > base + len(buffer):
            if base == position and behind > end:
                raise ArchiveError(f"its list of members is cut at byte {position}")
            # All of an entry's head fits into a window; three times 64 KiB do.
            buffer, base, at = read_at(descriptor, position, min(_WINDOW, end - position)), position, 0
            if behind > base + len(buffer):
                raise ArchiveError(f"its list of members is cut at byte {position}")
        name_at = at + _ENTRY.size
        raw = buffer[name_at : name_at + name_size]
        extra = buffer[name_at + name_size : name_at + name_size + extra_size]
        member = _member(path, found.before, fields, raw, extra)
        position = behind
        if member is None:
            continue
        if member.place is not None:
            packed += _LOCAL.size + len(raw) + member.place.length
            if packed > size:
                raise ArchiveError(
                    f"its members lie over each other, as in archives that are made to overwhelm: more than "
                    f"{packed} bytes in {size}"
                )
        yield member


def data_offset(descriptor: int, offset: int) -> int:
    """Where the bytes of a member lie whose header is at ``offset``. Raises `SourceError`, `OSError`."""
    head = read_at(descriptor, offset, _LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
        raise ArchiveError(f"cannot be read: there is no member at byte {offset} of its archive")
    name_size, extra_size = _LOCAL.unpack(head)[-2:]
    return offset + _LOCAL.size + int(name_size) + int(extra_size)


def _find_list(descriptor: int, size: int) -> _List:
    """Where the list of members is (APPNOTE 4.3.14 to 4.3.16)."""
    tail_size = min(size, _END_SIZE + _LONGEST_COMMENT)
    tail = read_at(descriptor, size - tail_size, tail_size)
    at = tail.rfind(_END)
    wrong: SourceError | None = None
    while at >= 0:
        try:
            found = _list_before(descriptor, size, size - tail_size + at, tail[at : at + _END_SIZE])
            if found is not None:
                return found
        except SourceError as error:
            wrong = wrong or error
        at = tail.rfind(_END, 0, at)  # that was in a comment, maybe
    raise wrong or ArchiveError("is no ZIP archive, or is cut: its list of members is not there")


def _list_before(descriptor: int, size: int, end: int, record: bytes) -> _List | None:
    """The list of members that a record at ``end`` tells of; None where it is no such record."""
    if len(record) < _END_SIZE or end + _END_SIZE + struct.unpack_from("<H", record, 20)[0] > size:
        return None
    disk, first, _, _, list_size, list_start = struct.unpack_from("<4H2I", record, 4)
    where = end
    located = read_at(descriptor, end - _LOCATOR_SIZE, _LOCATOR_SIZE) if end >= _LOCATOR_SIZE else b""
    if located[:4] == _LOCATOR_64:
        # Its own offset does not count what may precede the archive: the record mostly ends at the locator.
        places = (end - _LOCATOR_SIZE - _END_64_SIZE, struct.unpack_from("<Q", located, 8)[0])
        for where in places:
            wide = read_at(descriptor, where, _END_64_SIZE) if 0 <= where < size else b""
            if wide[:4] == _END_64 and len(wide) == _END_64_SIZE:
                disk, first, _, _, list_size, list_start = struct.unpack_from("<2I4Q", wide, 16)
                break
        else:
            raise ArchiveError("its list of members is damaged: its ZIP64 record is not there")
    if disk != first and disk not in (0xFFFF, 0xFFFFFFFF):
        raise ArchiveError("is one of several parts of an archive: join them first")
    before = where - list_size - list_start
    if before < 0:
        raise ArchiveError("its list of members is damaged, or the archive is cut at its start")
    if list_size and read_at(descriptor, list_start + before, 4) != _LISTED:
        raise ArchiveError(f"its list of members is damaged at byte {list_start + before}")
    return _List(list_start + before, list_size, before)


def _member(path: str, before: int, fields: tuple[int, ...], raw: bytes, extra: bytes) -> Member | None:
    """A member by its entry (APPNOTE 4.3.12); None for folders."""
    _, made_by, _, flags, method, _, _, crc, packed, size = fields[:10]
    attributes, offset = fields[15:17]
    extras = dict(_extras(extra))
    name = _name(raw, flags, extras)
    if name.endswith("/"):
        return None
    if (long := extras.get(0x0001)) is not None:
        wide = iter(struct.unpack(f"<{len(long) // 8}Q", long[: len(long) // 8 * 8]))
        size, packed, offset = (
            next(wide, value) if value == 0xFFFFFFFF else value for value in (size, packed, offset)
        )
    if made_by >> 8 == _UNIX and stat.S_ISLNK(attributes >> 16):
        return Member(name, skipped="a link in an archive")
    problem = ""
    if flags & (_ENCRYPTED | _MASKED):
        problem = "is encrypted, and fastdcm takes no passwords: unpack it first"
    elif method not in (_STORED, _DEFLATED):
        how = _METHODS.get(method, f"method {method}")
        problem = f"is packed by {how}: only stored and deflated members of ZIP archives are read"
    elif method == _STORED and size != packed:
        problem = f"is damaged: it is stored, and has {packed} bytes of {size}"
    elif method == _DEFLATED and size > _MOST_INFLATED * packed + 64:
        problem = f"is damaged: {packed} deflated bytes cannot become {size}, as is declared"
    if problem:
        return Member(name, problem=problem)
    packing: Packing = "stored" if method == _STORED else "deflated"
    return Member(name, Place(path, before + offset, packed, size, packing, crc))


def _extras(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, value) of the extra fields (APPNOTE 4.5)."""
    at = 0
    while at + 4 <= len(extra):
        number, length = struct.unpack_from("<2H", extra, at)
        yield number, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _name(raw: bytes, flags: int, extras: dict[int, bytes]) -> str:
    """A member's name (APPNOTE 4.4.17, 4.6.9)."""
    unicode = extras.get(0x7075, b"")
    if len(unicode) > 5 and unicode[0] == 1 and struct.unpack_from("<I", unicode, 1)[0] == zlib.crc32(raw):
        name = unicode[5:].decode("utf-8", "surrogateescape")
    elif flags & _UTF_8 or raw.isascii():
        name = raw.decode("utf-8", "surrogateescape")
    else:
        name = raw.decode("cp437")
    # Some writers on Windows take its separator, against the specification.
    return name.replace("\\", "/") if "\\" in name and "/" not in name else name
