"""A stream of JPEG in several scans to pixels by our own kernels (ITU-T T.81 annexes F, G): libjpeg-turbo's.

That all scans are whole is known by decoding them. Coefficients of the whole image are kept meanwhile, two
bytes for each sample, as libjpeg keeps them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg_baseline.room import PixelRoom
from fastdcm.codecs.jpeg_baseline.steps import steps_of
from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpeg_huffman import definition_of
from fastdcm.codestream.jpeg_scan import Component, Scan
from fastdcm.kernels import jpeg_layout, kept_blocks
from fastdcm.kernels import jpeg_pixels as pixels
from fastdcm.kernels import progressive_tables as tables
from fastdcm.kernels import several_scans as scans
from fastdcm.kernels.sequential_tables import TABLE_SIZE

Array = NDArray[Any]

_BLOCKS, _DC, _DC_BITS = int(scans.BLOCKS), int(scans.DC), int(scans.DC_BITS)
_BAND_FIRST, _BAND_BITS = int(scans.BAND_FIRST), int(scans.BAND_BITS)
_PARTS = 3
_BLOCK = 8
#: A restart interval that no scan reaches the end of.
_NO_RESTARTS = 1 << 32
#: Coefficients for which a thread keeps room: asking the system for it anew takes as long as decoding some
#: tens of thousands of samples.
_MOST_KEPT = 1 << 21
#: Where a coefficient of the zigzag sequence stands among those of `jpeg_layout.LANES` blocks.
_PLACES = jpeg_layout.ZIGZAG * np.uint64(jpeg_layout.LANES)


class _Layout(NamedTuple):
    """The numbers of an image as kernels take them; the coefficients and the blocks that it has."""

    image: Array
    coefficients: int
    blocks: int


class _Room(PixelRoom):
    """What a thread works in."""

    def __init__(self) -> None:
        super().__init__()
        self.state = np.empty(scans.STATE, np.uint64)
        self.tables = np.empty(scans.SLOTS * TABLE_SIZE, np.int32)
        self.deep = np.empty(pixels.BUFFER, np.int32), np.empty(4 * jpeg_layout.LANES, np.uint32)
        self._kept = np.empty(0, np.int16), np.empty(0, np.uint64)

    def deep_strips(self, across: int) -> tuple[Array, Array]:
        """A row of ``across`` blocks of samples of 12 bits, in words and as samples."""
        words = np.empty(2 * _BLOCK * across, np.uint64)
        return words, words.view(np.uint16)

    def kept(self, layout: _Layout) -> tuple[Array, Array]:
        """Coefficients of an image, and histories of its blocks."""
        found = self._kept
        if layout.coefficients > len(found[0]) or layout.blocks > len(found[1]):
            found = np.empty(layout.coefficients, np.int16), np.empty(layout.blocks, np.uint64)
            if layout.coefficients <= _MOST_KEPT:
                self._kept = found
        return found[0][: layout.coefficients], found[1][: layout.blocks]


_ROOM = _Room()


def decode(data: bytes, stream: JpegHeader, *, converted: bool) -> Array | None:
    """Decode a stream that `headers.refusal` has nothing against, YCbCr as RGB if it is to be ``converted``.

    ``stream`` is what `jpeg.parse` gave for ``data``. Returns (rows, columns) uint8 of one component, or
    uint16 where it has 12 bits, else (rows, columns, 3) uint8. None where a scan may not be whole, there
    cannot be such Huffman tables, quantization tables are missing, or there are values that the samples of no
    image need: the walk then says what is wrong, if anything is.

    Raises `UnsupportedError` for Huffman tables that are not there.
    """
    steps = steps_of(data, stream)
    if steps is None:
        return None
    count = len(stream.components)
    layout = _layout(stream.rows, stream.columns, stream.components, converted)
    numbers, definitions = _numbers_of(stream)
    room = _ROOM
    coefficients, histories = room.kept(layout)
    status = scans.decode_scans(
        np.frombuffer(data, np.uint8),
        layout.image,
        numbers,
        definitions,
        _PLACES,
        room.coded(max(scan.end - scan.start for scan in stream.scans)),
        room.tables,
        room.state,
        coefficients,
        histories,
    )
    assert status != pixels.WRONG
    if status != pixels.WHOLE:
        return None
    across = int(layout.image[pixels.ACROSS])
    out = np.empty(stream.rows * stream.columns * count, np.uint8 if stream.precision == 8 else np.uint16)
    if stream.precision == 8:
        from fastdcm.kernels.kept_pixels import write_pixels

        work = room.rows, room.halves, *room.strips(across)
        status = write_pixels(layout.image, steps, coefficients, *work, out)
    else:
        from fastdcm.kernels.deep_pixels import write_deep_pixels

        work = *room.deep, *room.deep_strips(across)
        status = write_deep_pixels(layout.image, steps, coefficients, *work, out)
    assert status != pixels.WRONG
    if status != pixels.WHOLE:
        return None
    return (
        out.reshape(stream.rows, stream.columns)
        if count == 1
        else out.reshape(stream.rows, stream.columns, 3)
    )


@lru_cache(maxsize=16)
def _layout(rows: int, columns: int, components: tuple[Component, ...], converted: bool) -> _Layout:
    several = len(components) > 1
    wide, high = (components[0].horizontal, components[0].vertical) if several else (1, 1)
    image = np.zeros(pixels.IMAGE, np.uint64)
    image[pixels.ACROSS], image[pixels.DOWN] = -(-columns // (_BLOCK * wide)), -(-rows // (_BLOCK * high))
    image[pixels.COLUMNS], image[pixels.ROWS] = columns, rows
    image[pixels.COMPONENTS] = len(components)
    image[pixels.HORIZONTAL], image[pixels.VERTICAL] = wide, high
    image[pixels.CONVERTED] = converted
    image.flags.writeable = False
    return _Layout(image, *kept_blocks.sizes(image))


def _numbers_of(stream: JpegHeader) -> tuple[Array, Array]:
    """What headers say of the scans, as `scans.decode_scans` takes it, and the Huffman tables of all."""
    places = {each.identifier: place for place, each in enumerate(stream.components)}
    definitions: dict[bytes, int] = {}
    numbers: list[int] = []
    for scan in stream.scans:
        kind = _kind(stream, scan)
        numbers += (scan.start, scan.end, scan.restart_interval or _NO_RESTARTS, kind, len(scan.components))
        numbers += (scan.spectral_start, scan.spectral_end, scan.low)
        for component, destinations in zip(scan.components, scan.tables, strict=True):
            numbers.append(places[component.identifier])
            for table_class, kinds in enumerate(((_BLOCKS, _DC), (_BLOCKS, _BAND_FIRST, _BAND_BITS))):
                number = 0
                if kind in kinds:
                    found = definition_of(scan, table_class, destinations[table_class])
                    number = definitions.setdefault(found, len(definitions))
                numbers.append(number)
        numbers += (0,) * 3 * (_PARTS - len(scan.components))
    joined = b"".join([each.ljust(tables.DEFINITION, b"\0") for each in definitions])
    return np.array(numbers, np.uint64), np.frombuffer(joined, np.uint8)


def _kind(stream: JpegHeader, scan: Scan) -> int:
    if stream.process != "progressive":
        return _BLOCKS
    if scan.spectral_start == 0:
        return _DC_BITS if scan.high else _DC
    return _BAND_BITS if scan.high else _BAND_FIRST
