"""Markers and marker segments of JPEG (T.81 B.1, table B.1) and JPEG-LS (T.87 C.1.1)."""

from __future__ import annotations

import re
from typing import Literal

from fastdcm.errors import CodestreamError

Process = Literal["baseline", "extended", "progressive", "lossless", "jpeg-ls"]

DHT, EOI, SOS, DNL, DRI, LSE = 0xC4, 0xD9, 0xDA, 0xDC, 0xDD, 0xF8
APP0, APP2, APP8, APP14 = 0xE0, 0xE2, 0xE8, 0xEE
LOSSLESS, JPEG_LS = 0xC3, 0xF7
OF_DCT = frozenset([0xC0, 0xC1, 0xC2])

PROCESSES: dict[int, Process] = {
    0xC0: "baseline",
    0xC1: "extended",
    0xC2: "progressive",
    LOSSLESS: "lossless",
    JPEG_LS: "jpeg-ls",
}
REFUSED = {  # T.81 table B.1, T.870
    0xC5: "hierarchical JPEG (SOF5)",
    0xC6: "hierarchical JPEG (SOF6)",
    0xC7: "hierarchical JPEG (SOF7)",
    0xC9: "arithmetic coding (SOF9)",
    0xCA: "arithmetic coding (SOF10)",
    0xCB: "arithmetic coding (SOF11)",
    0xCC: "arithmetic coding (DAC)",
    0xCD: "hierarchical JPEG with arithmetic coding (SOF13)",
    0xCE: "hierarchical JPEG with arithmetic coding (SOF14)",
    0xCF: "hierarchical JPEG with arithmetic coding (SOF15)",
    0xDE: "hierarchical JPEG (DHP)",
    0xDF: "hierarchical JPEG (EXP)",
    0xF9: "JPEG-LS part 2 (SOF57)",
}
PRECISIONS: dict[Process, range | tuple[int, ...]] = {
    "baseline": (8, 12),  # T.81 B.2.2 says 8; 12 decodes the same way and does occur
    "extended": (8, 12),
    "progressive": (8, 12),
    "lossless": range(2, 17),
    "jpeg-ls": range(2, 17),
}
# DHT, DQT, DNL, DRI, APP0-15, COM; T.87 adds LSE.
SEGMENTS = frozenset([DHT, 0xDB, DNL, DRI, LSE, 0xFE, *range(0xE0, 0xF0)])
LIMIT_SEGMENTS = 1 << 16  # a profile has 255, the others are few; more serve to keep readers busy

# In a scan FF is followed by 00 (T.81 B.1.1.5), in one of JPEG-LS by a byte below 80 (T.87 annex A);
# FF FF is fill; RST0-7 belong to the scan only where a restart interval is defined.
# Keys: whether it is JPEG-LS, whether a restart interval is defined.
SCAN_ENDS = {
    (False, False): re.compile(rb"\xff[\x01-\xfe]"),
    (False, True): re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]"),
    (True, False): re.compile(rb"\xff[\x80-\xfe]"),
    (True, True): re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]"),
}
RESTARTS = re.compile(rb"\xff([\xd0-\xd7])")
_FILL = re.compile(rb"\xff*")


def marker_at(data: bytes, position: int) -> tuple[int, int]:
    """Return the marker code at ``position`` and the offset behind it (T.81 B.1.1.3).

    Fill bytes FF may stand before a marker (B.1.1.2). Raises CodestreamError.
    """
    behind = position + 2
    if behind <= len(data) and data[position] == 0xFF and 0 < data[position + 1] < 0xFF:
        return data[position + 1], behind
    after = _FILL.match(data, position).end()  # type: ignore[union-attr]  # matches always
    if after >= len(data):
        raise CodestreamError("cut: ends without an EOI marker")
    if after == position or data[after] == 0:
        raise CodestreamError(f"no marker at byte {position}, where one must be")
    return data[after], after + 1


def segment_end(data: bytes | memoryview, position: int, name: str | int) -> int:
    """Return the end of the segment whose length stands at ``position`` (T.81 B.1.1.4).

    ``name`` is that of its marker, or the code. Raises CodestreamError.
    """
    size = len(data)
    end = position + (data[position] << 8 | data[position + 1]) if position + 2 <= size else size + 1
    if position + 2 <= end <= size:
        return end
    shown = name if isinstance(name, str) else f"0xFF{name:02X}"
    if end > size:
        raise CodestreamError(f"cut: the {shown} segment at byte {position} runs past the end")
    raise CodestreamError(f"the {shown} segment at byte {position} has a length below 2")


def frame_marker(data: bytes) -> int | None:
    """Return the code of the first SOFn marker, or None where the segments lead to none."""
    position = 2
    try:
        for _ in range(LIMIT_SEGMENTS):
            code, position = marker_at(data, position)
            if (0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC)) or code in (JPEG_LS, 0xF9):
                return code
            if code not in SEGMENTS:
                return None
            position = segment_end(data, position, "marker")
    except CodestreamError:
        pass
    return None
