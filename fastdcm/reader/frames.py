"""Where each frame's bytes lie (PS3.5 8 and annex A.4), found without reading the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fastdcm.errors import CodestreamError, DicomError, TruncatedError
from fastdcm.model import FrameSpan, Header, Notice
from fastdcm.reader.elements import UNDEFINED
from fastdcm.reader.scan import DataSet
from fastdcm.reader.values import swap_words

if TYPE_CHECKING:
    from fastdcm.reader.fragments import Fragments
    from fastdcm.reader.stream import FragmentFile

#: Up to so many frames, those that are missing are told one by one.
_CREDIBLE_FRAMES = 10_000
#: Bytes that a codestream may have beyond what its samples can need: ICC profiles, comments, previews.
_CODED_MORE = 64 << 20
#: A part of a frame, and what is made of it, should stay in the processor's cache (benches/bench_reader.py).
PART_BYTES = 256 << 10


class FrameIndex:
    """The frames of one object, located on demand.

    ``span(index)`` raises `TruncatedError` for a frame whose bytes are not all there; the other
    frames stay readable. With ``allow_partial`` what is there of it is given. ``notices`` grows by what
    had to be repaired.
    """

    def __init__(
        self, found: DataSet, header: Header, notices: list[Notice], *, allow_partial: bool = False
    ) -> None:
        assert found.pixel is not None
        self._found, self._header, self._notices = found, header, notices
        self._source, self._allow_partial = found.source, allow_partial
        self._start, self._length = found.pixel[1], found.pixel[2]
        self.encapsulated = self._length == UNDEFINED
        # Big-endian words of 16 bits hold samples of a byte or less, too (PS3.5 8.1.2).
        self._big_endian_words = (
            not self.encapsulated and not found.encoding.little and found.pixel[0] == b"OW"
        )
        self._swapped = self._big_endian_words and header.bits_allocated in (1, 8, 12)
        self._check_count()
        self._fragments: Fragments | None = None
        if self.encapsulated:
            from fastdcm.reader.fragments import Fragments

            self._fragments = Fragments(found, header, notices, allow_partial=allow_partial)
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

    def _check_size(self, span: FrameSpan) -> None:
        """Refuse what nobody compresses a frame to, before it is read."""
        native = self._header.native_frame_bits // 8
        if span.length > 4 * native + _CODED_MORE:
            raise CodestreamError(f"{span.length} bytes for a frame of {native}")

    def _native_span(self, index: int) -> FrameSpan:
        bit = index * self._frame_bits
        start, bit_offset = bit >> 3, bit & 7
        length = (bit_offset + self._frame_bits + 7) >> 3
        available = min(self._length, self._source.size - self._start)
        if self._source.refusal and self._start + start + length > self._source.size:
            raise DicomError(self._source.refusal)
        if self._allow_partial and available > start:
            length = min(length, available - start)
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
            if not self._allow_partial:
                raise TruncatedError(f"{needed} bytes declared, {len(words)} could be read")
            words = words[: len(words) & ~1]  # of a word that is cut, the wrong half is there
        return memoryview(swap_words(words))[odd : odd + length]

    # Both

    def span(self, index: int) -> FrameSpan:
        """Where the frame's bytes lie. Raises `TruncatedError`, `DicomError`."""
        return FrameSpan(self._fragments.of(index)) if self._fragments else self._native_span(index)

    def expect(self, indexes: Sequence[int]) -> None:
        """These frames will be read, in this order: tell the source, as far as it is known where they lie."""
        if not self._source.expects:
            return
        size, ranges = self._source.size, []
        for index in indexes:
            if self._fragments is not None:
                extent = self._fragments.extent(index)
            else:
                bit = index * self._frame_bits
                start = self._start + (bit >> 3)
                extent = start, self._start + ((bit + self._frame_bits + 7) >> 3)
            if extent is None:
                return
            ranges.append((extent[0], min(extent[1], size) - extent[0]))
        self._source.expect(ranges)

    def stream(self) -> FragmentFile:
        """The whole value of encapsulated Pixel Data as one file, for video (PS3.5 8.2.5 ff.)."""
        assert self._fragments is not None
        return self._fragments.stream()

    def parts(self, index: int) -> Iterator[memoryview]:
        """The bytes of a native frame that starts on a byte, a part at a time, each in the place of the last.

        What is made of a part is made while it is in the cache, and no memory of a frame's size is filled and
        read again, which takes a tenth of the time of converting a large one (benches/bench_reader.py).
        Raises as `read`.
        """
        ((offset, length),) = self.span(index).fragments
        self._source.expect(((offset, length),))
        buffer = memoryview(bytearray(min(length, PART_BYTES)))
        for done in range(0, length, PART_BYTES):
            part = buffer[: min(PART_BYTES, length - done)]
            count = self._source.read_into(offset + done, part)
            if count < len(part):
                raise TruncatedError(f"{length} bytes declared, {done + count} could be read")
            yield part

    def head(self, index: int, length: int) -> bytes:
        """The first bytes of an encapsulated frame, so many or all there are."""
        data = b""
        for offset, size in self.span(index).fragments:
            if len(data) < length:
                data += self._source.read(offset, min(size, length - len(data)))
        return data

    def read(self, index: int) -> tuple[memoryview, int]:
        """The frame's bytes and the bits of the first that belong to the frame before."""
        span = self.span(index)
        self._check_size(span)
        if self._swapped:
            return self._read_swapped(span), span.bit_offset
        if len(span.fragments) == 1:
            offset, length = span.fragments[0]
            data = self._source.view(offset, length)
        else:
            if self._source.expects:
                start, (last, length) = span.fragments[0][0], span.fragments[-1]
                self._source.expect([(start, last + length - start)])
            data = memoryview(b"".join(self._source.read(*fragment) for fragment in span.fragments))
        if len(data) < span.length:
            raise TruncatedError(f"{span.length} bytes declared, {len(data)} could be read")
        if self.encapsulated and not len(data):
            raise CodestreamError("the frame has no data")
        return data, span.bit_offset
