"""Frames and scans of JPEG (ITU-T T.81 B.2.2, B.2.3) and their geometry (A.2)."""

from __future__ import annotations

from typing import NamedTuple

from fastdcm.codestream.markers import Process


class Component(NamedTuple):
    """One component of the frame header: its identifier and sampling factors (T.81 B.2.2)."""

    identifier: int
    horizontal: int
    vertical: int


class Frame(NamedTuple):
    """A frame header (T.81 B.2.2)."""

    process: Process
    sof: int
    precision: int
    rows: int
    columns: int
    components: tuple[Component, ...]


class Scan(NamedTuple):
    """A scan header (T.81 B.2.3, T.87 C.2.3) and what was in force before it.

    ``tables`` are (Td, Ta) of each component, ``huffman`` the tables defined so far by Tc and Th,
    each its 16 counts and its values. ``spectral_start`` is Ss (lossless: the predictor, JPEG-LS:
    NEAR), ``spectral_end`` Se (JPEG-LS: ILV); ``high`` and ``low`` are Ah and Al (lossless and
    JPEG-LS: the point transform). The entropy-coded data, restart markers included, lies between
    the offsets ``start`` and ``end``.
    """

    components: tuple[Component, ...]
    tables: tuple[tuple[int, int], ...]
    huffman: dict[int, bytes]
    spectral_start: int
    spectral_end: int
    high: int
    low: int
    restart_interval: int
    start: int
    end: int


def unit(frame: Frame) -> int:
    """Width and height of a data unit: a block of 8 x 8 samples, or one of lossless JPEG (T.81 3.1.34)."""
    return 1 if frame.process == "lossless" else 8


def grid(frame: Frame, scan: Scan) -> tuple[int, int]:
    """The MCUs of a scan, across and down (T.81 A.2.2 for one component, A.2.3 for several)."""
    # Lists, which a small image is faster with.
    widest = max([c.horizontal for c in frame.components])
    highest = max([c.vertical for c in frame.components])
    size = unit(frame)
    if len(scan.components) == 1:
        only = scan.components[0]
        columns = -(-frame.columns * only.horizontal // widest)
        rows = -(-frame.rows * only.vertical // highest)
        return -(-columns // size), -(-rows // size)
    return -(-frame.columns // (size * widest)), -(-frame.rows // (size * highest))


def units_of(scan: Scan) -> list[int]:
    """Data units of each component in one MCU (T.81 A.2)."""
    if len(scan.components) == 1:
        return [1]
    return [c.horizontal * c.vertical for c in scan.components]


def least_bits(frame: Frame, scan: Scan) -> int:
    """The fewest bits that can code a scan.

    A Huffman code has at least one bit. A sequential DCT block has a DC code and an AC code, a
    sample of lossless JPEG one code, a block of a progressive DC scan one code or one bit, while
    an AC scan may skip 32767 blocks with one code (G.1.2.2). A line of JPEG-LS has at least one
    bit, even in run mode (T.87 A.7).
    """
    if frame.process == "jpeg-ls":
        highest = max(c.vertical for c in frame.components)
        return max(1, frame.rows * max(c.vertical for c in scan.components) // highest)
    across, down = grid(frame, scan)
    units = across * down * sum(units_of(scan))
    if frame.process == "progressive":
        return units if scan.spectral_start == 0 else 1
    return units if frame.process == "lossless" else 2 * units
