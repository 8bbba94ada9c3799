"""The items of encapsulated Pixel Data, one behind the other, and what starts in them (PS3.5 A.4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Literal, NamedTuple

from fastdcm.codestream import signatures
from fastdcm.errors import DicomError, TruncatedError
from fastdcm.model import Header
from fastdcm.reader.elements import ITEM, SEQUENCE_END, UNDEFINED
from fastdcm.reader.source import Source

_ITEM_HEAD = struct.Struct("<HHI")
_RLE = "1.2.840.10008.1.2.5"
#: Encapsulated Uncompressed (A.4.11) and Deflated Image Frame (A.4.12): frames start with any byte.
_NO_SIGNATURE = frozenset({"1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"})
#: These and RLE (A.4.2) have one fragment a frame.
_ONE_FRAGMENT = _NO_SIGNATURE | {_RLE}
#: Up to so many fragments are gone through, or 64 a frame: no honest object has more.
MAX_FRAGMENTS = 1 << 18
#: Bytes by which the start of a codestream is told; those that wrap others count as these.
_START = 12
#: The head of an item with the start of what is in it.
START_BYTES = 8 + _START
_KINDS = (
    (signatures.JPEG, "jpeg"),
    (signatures.JPEG_2000, "jpeg2000"),
    (signatures.JP2, "jpeg2000"),
    (signatures.JPEG_XL, "jpegxl"),
    (signatures.JPEG_XL_CONTAINER, "jpegxl"),
)

#: (offset, length) of what is in an item
Fragment = tuple[int, int]


class Run(NamedTuple):
    """Fragments one behind the other, and at which offset what ended them.

    "end" is the offset that was asked for, "sequence" its delimiter, "source" the end of the file,
    "cut" a fragment that is not all there, and "other" anything that is no item, with ``tag``.
    ``cut`` is also true where the last of ``fragments`` is what is there of one that is cut.
    """

    fragments: list[Fragment]
    stop: Literal["end", "sequence", "source", "cut", "other"]
    position: int
    tag: int = 0
    length: int = 0
    cut: bool = False


class PixelItems:
    """Reads heads of items and the first bytes of fragments, nothing else.

    With ``allow_partial`` a fragment that the file's end cuts counts, as far as it goes.
    """

    def __init__(self, source: Source, start: int, header: Header, *, allow_partial: bool = False) -> None:
        self.source, self.allow_partial = source, allow_partial
        uid = header.transfer_syntax_uid
        self._rle = uid == _RLE
        self.signed, self.one_fragment = uid not in _NO_SIGNATURE, uid in _ONE_FRAGMENT
        self._limit = max(MAX_FRAGMENTS, 64 * header.frames)
        head = self.head(start)
        if head is None or head[0] != ITEM:
            raise TruncatedError("encapsulated Pixel Data has no Basic Offset Table item")
        self.table = start + 8, head[1]
        #: The offset of the first fragment's item.
        self.first = start + 8 + head[1]
        if self.first > source.size:
            raise TruncatedError("the Basic Offset Table is cut")

    def head(self, position: int) -> tuple[int, int] | None:
        """(tag, length) at an offset; None at the end of the source."""
        head = self.source.read(position, 8)
        if len(head) < 8:
            return None
        group, number, length = _ITEM_HEAD.unpack(head)
        return group << 16 | number, length

    def walk(self, position: int, end: int) -> Run:
        """The fragments from ``position`` on, up to ``end`` or what ends them before."""
        fragments: list[Fragment] = []
        while position < end:
            head = self.head(position)
            if head is None:
                return Run(fragments, "source", position)
            tag, length = head
            if tag == SEQUENCE_END:
                return Run(fragments, "sequence", position)
            if tag != ITEM:
                return Run(fragments, "other", position, tag, length)
            if length == UNDEFINED or position + 8 + length > self.source.size:
                if self.allow_partial and length != UNDEFINED and position + 8 < self.source.size:
                    fragments.append((position + 8, self.source.size - position - 8))
                    return Run(fragments, "source", position, tag, length, cut=True)
                return Run(fragments, "cut", position, tag, length, cut=True)
            if len(fragments) == self._limit:
                raise DicomError(f"Pixel Data has more than {self._limit} fragments")
            fragments.append((position + 8, length))
            position += 8 + length
        return Run(fragments, "end" if position == end else "other", position)

    def cut(self, run: Run) -> TruncatedError:
        """The error for a run that ends with a cut fragment."""
        follow = max(0, self.source.size - run.position - 8)
        return TruncatedError(f"a fragment declares {run.length} bytes, {follow} follow")

    def kind(self, *fragments: Fragment) -> str | None:
        """The codec whose streams start as these fragments do together; None where none does."""
        data = b""
        for offset, length in fragments:
            data += self.source.read(offset, min(length, _START - len(data)))
            if len(data) == _START:
                break
        if self._rle and data[1:8] == b"\0\0\0\x40\0\0\0" and data[0] < 16:
            return "rle"  # at most 15 segments, the first of which follows the header (annex G.5)
        for signature, kind in _KINDS:
            if data.startswith(signature):
                return kind
        return None

    def starts(self, fragments: Sequence[Fragment]) -> int:
        """How many frames these fragments seem to be: those that start like the first that starts any.

        Where nothing tells a start, each is one (A.4.11, A.4.12).
        """
        if not self.signed:
            return len(fragments)
        kinds = [self.kind(fragment) for fragment in fragments]
        first = next((kind for kind in kinds if kind is not None), None)
        return 0 if first is None else kinds.count(first)
