"""The boxes of a JP2 file around a codestream (T.800 annex I)."""

from __future__ import annotations

from typing import NamedTuple

from fastdcm.codestream import signatures
from fastdcm.errors import CodestreamError, UnsupportedError


class Jp2(NamedTuple):
    """Where the codestream lies, and what the JP2 header box says of colours.

    ``colour_space`` is EnumCS of the first colour box, ``channels`` the (Cn, Typ, Asoc) of a
    channel definition box (I.5.3), ``icc`` the ICC profile of the first colour box that has one.
    """

    start: int
    end: int
    colour_space: int | None = None
    channels: tuple[tuple[int, int, int], ...] = ()
    icc: bytes | None = None

    @property
    def has_icc(self) -> bool:
        """Whether a colour box has an ICC profile."""
        return self.icc is not None


def read_boxes(data: bytes, *, partial: bool = False) -> Jp2:
    """Find the first codestream box (T.800 I.5.4) and read the JP2 header box (I.5.3).

    With ``partial`` the data may end inside the codestream.

    Raises CodestreamError for boxes that run past the data, UnsupportedError for palettes.
    """
    position, jp2 = len(signatures.JP2), Jp2(0, 0)
    while True:
        kind, start, end = _box(data, position, len(data), partial=partial)
        if kind == b"jp2h":
            jp2 = _read_jp2_header(data, start, end)
        elif kind == b"jp2c":
            return jp2._replace(start=start, end=end)
        position = end


def _box(data: bytes, position: int, limit: int, *, partial: bool = False) -> tuple[bytes, int, int]:
    """Return type, start of contents and end of the box at ``position`` (T.800 I.4)."""
    if position + 8 > limit:
        raise CodestreamError("cut: the data ends in a JP2 box header")
    length = int.from_bytes(data[position : position + 4], "big")
    kind, start = data[position + 4 : position + 8], position + 8
    if length == 1:
        length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
    end = limit if length == 0 else position + length
    if end > limit and partial and kind == b"jp2c":
        end = limit
    if end > limit:
        raise CodestreamError(f"cut: the JP2 box at byte {position} runs {end - limit} bytes past the end")
    if end < start:
        raise CodestreamError(f"the JP2 box at byte {position} is shorter than its own header")
    return kind, start, end


def _read_jp2_header(data: bytes, position: int, limit: int) -> Jp2:
    colour_space: int | None = None
    channels: tuple[tuple[int, int, int], ...] = ()
    icc: bytes | None = None
    while position < limit:
        kind, start, end = _box(data, position, limit)
        if kind == b"pclr":
            raise UnsupportedError("JP2 palettes (pclr box) are not supported")
        if kind == b"colr" and end >= start + 3:  # I.5.3.3
            if data[start] in (2, 3) and icc is None:  # restricted, or any (T.801 M.11.7.3)
                icc = data[start + 3 : end]
            if data[start] == 1 and end >= start + 7 and colour_space is None:
                colour_space = int.from_bytes(data[start + 3 : start + 7], "big")
        elif kind == b"cdef" and (end - start) % 6 == 2:  # I.5.3.6
            values = [int.from_bytes(data[at : at + 2], "big") for at in range(start + 2, end, 2)]
            channels = tuple(zip(values[::3], values[1::3], values[2::3], strict=True))
        position = end
    return Jp2(0, 0, colour_space, channels, icc)
