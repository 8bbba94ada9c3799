"""Where each frame's bytes lie (PS3.5 8 and annex A.4), found without reading the others."""

from __future__ import annotations

import struct

from fastdcm.codestream import sniff
from fastdcm.errors import CodestreamError, DicomError, TruncatedError
from fastdcm.model import FrameSpan, Header, Notice
from fastdcm.reader.elements import ITEM, SEQUENCE_END, UNDEFINED, tag_name
from fastdcm.reader.scan import DataSet
from fastdcm.reader.values import swap_words

_ITEM_HEAD = struct.Struct("<HHI")
#: RLE (PS3.5 A.4.2), Encapsulated Uncompressed (A.4.11) and Deflated Image Frame (A.4.12) have one
#: fragment a frame.
_ONE_FRAGMENT = frozenset({"1.2.840.10008.1.2.5", "1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"})


#: Up to so many frames, those that are missing are told one by one.
_CREDIBLE_FRAMES = 10_000


class FrameIndex:
    """The frames of one object, located on demand.

    ``span(index)`` raises `TruncatedError` for a frame whose bytes are not all there; the other
    frames stay readable. ``notices`` grows by what had to be repaired.
    """

    def __init__(self, found: DataSet, header: Header, notices: list[Notice]) -> None:
        assert found.pixel is not None
        self._found, self._header, self._notices = found, header, notices
        self._source = found.source
        self._start, self._length = found.pixel[1], found.pixel[2]
        self.encapsulated = self._length == UNDEFINED
        # Big-endian words of 16 bits hold samples of a byte or less, too (PS3.5 8.1.2).
        self._big_endian_words = (
            not self.encapsulated and not found.encoding.little and found.pixel[0] == b"OW"
        )
        self._swapped = self._big_endian_words and header.bits_allocated in (1, 8, 12)
        self._groups: list[tuple[tuple[int, int], ...]] | None = None
        self._cut = False
        self._table: list[int] = []
        self._unknown: str | None = None
        self._check_count()
        if self.encapsulated:
            self._first = self._read_table()
        else:
            self._check_native()

    def _check_count(self) -> None:
        """A number of frames that no file of this size can hold is no number to go through."""
        header = self._header
        bits = 64 if self.encapsulated else header.native_frame_bits
        possible = 8 * max(0, self._source.size - self._start) // bits + 1
        if header.frames > max(_CREDIBLE_FRAMES, possible):
            raise DicomError(
                f"Number of Frames is {header.frames}, and Pixel Data can hold {possible} at most"
            )

    # Native

    def _check_native(self) -> None:
        header = self._header
        if self._big_endian_words and header.bits_allocated > 16:
            message = (
                f"samples of {header.bits_allocated} bits were read as big-endian numbers; some writers put "
                "the low 16-bit word first, and nothing in the file tells"
            )
            self._notices.append(Notice("big-endian-words", message))
        bits = header.native_frame_bits
        self._frame_bits = bits
        needed = (bits * header.frames + 7) // 8
        spare = self._length - needed
        if spare > needed % 2:
            if any(notice.code == "number-of-frames" for notice in self._notices):
                raise DicomError(
                    f"Number of Frames is unreadable, and Pixel Data holds {self._length} bytes, not the "
                    f"{needed} of one frame"
                )
            self._notices.append(
                Notice("pixel-data-long", f"Pixel Data has {spare} bytes more than its frames need")
            )

    def _native_span(self, index: int) -> FrameSpan:
        bit = index * self._frame_bits
        start, bit_offset = bit >> 3, bit & 7
        length = (bit_offset + self._frame_bits + 7) >> 3
        available = min(self._length, self._source.size - self._start)
        if start + length > available:
            raise TruncatedError(
                f"Pixel Data is short: the frame needs bytes {start} to {start + length}, "
                f"{max(0, available)} are there"
            )
        return FrameSpan(((self._start + start, length),), bit_offset)

    def _read_swapped(self, span: FrameSpan) -> memoryview:
        """Bytes of a frame out of big-endian 16-bit words, which may start in the middle of one."""
        offset, length = span.fragments[0]
        odd = (offset - self._start) & 1
        # The last byte of an odd frame is the second of its word.
        needed = min((length + odd + 1) & ~1, self._start + self._length - (offset - odd))
        words = self._source.read(offset - odd, needed)
        if len(words) < needed:
            raise TruncatedError(f"{needed} bytes declared, {len(words)} could be read")
        return memoryview(swap_words(words))[odd : odd + length]

    # Encapsulated

    def _read_item(self, position: int) -> tuple[int, int]:
        """(tag, length) at an offset; (0, 0) at the end of the source."""
        head = self._source.read(position, 8)
        if len(head) < 8:
            return 0, 0
        group, number, length = _ITEM_HEAD.unpack(head)
        return group << 16 | number, length

    def _read_table(self) -> int:
        """Read the offset tables; returns the offset of the first fragment's item."""
        tag, length = self._read_item(self._start)
        if tag != ITEM:
            raise TruncatedError("encapsulated Pixel Data has no Basic Offset Table item")
        after = self._start + 8 + length
        if length > self._source.size - self._start - 8:
            raise TruncatedError("the Basic Offset Table is cut")
        frames = self._header.frames
        if length and length == 4 * frames and frames > 1:
            self._table = list(struct.unpack(f"<{frames}I", self._source.read(self._start + 8, length)))
        elif length and length != 4 * frames:
            self._notices.append(
                Notice(
                    "offset-table", f"the Basic Offset Table has {length // 4} entries for {frames} frames"
                )
            )
        extended = self._found.value(0x7FE00001)
        if extended and len(extended) == 8 * frames:
            self._table = list(struct.unpack(f"{self._found.encoding.order}{frames}Q", extended))
        if self._table and (
            self._table[0] != 0 or any(a >= b for a, b in zip(self._table, self._table[1:], strict=False))
        ):
            self._distrust("is not ascending from 0")
        return after

    def _distrust(self, why: str) -> None:
        self._table = []
        self._notices.append(Notice("offset-table", f"the offset table {why}; the fragments were scanned"))

    def _by_table(self, table: list[int], index: int) -> tuple[tuple[int, int], ...] | None:
        """The fragments of a frame by the offset table; None where the table turns out wrong."""
        position = self._first + table[index]
        last = index + 1 == len(table)
        end = self._source.size if last else self._first + table[index + 1]
        fragments: list[tuple[int, int]] = []
        while position < end:
            tag, length = self._read_item(position)
            if last and (tag == SEQUENCE_END or (tag == 0 and fragments)):
                break
            if tag != ITEM or length == UNDEFINED:
                return None
            self._check_fragment(position + 8, length)
            fragments.append((position + 8, length))
            position += 8 + length
        if not fragments or (not last and position != end):
            return None
        return tuple(fragments)

    def _check_fragment(self, offset: int, length: int) -> None:
        if offset + length > self._source.size:
            raise TruncatedError(
                f"a fragment declares {length} bytes, {max(0, self._source.size - offset)} follow"
            )

    def _scan(self) -> list[tuple[int, int]]:
        """All fragments that are whole; sets ``_cut`` where the last one is not."""
        position, fragments = self._first, []
        while True:
            tag, length = self._read_item(position)
            if tag == SEQUENCE_END:
                break
            if tag != ITEM:
                if position < self._source.size and tag:
                    self._notices.append(
                        Notice("fragments", f"{tag_name(tag)} among the fragments; what follows was left out")
                    )
                self._cut = True
                break
            if length == UNDEFINED or position + 8 + length > self._source.size:
                self._cut = True
                self._missing, self._cut_start = length, position + 8
                break
            fragments.append((position + 8, length))
            position += 8 + length
        return fragments

    _missing = _cut_start = 0

    def _group(self) -> list[tuple[tuple[int, int], ...]]:
        """Fragments a frame where no table says so (PS3.5 A.4)."""
        fragments, frames = self._scan(), self._header.frames
        if frames == 1:
            if self._cut and self._missing:
                raise TruncatedError(f"the last fragment declares {self._missing} bytes, fewer follow")
            self._check_single(fragments)
            return [tuple(fragments)] if fragments else []
        single = self._cut and self._header.transfer_syntax_uid in _ONE_FRAGMENT
        if len(fragments) == frames or single:
            return [(fragment,) for fragment in fragments]
        groups: list[list[tuple[int, int]]] = []
        for offset, length in fragments:
            if sniff(self._source.read(offset, min(length, 64))) is not None or not groups:
                groups.append([])
            groups[-1].append((offset, length))
        if self._missing and groups and sniff(self._source.read(self._cut_start, 64)) is None:
            # The cut fragment may belong to the last frame, which then is not whole.
            groups.pop()
        if len(groups) != frames and not self._cut:
            raise DicomError(
                f"{len(fragments)} fragments for {frames} frames, no usable offset table, and "
                f"{len(groups)} starts of codestreams: which belong together is unknown"
            )
        return [tuple(group) for group in groups]

    def _check_single(self, fragments: list[tuple[int, int]]) -> None:
        """One frame in several fragments: more than one start of a codestream is suspicious."""
        if len(fragments) < 2:
            return
        starts = sum(
            sniff(self._source.read(offset, min(length, 64))) is not None for offset, length in fragments
        )
        if starts < 2:
            return
        message = f"{len(fragments)} fragments for one frame, {starts} of which start codestreams"
        if any(notice.code == "number-of-frames" for notice in self._notices):
            raise DicomError(f"Number of Frames is unreadable, and there are {message}")
        self._notices.append(Notice("fragments", f"{message}; the first was read"))

    def _encapsulated_span(self, index: int) -> FrameSpan:
        # Several threads may come here: each looks at the table that it found.
        if table := self._table:
            by_table = self._by_table(table, index)
            if by_table is not None:
                return FrameSpan(by_table)
            self._distrust(f"points to no item for frame {index + 1}")
        if self._unknown is not None:
            raise DicomError(self._unknown)
        if self._groups is None:
            try:
                self._groups = self._group()
            except DicomError as error:
                self._unknown = error.message
                raise
        if index >= len(self._groups):
            what = "Pixel Data is cut" if self._cut else "Pixel Data has too few fragments"
            raise TruncatedError(f"{what}: {len(self._groups)} of {self._header.frames} frames are there")
        return FrameSpan(self._groups[index])

    # Both

    def span(self, index: int) -> FrameSpan:
        """Where the frame's bytes lie. Raises `TruncatedError`, `DicomError`."""
        return self._encapsulated_span(index) if self.encapsulated else self._native_span(index)

    def read(self, index: int) -> tuple[memoryview, int]:
        """The frame's bytes and the bits of the first that belong to the frame before."""
        span = self.span(index)
        if self._swapped:
            return self._read_swapped(span), span.bit_offset
        if len(span.fragments) == 1:
            offset, length = span.fragments[0]
            data = self._source.view(offset, length)
        else:
            data = memoryview(b"".join(self._source.read(*fragment) for fragment in span.fragments))
        if len(data) < span.length:
            raise TruncatedError(f"{span.length} bytes declared, {len(data)} could be read")
        if self.encapsulated and not len(data):
            raise CodestreamError("the frame has no data")
        return data, span.bit_offset
