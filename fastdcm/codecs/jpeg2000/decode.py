"""A codestream of JPEG 2000 to samples by our own kernels (ITU-T T.800).

The way is that of the standard, backwards: packets to tables of code-blocks (annex B, `blocks`), these to
coefficients (annexes C and D, `fastdcm.kernels.code_blocks`), coefficients to samples (annexes E, F and G,
`transforms`). Code-blocks, and then rows, are shared by threads; of many tiles, each thread takes whole ones.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.blocks import Tile, TileComponent
from fastdcm.codecs.jpeg2000.reading import tiles
from fastdcm.codecs.jpeg2000.selection import lowest_planes, needed_blocks
from fastdcm.codecs.jpeg2000.shares import shares
from fastdcm.codecs.jpeg2000.stripes import Stripes, in_stripes, stripes_of
from fastdcm.codecs.jpeg2000.transforms import Depth, Writer
from fastdcm.codecs.sharing import Job, in_turn, run
from fastdcm.codestream.jpeg2000 import Jpeg2000Header
from fastdcm.codestream.jpeg2000.coding import Bytes
from fastdcm.codestream.jpeg2000.geometry import component_area, resolution_area
from fastdcm.codestream.jpeg2000.headers import Area
from fastdcm.errors import CodestreamError, OptionError, UnsupportedError
from fastdcm.kernels.code_blocks import DECODED, PLANES, WRONG_SYMBOL, decode_blocks, work

Array = NDArray[Any]


def decode(
    data: Bytes,
    header: Jpeg2000Header,
    *,
    reduce: int = 0,
    region: Area | None = None,
    grey: float | None = None,
    partial_data: bool = False,
    threads: int = 1,
) -> Array:
    """Decode a codestream that `blocks.refusal` has nothing against.

    ``header`` is what `jpeg2000.parse` gave for ``data``. ``reduce`` resolutions are left out, each of which
    halves both sides. ``region`` is what is wanted of the samples that there are then, all by default;
    code-blocks that it does not depend on are not decoded. ``grey`` is the width of a window by 255, in units
    of samples: bit-planes that hardly change a grey of that window are not decoded then (`selection`); for
    images of one component. With ``partial_data`` packets may be missing (`partial`). ``threads`` share the
    work.

    Returns samples as they are coded, the components' transform (annex G) undone, in the native byte order:
    (rows, columns) of one component, else (rows, columns, components); uint8 or int8 to 8 bits, uint16 or
    int16 to 16 bits.

    Raises CodestreamError where packets are missing or contradict the headers, OptionError where there are
    fewer resolutions to leave out, the region is not inside the image or there are no greys, UnsupportedError
    where there are too many packets to follow.
    """
    if grey is not None and (len(header.components) > 1 or not grey > 0):
        raise OptionError(f"a grey of {grey} in {len(header.components)} components: it is for one, above 0")
    first = header.components[0]
    image = resolution_area(component_area(header.area, first), reduce)
    if region is not None:
        image = _within(image, region)
    kind = np.uint8 if first.precision <= 8 else np.uint16
    found = tiles(data, header, reduce=reduce, partial=partial_data)
    count = len(header.components)
    if count > 3 and any(tile.mct for tile in found):
        raise UnsupportedError(f"JPEG 2000 with a component transform of {count} components is not supported")
    out = np.empty((image.y1 - image.y0, image.x1 - image.x0, count), kind)
    depths = [Depth(component.precision, component.signed) for component in header.components]
    source = np.frombuffer(data, np.uint8)

    # Some encoders announce a transform of one component, where there is nothing to transform.
    def decode_tile(tile: Tile, threads: int) -> None:
        area = tile.components[0].resolutions[-1]
        x0, y0, x1, y1 = wanted = _common(area, image)
        if x0 >= x1 or y0 >= y1:
            return
        transformed = tile.mct and count == 3
        if transformed and len({component.reversible for component in tile.components}) > 1:
            raise CodestreamError("a component transform of both reversible and irreversible components")
        is_whole = wanted == area
        stripes = stripes_of(tile.components) if is_whole and grey is None and threads <= 1 else None
        lower, top = _rooms(count, tile.components[0].plane, stripes)
        transforms = tuple([component.transform for component in tile.components])
        columns, rows = range(x0 - area.x0, x1 - area.x0), range(y0 - area.y0, y1 - area.y0)
        place = columns, out, area.y0 - image.y0, x0 - image.x0
        write = Writer(transforms, lower, top, depths, *place, transformed=transformed).write
        if stripes is not None:
            _by_stripes(source, tile, stripes, lower, top, partial(write, rows))
            return
        if not is_whole:  # else the code-blocks fill it, those with nothing in them, too
            top[...] = 0
        jobs = [
            job
            for component, plane in zip(tile.components, top, strict=True)
            for job in _decodings(source, component, plane.reshape(-1), wanted, grey, threads)
        ]
        writing: list[Job] = [partial(write, share) for share in _shares(rows, threads)]
        run(in_turn(jobs, writing) if threads > 1 else jobs + writing, threads)

    if len(found) >= 2 * threads:
        run([partial(decode_tile, tile, 1) for tile in found], threads)
    else:
        for tile in found:
            decode_tile(tile, threads)
    samples = out.view(f"i{out.itemsize}") if first.signed else out
    return samples[..., 0] if count == 1 else samples


def _shares(rows: range, count: int) -> list[range]:
    """The rows as so many threads take them."""
    size = -(-len(rows) // count)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _within(image: Area, region: Area) -> Area:
    """A region of the image's samples in the coordinates that the image has."""
    x0, y0, x1, y1 = region
    if not (0 <= x0 < x1 <= image.x1 - image.x0 and 0 <= y0 < y1 <= image.y1 - image.y0):
        raise OptionError(f"the region {x0}, {y0} to {x1}, {y1} is not inside the image")
    return Area(image.x0 + x0, image.y0 + y0, image.x0 + x1, image.y0 + y1)


def _common(one: Area, other: Area) -> Area:
    """What two areas have in common; empty where ends are not behind starts."""
    return Area(max(one.x0, other.x0), max(one.y0, other.y0), min(one.x1, other.x1), min(one.y1, other.y1))


class _Kept(threading.local):
    """Memory that a thread keeps.

    To get new one takes a tenth of a small image's time. Of more than 32 MiB, which glibc hands back in any
    case, it can take as long as decoding: where a virtual machine has to ask its host for the pages, a color
    image of 4 megapixels took 235 ms instead of 115.
    """

    room: Array = np.empty(0, np.int32)
    work: tuple[Array, ...] = ()
    longest = -1


#: Coefficients, of up to 64 MiB; what decoding needs, of code-blocks up to 256 KiB, which is far from usual.
_KEPT, _MOST_KEPT, _LONGEST_KEPT = _Kept(), 1 << 24, 1 << 18


def _room(shape: tuple[int, ...]) -> Array:
    """Room for coefficients, of any value; those of an earlier call are gone."""
    size = math.prod(shape)
    if size > _MOST_KEPT:
        return np.empty(shape, np.int32)
    if size > len(_KEPT.room):
        _KEPT.room = np.empty(size, np.int32)
    return _KEPT.room[:size].reshape(shape)


def _work(longest: int) -> tuple[Array, ...]:
    """What `decode_blocks` works in, for code-blocks of so many bytes and more."""
    if longest > _LONGEST_KEPT:
        return work(longest)
    if longest > _KEPT.longest:
        _KEPT.work, _KEPT.longest = work(longest), longest
    return _KEPT.work


def _rooms(count: int, plane: tuple[int, int], stripes: Stripes | None) -> tuple[Array, Array]:
    """``lower`` and ``top`` of `Writer`, of so many components."""
    if stripes is None:
        room = _room((count, *plane))
        return room, room
    shapes = (count, *stripes.lower), (count, *stripes.top)
    behind = math.prod(shapes[0])
    room = _room((behind + math.prod(shapes[1]),))
    return room[:behind].reshape(shapes[0]), room[behind:].reshape(shapes[1])


def _by_stripes(
    data: Array, tile: Tile, how: Stripes, lower: Array, top: Array, write: Callable[..., None]
) -> None:
    """Decode a tile's lower levels, then the highest one with its rows, a stripe at a time."""
    ordered = [in_stripes(component, how) for component in tile.components]

    def decode_part(number: int, planes: Array) -> None:
        for component, (blocks, ends), plane in zip(tile.components, ordered, planes, strict=True):
            part = ends[number], ends[number + 1]
            _decode(data, component, blocks, *part, 0, plane.reshape(-1))

    decode_part(0, lower)
    write(stripes=how.stripes, begin=lambda number: decode_part(number + 1, top))


def _decodings(
    data: Array, component: TileComponent, plane: Array, wanted: Area, grey: float | None, threads: int
) -> list[Job]:
    """The decoding of those code-blocks of a tile-component that what is ``wanted`` of it depends on.

    They go to ``plane``, (height x width,) int32.
    """
    blocks, lowest, parts = shares(*_selected(component, wanted, grey), threads)
    return [
        partial(_decode, data, component, blocks, first, end, int(lowest[first]), plane)
        for first, end in parts
    ]


def _decode(
    data: Array, component: TileComponent, blocks: Array, first: int, end: int, lowest: int, plane: Array
) -> None:
    """Decode some ``blocks`` of a tile-component to their last bit-plane ``lowest``."""
    tables = blocks, component.chunks, component.segments
    done = decode_blocks(data, *tables, first, end, lowest, *_work(component.longest), plane)
    # OpenJPEG cuts code-blocks so short, for a size that is asked for, that their last segmentation
    # symbol (D.5) comes out as another: that tells nothing of damage.
    if done not in (DECODED, WRONG_SYMBOL):
        raise CodestreamError("the packets have code-blocks that there cannot be")


def _selected(component: TileComponent, wanted: Area, grey: float | None) -> tuple[Array, Array]:
    """The code-blocks to be decoded, of each the last bit-plane, by which they are sorted."""
    blocks = component.blocks
    lowest = np.zeros(len(blocks), np.int64) if grey is None else lowest_planes(component, grey)
    if grey is None and wanted == component.resolutions[-1]:
        return blocks, lowest
    order = np.argsort(lowest, kind="stable")
    if wanted != component.resolutions[-1]:
        kept = (blocks[:, PLANES] > lowest) & needed_blocks(component, wanted)
        order = order[kept[order]]
    return np.ascontiguousarray(blocks[order]), lowest[order]
