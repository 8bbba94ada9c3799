"""A codestream of JPEG 2000 to samples by our own kernels (ITU-T T.800).

The way is that of the standard, backwards: packets to tables of code-blocks (annex B, `blocks`), these to
coefficients (annexes C and D, `fastdcm.kernels.code_blocks`), coefficients to samples (annexes E, F and G,
`transforms`). Code-blocks, and then rows, are shared by threads; of many tiles, each thread takes whole ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.blocks import Tile, TileComponent, tiles
from fastdcm.codecs.jpeg2000.transforms import Depth, Values, rows_at_a_time, write_samples
from fastdcm.codestream.jpeg2000 import Jpeg2000Header
from fastdcm.codestream.jpeg2000.geometry import component_area, resolution_area
from fastdcm.codestream.jpeg2000.headers import Area
from fastdcm.errors import CodestreamError, OptionError, UnsupportedError
from fastdcm.kernels.code_blocks import (
    CHUNK,
    CHUNK_END,
    DECODED,
    HEIGHT,
    OUT,
    STRIDE,
    WIDTH,
    WRONG_SYMBOL,
    decode_blocks,
    work,
)
from fastdcm.kernels.wavelets import IRREVERSIBLE_STEPS, REVERSIBLE_STEPS

Array = NDArray[Any]

#: Code-blocks that a thread takes at once: so few that threads end together, so many that asking for them
#: costs nothing beside decoding them.
_BLOCKS_AT_ONCE = 8

Job = Callable[[], object]


def decode(
    data: bytes, header: Jpeg2000Header, *, reduce: int = 0, region: Area | None = None, threads: int = 1
) -> Array:
    """Decode a codestream that `blocks.refusal` has nothing against.

    ``header`` is what `jpeg2000.parse` gave for ``data``. ``reduce`` resolutions are left out, each of which
    halves both sides. ``region`` is what is wanted of the samples that there are then, all by default;
    code-blocks that it does not depend on are not decoded. ``threads`` share the work.

    Returns samples as they are coded, the components' transform (annex G) undone, in the native byte order:
    (rows, columns) of one component, else (rows, columns, components); uint8 or int8 to 8 bits, uint16 or
    int16 to 16 bits.

    Raises CodestreamError where packets are missing or contradict the headers, OptionError where there are
    fewer resolutions to leave out or the region is not inside the image, UnsupportedError where there are too
    many packets to follow.
    """
    first = header.components[0]
    image = resolution_area(component_area(header.area, first), reduce)
    if region is not None:
        image = _within(image, region)
    kind = np.uint8 if first.precision <= 8 else np.uint16
    found = tiles(data, header, reduce=reduce)
    count = len(header.components)
    if count > 3 and any(tile.mct for tile in found):
        raise UnsupportedError(f"JPEG 2000 with a component transform of {count} components is not supported")
    out = np.empty((image.y1 - image.y0, image.x1 - image.x0, count), kind)
    depths = [Depth(component.precision, component.signed) for component in header.components]
    source = np.frombuffer(data, np.uint8)

    # Some encoders announce a transform of one component, where there is nothing to transform.
    def decode_tile(tile: Tile, run: Callable[[Iterable[Job]], None]) -> None:
        area = tile.components[0].resolutions[-1]
        x0, y0, x1, y1 = wanted = _common(area, image)
        if x0 >= x1 or y0 >= y1:
            return
        values = [_values(source, component, wanted, run) for component in tile.components]
        top, left = area.y0 - image.y0, x0 - image.x0
        columns, end = range(x0 - area.x0, x1 - area.x0), y1 - area.y0
        size = rows_at_a_time(values)
        ranges = [range(row, min(row + size, end)) for row in range(y0 - area.y0, end, size)]
        transformed = tile.mct and count == 3
        run(
            partial(write_samples, values, depths, columns, share, out, top, left, transformed=transformed)
            for share in _shares(ranges, threads)
        )

    if threads <= 1:
        for tile in found:
            decode_tile(tile, _in_turn)
    else:
        with ThreadPoolExecutor(threads) as pool:

            def together(jobs: Iterable[Job]) -> None:
                for done in [pool.submit(job) for job in jobs]:
                    done.result()

            if len(found) >= 2 * threads:
                together(partial(decode_tile, tile, _in_turn) for tile in found)
            else:
                for tile in found:
                    decode_tile(tile, together)
    samples = out.view(f"i{out.itemsize}") if first.signed else out
    return samples[..., 0] if count == 1 else samples


def _in_turn(jobs: Iterable[Job]) -> None:
    for job in jobs:
        job()


def _shares(parts: Sequence[range], count: int) -> list[Sequence[range]]:
    """The parts as so many threads take them."""
    return [share for number in range(count) if (share := parts[number::count])]


def _within(image: Area, region: Area) -> Area:
    """A region of the image's samples in the coordinates that the image has."""
    x0, y0, x1, y1 = region
    if not (0 <= x0 < x1 <= image.x1 - image.x0 and 0 <= y0 < y1 <= image.y1 - image.y0):
        raise OptionError(f"the region {x0}, {y0} to {x1}, {y1} is not inside the image")
    return Area(image.x0 + x0, image.y0 + y0, image.x0 + x1, image.y0 + y1)


def _common(one: Area, other: Area) -> Area:
    """What two areas have in common; empty where ends are not behind starts."""
    return Area(max(one.x0, other.x0), max(one.y0, other.y0), min(one.x1, other.x1), min(one.y1, other.y1))


def _values(
    data: Array, component: TileComponent, wanted: Area, run: Callable[[Iterable[Job]], None]
) -> Values:
    """Decode the code-blocks of a tile-component that what is ``wanted`` of its highest level depends on.

    The levels below that one are made of them.
    """
    blocks = component.blocks
    if wanted != component.resolutions[-1]:
        blocks = np.ascontiguousarray(blocks[_needed(component, wanted)])
    plane = np.zeros(component.plane, np.int32)
    if len(blocks):
        behind = np.concatenate([[0], np.cumsum(component.chunks[:, 1])])
        longest = int((behind[blocks[:, CHUNK_END]] - behind[blocks[:, CHUNK]]).max())
        step = len(blocks) if run is _in_turn else _BLOCKS_AT_ONCE

        def decode_from(first: int) -> None:
            tables = blocks, component.chunks, component.segments
            end = min(first + step, len(blocks))
            done = decode_blocks(data, *tables, first, end, 0, *work(longest), plane.reshape(-1))
            # OpenJPEG cuts code-blocks so short, for a size that is asked for, that their last segmentation
            # symbol (D.5) comes out as another: that tells nothing of damage.
            if done not in (DECODED, WRONG_SYMBOL):
                raise CodestreamError("the packets have code-blocks that there cannot be")

        run(partial(decode_from, first) for first in range(0, len(blocks), step))
    steps = None if component.reversible else [band.step for band in component.bands]
    return Values(plane, component.resolutions, steps)


def _needed(component: TileComponent, wanted: Area) -> NDArray[np.bool_]:
    """Which code-blocks have coefficients that samples of an area of the highest level depend on.

    A sample depends on those around it, as many to each side as there are lifting steps (F.3.8).
    """
    reach = REVERSIBLE_STEPS if component.reversible else IRREVERSIBLE_STEPS
    bands = {}
    for level in range(len(component.resolutions) - 1, 0, -1):
        edges = [wanted.x0 - reach, wanted.y0 - reach, wanted.x1 + reach, wanted.y1 + reach]
        low, high = [edge + 1 >> 1 for edge in edges], [edge >> 1 for edge in edges]
        for number, (across, down) in enumerate(((high, low), (low, high), (high, high))):
            bands[3 * level - 2 + number] = Area(across[0], down[1], across[2], down[3])
        wanted = Area(*low)
    bands[0] = wanted
    rows, columns = np.divmod(component.blocks[:, OUT], component.blocks[:, STRIDE])
    ends, behind = rows + component.blocks[:, HEIGHT], columns + component.blocks[:, WIDTH]
    needed = np.zeros(len(rows), bool)
    for number, band in enumerate(component.bands):
        x, y = band.x0 - band.area.x0, band.y0 - band.area.y0
        inside = (rows >= band.y0) & (ends <= band.y1) & (columns >= band.x0) & (behind <= band.x1)
        x0, y0, x1, y1 = bands[number]
        needed |= inside & (ends > y0 + y) & (rows < y1 + y) & (behind > x0 + x) & (columns < x1 + x)
    return needed
