"""Walking a data set element by element, by offset, up to the pixel data (PS3.5 clause 7, PS3.10).

Values are skipped by their length; only the elements in `WANTED` are noted, and only as offsets.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from fastdcm.errors import DicomError, FastdcmError, NotDicomError, TruncatedError
from fastdcm.kernels import Payoff
from fastdcm.model import Notice
from fastdcm.reader.elements import (
    DEFLATED_LE,
    EXPLICIT_BE,
    IMPLICIT_LE,
    ITEM,
    KNOWN_VRS,
    LONG_VALUES,
    PIXEL_TAGS,
    SHORT_VRS,
    UNDEFINED,
    WANTED,
    Element,
    Encoding,
    beyond,
    tag_name,
    tag_of,
)
from fastdcm.reader.plain import ELEMENTS_A_SCAN, ELEMENTS_BEFORE_NUMBA, META, part_of, pass_plain
from fastdcm.reader.sequences import MAX_NESTING, Walk, inside, skip_undefined
from fastdcm.reader.source import FIRST_WINDOW, WINDOW, Source

#: How much a deflated data set may become (PS3.5 A.5). Deflate grows up to 1032-fold, so a small file
#: could otherwise take all time; and how many elements its sequences may have, which deflate best of all.
MAX_INFLATED, MAX_INFLATED_ELEMENTS = 1 << 30, 1 << 20
#: Elements outside of sequences; no real data set has a tenth.
MAX_TOP_ELEMENTS = 1 << 20
#: No value that is read into memory is longer: sequences and offset tables by frame, and all others.
MAX_SEQUENCE, MAX_VALUE = 1 << 28, 1 << 20
_PAYOFF = Payoff(ELEMENTS_BEFORE_NUMBA, ("elements",))


@dataclass(slots=True, eq=False)
class DataSet:
    """What a scan found. ``pixel`` has the length `UNDEFINED` where it is encapsulated."""

    source: Source
    encoding: Encoding
    transfer_syntax_uid: str = ""
    elements: dict[int, Element] = field(default_factory=dict)
    pixel_tag: int = 0
    pixel: Element | None = None
    walk: Walk = field(default_factory=Walk)

    @property
    def notices(self) -> list[Notice]:
        """What was odd, so far."""
        return self.walk.notices

    def value(self, tag: int) -> bytes | None:
        """The bytes of an element's value, None where it is absent."""
        found = self.elements.get(tag)
        if found is None:
            return None
        _, offset, length = found
        if length > MAX_VALUE:
            limit = MAX_SEQUENCE if tag in LONG_VALUES else MAX_VALUE
            if length > limit:
                raise DicomError(f"{tag_name(tag)} has {length} bytes; more than {limit} are not read")
        whole = self.source.whole
        data = self.source.part(offset, length) if whole is None else whole[offset : offset + length]
        if len(data) < length:
            raise TruncatedError(f"{tag_name(tag)} is cut: {found[2]} bytes declared, {len(data)} there")
        return data


def scan(
    source: Source,
    *,
    max_nesting: int = MAX_NESTING,
    max_inflated: int = MAX_INFLATED,
    wanted: frozenset[int] = WANTED,
) -> DataSet:
    """Find the elements that rendering needs, or others that are ``wanted``, and the pixel data.

    ``max_nesting`` is how deep sequences of undefined length may go, ``max_inflated`` how many bytes a
    deflated data set may have.

    Raises `NotDicomError` where this is no DICOM file, `DicomError` and `TruncatedError` where
    elements contradict the file's size or each other.
    """
    data_set, start = _begun(source, max_nesting, max_inflated)
    _scan_elements(data_set, start, wanted)
    return data_set


def scan_as_far(
    source: Source, *, max_nesting: int, max_inflated: int, wanted: frozenset[int]
) -> tuple[DataSet, FastdcmError | None]:
    """`scan` as far as it comes: what was found before the data set is damaged, and that error.

    Raises what `scan` does of the beginning of a file, up to its meta information.
    """
    data_set, start = _begun(source, max_nesting, max_inflated)
    try:
        _scan_elements(data_set, start, wanted)
    except FastdcmError as error:
        return data_set, error
    return data_set, None


def _begun(source: Source, max_nesting: int, max_inflated: int) -> tuple[DataSet, int]:
    """An empty data set, and where its elements start."""
    walk = Walk(max_nesting=max_nesting)
    notices = walk.notices
    source.ahead(0, FIRST_WINDOW)
    start = 132 if source.part(128, 4) == b"DICM" else 0
    head = source.part(start, 12)
    if start and head[:2] != b"\x02\x00":
        # These four letters may stand there by chance in a file without a preamble.
        first = source.part(0, 12)
        if _plausible(head, source.size) is None or _plausible(first, source.size) is not None:
            start, head = 0, first
    meta: dict[int, Element] = {}
    has_meta = head[:2] == b"\x02\x00"
    if has_meta:
        start, meta = _scan_meta(source, start, notices)
        head = source.part(start, 12)
    elif start:
        notices.append(Notice("no-meta-group", "no file meta information: the encoding was guessed"))
    elif not head:
        raise NotDicomError("not a DICOM file: the file is empty")
    elif _plausible(head, source.size) is None:
        raise NotDicomError("not a DICOM file: neither a preamble nor a data set at its start")
    else:
        notices.append(Notice("no-preamble", "no preamble and meta information: the encoding was guessed"))

    uid = _text(source, meta.get(0x00020010))
    if uid == DEFLATED_LE:
        from fastdcm.reader.inflate import InflatedSource  # few files are

        source = InflatedSource(source, start, max_inflated)
        walk.budget = MAX_INFLATED_ELEMENTS
        walk.renew()
        start = 0
        head = source.part(0, 12)
    encoding = _encoding(uid, head, source.size - start, notices, has_meta=has_meta)
    return DataSet(source, encoding, uid, walk=walk), start


def _text(source: Source, element: Element | None) -> str:
    if element is None:
        return ""
    return source.part(element[1], element[2]).decode("ascii", "replace").strip("\0 ")


#: Groups in which data sets start.
_FIRST_GROUPS = frozenset((0x0002, 0x0004, 0x0008, 0x0010, 0x0018, 0x0020, 0x0028))


def _plausible(head: bytes, size: int, *, has_meta: bool = False) -> Encoding | None:
    """The encoding in which these 12 bytes start a data set, None where they start none.

    After a meta group the data set may start anywhere; without one, only where real ones do.
    """
    if len(head) < 8:
        return None
    for little in _byte_orders(head, has_meta=has_meta):
        number = struct.unpack_from("<H" if little else ">H", head, 2)[0]
        if head[4:6] in KNOWN_VRS:
            return Encoding(True, little)
        length = struct.unpack_from("<I" if little else ">I", head, 4)[0]
        if little and number <= 0x9500 and (length <= size or length == UNDEFINED):
            return Encoding(False, little)
    return None


def _byte_orders(head: bytes, *, has_meta: bool) -> list[bool]:
    """The byte orders (True is little) in which an element's group is one that data sets start with.

    Where neither is, and the meta group says that this is DICOM, the one of the lower group is likelier.
    """
    groups = {little: int.from_bytes(head[:2], "little" if little else "big") for little in (True, False)}
    first = [little for little, group in groups.items() if group in _FIRST_GROUPS]
    return first or (sorted(groups, key=lambda little: groups[little]) if has_meta else [])


def _encoding(uid: str, head: bytes, size: int, notices: list[Notice], *, has_meta: bool) -> Encoding:
    """The encoding of the data set: as declared, unless its first element contradicts."""
    declared = Encoding(uid != IMPLICIT_LE, uid != EXPLICIT_BE)
    if not head:
        return declared
    if uid and uid != IMPLICIT_LE and head[4:6] in KNOWN_VRS:
        group = struct.unpack_from(declared.order + "H", head)[0]
        if group <= 0x7FE0 and declared.little in _byte_orders(head, has_meta=True):
            return declared
    if uid == IMPLICIT_LE and head[4:6] not in KNOWN_VRS:
        return declared
    found = _plausible(head, size, has_meta=has_meta)
    if found is None:
        if uid:
            return declared
        raise NotDicomError("not a DICOM file: no data set follows the preamble")
    if not uid:
        if not any(notice.code in ("no-meta-group", "no-preamble") for notice in notices):
            notices.append(Notice("no-transfer-syntax", "no Transfer Syntax UID: the encoding was guessed"))
    elif found != declared:
        words = (
            f"{'explicit' if found.explicit else 'implicit'} VR {'little' if found.little else 'big'} endian"
        )
        notices.append(Notice("other-encoding", f"the data set is {words}, unlike its transfer syntax {uid}"))
    return found


def _scan_meta(source: Source, start: int, notices: list[Notice]) -> tuple[int, dict[int, Element]]:
    """The file meta information (PS3.10 clause 7), always explicit VR little endian.

    It ends where the group does; its own length element is often wrong.
    """
    meta: dict[int, Element] = {}
    if _PAYOFF.reached(0):
        start += pass_plain(META, True, source.ahead(start, FIRST_WINDOW), 0, start, meta)[0]
    while True:
        head = source.part(start, 12)
        if head[:2] != b"\x02\x00":
            break
        if len(head) < 8:
            raise TruncatedError("cut within the file meta information")
        number, vr, length = struct.unpack_from("<H2sH", head, 2)
        value = start + 8
        if vr not in SHORT_VRS:
            if not vr.isalpha():
                raise DicomError(f"{tag_name(0x00020000 | number)} has no VR: {vr!r}")
            if len(head) < 12:
                raise TruncatedError("cut within the file meta information")
            length, value = struct.unpack_from("<I", head, 8)[0], start + 12
        if value + length > source.size:
            raise beyond(0x00020000 | number, value, length, source)
        meta[0x00020000 | number] = (vr, value, length)
        start = value + length
    _, value, length = meta.get(0x00020000, (b"", 0, 0))
    if length == 4:
        off = value + 4 + struct.unpack("<I", source.part(value, 4))[0] - start
        if off:
            notices.append(Notice("meta-group-length", f"(0002,0000) is off by {off}; the group was walked"))
    return start, meta


class _Heads(NamedTuple):
    """How the heads of elements are taken apart in one encoding.

    Tags are compared as the 32-bit number that stands in the file: in little endian its lower half is
    the group. ``wanted`` leads from these numbers to tags.
    """

    unpack: Callable[[Any, int], tuple[Any, ...]]
    smallest: int
    group: int
    pixels: int
    wanted: dict[int, int]


@cache
def _heads(explicit: bool, little: bool, tags: frozenset[int]) -> _Heads:
    order = "<" if little else ">"
    unpack = struct.Struct(order + ("I2sHI" if explicit else "II")).unpack_from
    # Turning the halves around is its own inverse.
    wanted = {tag_of(tag, little): tag for tag in tags}
    smallest = 12 if explicit else 8
    return _Heads(unpack, smallest, 0xFFFF if little else 0xFFFF0000, 0x7FE0 << (0 if little else 16), wanted)


def _scan_elements(found: DataSet, start: int, tags: frozenset[int]) -> None:
    """Walk the top level from ``start`` and note the elements with these tags in ``found``."""
    source, encoding, elements, short = found.source, found.encoding, found.elements, SHORT_VRS
    explicit = encoding.explicit
    unpack, smallest, group, pixels, wanted = _heads(explicit, encoding.little, tags)
    width = min(FIRST_WINDOW, WINDOW)
    buffer, base = source.ahead(start, width), start
    # Positions count from the start of the buffer. An element before it was the last one, or none.
    position, last, vr, number, length = 0, len(buffer) - smallest, b"", 0, 0
    compiled = encoding.little and _PAYOFF.reached(ELEMENTS_A_SCAN)
    plain = compiled  # whether plain elements may follow
    part = part_of(tags)
    more = 0
    for walked in range(MAX_TOP_ELEMENTS):
        if plain and position <= last:
            position, passed = pass_plain(part, explicit, buffer, position, base, elements)
            plain = False
            more += passed
            if walked + more > MAX_TOP_ELEMENTS:
                break
        if position > last:
            behind, end = base + position, base + last + smallest
            if behind > source.size:
                raise beyond(tag_of(number, encoding.little), behind - length, length, source)
            width = min(2 * width if behind <= end else FIRST_WINDOW, WINDOW)
            buffer, base, position = source.ahead(behind, width), behind, 0
            if not buffer:
                return
            if len(buffer) < 8:
                raise TruncatedError(f"cut at byte {base}: {len(buffer)} bytes are no element")
            plain = compiled and len(buffer) >= smallest
            if len(buffer) < smallest:
                # The last element of a file may be a short one of 8 bytes.
                buffer = memoryview(bytes(buffer).ljust(smallest, b"\0"))
            last = len(buffer) - smallest
            if plain:
                continue
        if explicit:
            number, vr, length, long_length = unpack(buffer, position)
            if vr in short:
                value = position + 8
            else:
                length, value = long_length, position + 12
                tag = tag_of(number, encoding.little)
                if not vr.isalpha() and tag >> 16 != 0xFFFE:
                    raise DicomError(f"{tag_name(tag)} has no VR ({vr!r}) at byte {base + position}")
        else:
            number, length = unpack(buffer, position)
            value = position + 8
        if number & group >= pixels:
            tag = tag_of(number, encoding.little)
            if tag in PIXEL_TAGS:
                found.pixel_tag, found.pixel = tag, (vr, base + value, length)
                return
            if tag >> 16 == 0xFFFE:
                position = _skip_stray(found, tag, base + position, buffer[position:]) - base
                continue
            if tag >> 16 > 0x7FE0:
                return
        if length == UNDEFINED:
            inner = inside(source, base + value, vr, encoding)
            position = skip_undefined(source, base + value, inner, found.walk) - base
            length = position - value
            plain = compiled
        else:
            position = value + length
        if number in wanted:
            elements[wanted[number]] = (vr, base + value, length)
    raise found.walk.too_long()


def _skip_stray(found: DataSet, tag: int, position: int, head: memoryview) -> int:
    """The offset behind an item or delimiter that stands outside of any sequence."""
    if not any(notice.code == "stray-item" for notice in found.notices):
        message = f"{tag_name(tag)} outside of any sequence, at byte {position}"
        found.notices.append(Notice("stray-item", message))
    length: int = struct.unpack_from(found.encoding.order + "I", head, 4)[0]
    if tag == ITEM and length != UNDEFINED:
        # What is in the item belongs to a sequence whose own tag is lost, not to the top level.
        if position + 8 + length > found.source.size:
            raise TruncatedError(f"an item declares {length} bytes at byte {position}, fewer follow")
        return position + 8 + length
    return position + 8
