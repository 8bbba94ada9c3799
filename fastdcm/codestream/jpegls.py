"""What the scans of a JPEG-LS stream are coded by (ITU-T T.87 annex C): presets, NEAR, restart intervals.

`fastdcm.codestream.jpeg` finds frame, scans and the end of a stream; here is what T.87 adds to T.81.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fastdcm.codestream import markers
from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpeg_scan import Scan
from fastdcm.codestream.markers import marker_at, segment_end
from fastdcm.errors import CodestreamError, UnsupportedError

_PRESETS = 1
#: The types of LSE segments that are refused (table C.1, T.870).
_REFUSED = {
    2: "JPEG-LS mapping tables (palettes, LSE of type 2)",
    3: "JPEG-LS mapping tables (palettes, LSE of type 3)",
    4: "JPEG-LS dimensions in an LSE segment (type 4)",
}
DEFAULT_RESET = 64
#: T.87 lets RESET be as large as MAXVAL; C.2.4.1.1 has 255 for 8 bits.
_LEAST_RESET, _LARGE_RESET = 3, 255
_MOST_NEAR = 255
_RESTART = re.compile(rb"\xff+([\xd0-\xd7])")


class Coding(NamedTuple):
    """The parameters of a scan (C.2.3, C.2.4.1.1)."""

    near: int
    maxval: int
    t1: int
    t2: int
    t3: int
    reset: int


def codings(data: bytes, header: JpegHeader) -> tuple[Coding, ...]:
    """The parameters of each scan of a stream; ``header`` is what `jpeg.parse` gave for ``data``.

    Raises `CodestreamError` for parameters that there cannot be, `UnsupportedError` for mapping tables, point
    transforms, and dimensions or extensions in LSE segments.
    """
    found = []
    presets = (0, 0, 0, 0, 0)
    position = 2
    for scan in header.scans:
        code, position = marker_at(data, position)
        while code != markers.SOS:
            end = segment_end(data, position, code)
            if code == markers.LSE:
                presets = _presets(data, position + 2, end)
            code, position = marker_at(data, end)
        if scan.low:
            raise UnsupportedError("JPEG-LS with a point transform is not supported")
        found.append(_coding(scan.spectral_start, presets, header.precision))
        position = scan.end
    return tuple(found)


def _presets(data: bytes, start: int, end: int) -> tuple[int, int, int, int, int]:
    """MAXVAL, T1, T2, T3, RESET of an LSE segment (C.2.4.1.1); 0 stands for the default."""
    kind = data[start] if start < end else 0
    if kind != _PRESETS:
        raise UnsupportedError(f"{_REFUSED.get(kind, f'an LSE segment of type {kind}')} is not supported")
    if end != start + 11:
        raise CodestreamError("an LSE segment of JPEG-LS presets has a wrong length")
    maxval, t1, t2, t3, reset = (int.from_bytes(data[at : at + 2], "big") for at in range(start + 1, end, 2))
    return maxval, t1, t2, t3, reset


def _coding(near: int, presets: tuple[int, int, int, int, int], precision: int) -> Coding:
    maxval, t1, t2, t3, reset = presets
    most = (1 << precision) - 1
    maxval = maxval or most
    if maxval > most:
        raise CodestreamError(f"MAXVAL of JPEG-LS is {maxval}, more than samples of {precision} bits are")
    if near > min(_MOST_NEAR, maxval // 2):
        raise CodestreamError(f"NEAR of JPEG-LS is {near}, with samples up to {maxval}")
    defaults = _thresholds(near, maxval)
    t1, t2, t3 = (given or default for given, default in zip((t1, t2, t3), defaults, strict=True))
    reset = reset or DEFAULT_RESET
    if not near + 1 <= t1 <= t2 <= t3 <= maxval:
        raise CodestreamError(f"thresholds of JPEG-LS are {t1}, {t2}, {t3}, with samples up to {maxval}")
    if not _LEAST_RESET <= reset <= max(_LARGE_RESET, maxval):
        raise CodestreamError(f"RESET of JPEG-LS is {reset}")
    return Coding(near, maxval, t1, t2, t3, reset)


def _thresholds(near: int, maxval: int) -> tuple[int, int, int]:
    """The default T1, T2, T3 (C.2.4.1.1.1)."""

    def clamp(value: int, least: int) -> int:
        return least if value > maxval or value < least else value

    if maxval >= 128:
        factor = (min(maxval, 4095) + 128) // 256
        t1 = clamp(factor * (3 - 2) + 2 + 3 * near, near + 1)
        t2 = clamp(factor * (7 - 3) + 3 + 5 * near, t1)
        return t1, t2, clamp(factor * (21 - 4) + 4 + 7 * near, t2)
    factor = 256 // (maxval + 1)
    t1 = clamp(max(2, 3 // factor + 3 * near), near + 1)
    t2 = clamp(max(3, 7 // factor + 5 * near), t1)
    return t1, t2, clamp(max(4, 21 // factor + 7 * near), t2)


def intervals(data: bytes, scan: Scan) -> list[tuple[int, int]]:
    """From where to where the restart intervals of a scan lie, without markers and fill bytes before them.

    Raises `CodestreamError` where restart markers are out of order.
    """
    found, start = [], scan.start
    if scan.restart_interval:
        for number, match in enumerate(_RESTART.finditer(data, scan.start, scan.end)):
            if match[1][0] != 0xD0 + number % 8:
                raise CodestreamError("restart markers are out of order: part of the scan is missing")
            found.append((start, match.start()))
            start = match.end()
    end = scan.end
    while end > start and data[end - 1] == 0xFF:  # what FF does not go on with a byte is fill (T.81 B.1.1.2)
        end -= 1
    return [*found, (start, end)]
