"""The quantization tables of a JPEG stream (ITU-T T.81 B.2.4.1)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.codestream import markers
from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.markers import marker_at, segment_end
from fastdcm.kernels import jpeg_layout

Array = NDArray[Any]

_BLOCK, _DQT = 64, 0xDB
_DQT_MARKER = bytes([0xFF, _DQT])


def steps_of(data: bytes, stream: JpegHeader) -> Array | None:
    """The tables of the components of a frame, (64 * components,) int16; None where there are not all.

    By position in a block, in 16 bits, which libjpeg-turbo's vectors have too. A component has the table that
    is defined when its first scan starts, as libjpeg has it.
    """
    tables: dict[int, Array] = {}
    found: dict[int, Array] = {}
    wanted: dict[int, int] = {}
    position = 2
    for scan in stream.scans:
        is_news = not wanted or _DQT_MARKER in data[position : scan.start]
        if is_news and not _read(data, position, scan.start, tables, wanted):
            return None
        for component in scan.components:
            table = tables.get(wanted[component.identifier])
            if table is None:
                return None
            found.setdefault(component.identifier, table)
        position = scan.end
    return np.concatenate([found[component.identifier] for component in stream.components])


def _read(data: bytes, position: int, end: int, tables: dict[int, Array], wanted: dict[int, int]) -> bool:
    """Read the segments between two offsets: tables, and by component which one it wants (B.2.2).

    False where a table is longer than its segment.
    """
    while position < end:
        code, position = marker_at(data, position)
        at, position = position + 2, segment_end(data, position, "")
        if code == _DQT:
            while at < position:
                kind, number = ("u1", ">u2")[data[at] >> 4 > 0], data[at] & 15
                size = _BLOCK * np.dtype(kind).itemsize
                if at + 1 + size > position:
                    return False
                table = np.empty(_BLOCK, np.int16)
                table[jpeg_layout.ZIGZAG] = np.frombuffer(data, kind, _BLOCK, at + 1).astype(np.int16)
                tables[number] = table
                at += 1 + size
        elif code in markers.PROCESSES:
            wanted.update((data[place], data[place + 2]) for place in range(at + 6, position, 3))
    return True
