"""Offset tables (PS3.5 A.4, PS3.3 C.7.6.3.1.8): read, and compared with the items of Pixel Data."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from fastdcm.errors import TruncatedError
from fastdcm.model import Header, Notice
from fastdcm.reader.elements import ITEM
from fastdcm.reader.pixel_items import START_BYTES, Fragment, PixelItems
from fastdcm.reader.scan import DataSet


class OffsetTable:
    """The Basic or Extended Offset Table, as far as the items bear it out.

    Once they do not, it is given up, with a notice, and `of` knows no frame.
    """

    def __init__(self, found: DataSet, header: Header, items: PixelItems, notices: list[Notice]) -> None:
        self._items, self._frames, self._notices = items, header.frames, notices
        self._checked = False
        self._offsets: Sequence[int] = ()
        self._lengths: Sequence[int] = ()
        #: Whether it counts although the fragments have other numbers of starts than there are frames.
        self._counts = False
        self._read(found)

    def of(self, index: int) -> tuple[Fragment, ...] | None:
        """The fragments of a frame; None where there is no table or the items contradict it.

        Looked at are the frame's own items, the start of the next frame's and those at the end of the
        table, not all: a frame can be read without going through the others.

        Raises `TruncatedError` where the file ends within the frame.
        """
        offsets = self._offsets  # another thread may give it up meanwhile
        if not offsets:
            return None
        wrong, fragments = None, None
        if not self._checked:
            wrong = self._contradiction_at_end(offsets)
            self._checked = True
        if wrong is None:
            wrong, fragments = self._look_up(offsets, index)
        if wrong is not None:
            self._give_up(wrong)
        return fragments

    def extent(self, index: int) -> tuple[int, int] | None:
        """From where to where a frame lies, with the start of the next one, which is looked at as well."""
        offsets, first = self._offsets, self._items.first
        if index >= len(offsets):
            return None
        if index + 1 == len(offsets):
            return first + offsets[index], self._items.source.size
        return first + offsets[index], first + offsets[index + 1] + START_BYTES

    def compare_length(self, index: int, fragments: Sequence[Fragment]) -> None:
        """Note where Extended Offset Table Lengths say otherwise; the byte of padding may count or not."""
        lengths = self._lengths  # another thread may give them up meanwhile
        if not lengths:
            return
        declared, length = lengths[index], sum(length for _, length in fragments)
        if declared not in (length, length - (length % 2 == 0)):
            self._note(
                f"the Extended Offset Table says {declared} bytes for frame {index + 1}, its fragments have "
                f"{length}; these were read"
            )
            self._lengths = ()

    def _read(self, found: DataSet) -> None:
        frames, offsets = self._frames, array("Q")
        start, length = self._items.table
        if length == 4 * frames:
            basic = _numbers("I", self._items.source.read(start, length), little=True)
            offsets = self._unwrapped(basic)
        elif length:
            self._note(f"the Basic Offset Table has {length // 4} entries for {frames} frames")
        for tag, name in ((0x7FE00001, ""), (0x7FE00002, " Lengths")):
            _, _, size = found.elements.get(tag, (b"", 0, 0))
            if size == 8 * frames:
                numbers = _numbers("Q", found.value(tag) or b"", little=found.encoding.little)
                if name:
                    self._lengths = numbers
                else:
                    offsets = numbers
            elif size:
                self._note(f"the Extended Offset Table{name} has {size // 8} entries for {frames} frames")
        if offsets and (offsets[0] != 0 or any(a >= b for a, b in pairwise(offsets))):
            self._give_up("is not ascending from 0")
        elif frames > 1:  # a single one has all fragments
            self._offsets = offsets

    def _unwrapped(self, basic: Sequence[int]) -> array[int]:
        """A Basic Offset Table whose offsets beyond 4 GiB lost their upper bits; A.4 wants it empty."""
        offsets, previous, carry = array("Q"), 0, 0
        possible = (self._items.source.size - self._items.first) >> 32
        for entry in basic:
            if entry < previous and carry >> 32 < possible:
                carry += 1 << 32
            offsets.append(carry + entry)
            previous = entry
        if carry:
            self._note("the Basic Offset Table has 32 bits of offsets beyond 4 GiB; the others were added")
        return offsets

    def _look_up(
        self, offsets: Sequence[int], index: int
    ) -> tuple[str, None] | tuple[None, tuple[Fragment, ...]]:
        """(None, fragments) of a frame, or (why the items contradict the table, None)."""
        items, last = self._items, index + 1 == len(offsets)
        start = items.first + offsets[index]
        end = items.source.size if last else items.first + offsets[index + 1]
        if start + 8 > items.source.size:
            raise TruncatedError(f"Pixel Data is cut: the frame starts at byte {start}")
        run = items.walk(start, end)
        if run.stop == "cut" and (last or run.position + 8 + run.length <= end):
            raise items.cut(run)
        if run.stop == "source" and not last:
            if items.allow_partial and run.fragments:
                return None, tuple(run.fragments)
            raise TruncatedError("Pixel Data is cut within the frame")
        if not run.fragments or run.stop in ("cut", "other") or (run.stop == "sequence" and not last):
            return f"points to no item for frame {index + 1}", None
        wrong = self._contradiction(run.fragments, index, None if last else end)
        return (wrong, None) if wrong is not None else (None, tuple(run.fragments))

    def _contradiction_at_end(self, offsets: Sequence[int]) -> str | None:
        """Why the last frame is not made of the last fragments, as far as the file goes."""
        items, size = self._items, self._items.source.size
        place = bisect_right(offsets, size - items.first - 8) - 1
        last = place == len(offsets) - 1
        if place < 0:
            return None  # the file is cut: nothing is known
        run = items.walk(items.first + offsets[place], size)
        if run.stop == "cut" or (run.stop in ("source", "end") and not last):
            return None
        if run.stop == "other" or not run.fragments or not last:
            return f"does not point to the last of {len(offsets)} frames"
        return self._contradiction(run.fragments, place, None)

    def _contradiction(self, fragments: list[Fragment], index: int, following: int | None) -> str | None:
        """Why the fragments of a frame are not one codestream, or what is ``following`` no other one."""
        items = self._items
        if items.signed and items.kind(*fragments) is None:
            return f"points to no start of a codestream for frame {index + 1}"
        head = items.head(following) if items.signed and following is not None else None
        if following is not None and head is not None:
            tag, length = head
            if tag != ITEM or (length and items.kind((following + 8, length)) is None):
                return f"points to no start of a codestream for frame {index + 2}"
        if len(fragments) > 1 and not self._counts and items.starts(fragments) > 1:
            starts = items.starts(items.walk(items.first, sys.maxsize).fragments)
            if starts == self._frames:
                return f"has several frames for frame {index + 1}"
            message = f"{starts} starts of codestreams for {self._frames} frames; the offset table counts"
            self._note(message, "fragments")
            self._counts = True
        return None

    def _give_up(self, why: str) -> None:
        self._offsets = ()
        self._note(f"the offset table {why}; the fragments were scanned")

    def _note(self, message: str, code: str = "offset-table") -> None:
        notice = Notice(code, message)
        if notice not in self._notices:
            self._notices.append(notice)


def _numbers(kind: Literal["I", "Q"], data: bytes, *, little: bool) -> array[int]:
    """The whole unsigned numbers of 32 (I) or 64 (Q) bits in ``data``."""
    numbers = array(kind)
    numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
    if little != (sys.byteorder == "little"):
        numbers.byteswap()
    return numbers
