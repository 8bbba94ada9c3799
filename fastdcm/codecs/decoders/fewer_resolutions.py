"""How far a JPEG 2000 codestream can be halved, and HTJ2K without its highest resolutions.

A codestream has its images of half, a quarter, ... of the size in it: the low-pass bands of its wavelet
transform (ITU-T T.800 annex F).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import imagecodecs
import numpy as np

from fastdcm.codecs.decoders.common import Array, call
from fastdcm.codecs.decoders.reported import raising
from fastdcm.codecs.jpeg2000.blocks import fewest_levels, is_reversible
from fastdcm.codestream.jpeg2000 import Jpeg2000Header
from fastdcm.codestream.jpeg2000.coding import Bytes
from fastdcm.codestream.jpeg2000.geometry import component_area, resolution_area
from fastdcm.kernels import Payoff
from fastdcm.model import Halved, Header, Less

_HTJ2K_DECODE = raising(imagecodecs.htj2k_decode)
#: In SIZ, which follows SOC (T.800 A.5.1): the depth of the first component; further ones are 3 apart.
_SSIZ, _SSIZ_STEP = 42, 3
_SIGNED_24_BITS = 0x80 | 23
#: In SOT (A.4.2): the length of the tile-part.
_PSOT = 6
_EOC = b"\xff\xd9"
_MOST_TILES = 16  # that are shortened
_PAYOFF = Payoff(modules=("clipping",))


def possible(less: Less | None, data: Bytes, stream: Jpeg2000Header, header: Header) -> Less | None:
    """What of ``less`` can be left out of a codestream; None where nothing can.

    Nothing of one whose samples have another depth or sign than the data set's stored values: what they mean
    has to be found out of each of them.
    """
    precision, signed, *_ = stream.components[0]
    as_stored = (precision, signed, header.high_bit) == (
        header.bits_stored,
        header.signed,
        header.bits_stored - 1,
    )
    if less is None or not as_stored or not stream.complete:
        return None
    halvings = min(less.halvings, fewest_levels(data, stream))
    if halvings and less.reversible is not None and is_reversible(data, stream):
        halvings = min(halvings, less.reversible)
    grey = less.grey if len(stream.components) == 1 else None
    return Less(halvings, grey=grey) if halvings or grey else None


def halved(data: Bytes, stream: Jpeg2000Header, times: int) -> tuple[Halved, tuple[int, int]]:
    """What a codestream becomes without its highest resolutions, and its (rows, columns) then.

    A sample of the low-pass band at u is the pixels around 2^times u (F.4.8), on the reference grid.
    """
    whole = component_area(stream.area, stream.components[0])
    area = resolution_area(whole, times)
    half = (1 << times) / 2 - 0.5
    top, left = (area.y0 << times) - whole.y0 - half, (area.x0 << times) - whole.x0 - half
    by: Literal["5/3", "9/7"] = "5/3" if is_reversible(data, stream) else "9/7"
    return Halved(times, by, top, left), (area.y1 - area.y0, area.x1 - area.x0)


def htj2k(data: Bytes, stream: Jpeg2000Header, times: int, ends: Array | None = None) -> Array:
    """A reversible HTJ2K codestream without its highest resolutions, by OpenJPH.

    ``ends`` is where each packet ends of the resolutions that are left, in their order, where that is known.

    At hard edges low-pass filters overshoot the range of samples, and neither OpenJPH nor imagecodecs clips.
    So the stream is declared to be of signed samples of 24 bits, of which its coefficients know nothing: they
    come out as they are then, without level shift (T.800 G.1).
    """
    precision, signed, *_ = stream.components[0]
    declared = bytearray().join(_pieces(data, stream, ends))
    for component in range(len(stream.components)):
        declared[_SSIZ + _SSIZ_STEP * component] = _SIGNED_24_BITS
    array = call("OpenJPH", _HTJ2K_DECODE, declared, skipres=times)
    half = 1 << (precision - 1)
    kind = np.dtype(f"{'i' if signed else 'u'}{1 if precision <= 8 else 2}")
    out = np.empty(array.shape, kind)
    if array.dtype == np.int32 and _PAYOFF.reached(array.size):
        from fastdcm.kernels.clipping import clipped

        clipped(np.ascontiguousarray(array).reshape(-1), half, 0 if signed else half, out.reshape(-1))
        return out
    np.clip(array, -half, half - 1, out=array)
    np.add(array, 0 if signed else half, out=out, casting="unsafe")
    return out


def _pieces(data: Bytes, stream: Jpeg2000Header, ends: Array | None) -> Iterator[Bytes]:
    """A codestream, of which each tile ends with its last packet of those with ``ends``.

    What follows in a tile would be read for nothing. Of tiles in several parts nothing is left out.
    """
    source = memoryview(data)
    parts = stream.tile_parts
    if ends is None or len(parts) != stream.tiles.across * stream.tiles.down or len(parts) > _MOST_TILES:
        yield source[stream.offset : stream.end]
        return
    yield source[stream.offset : parts[0].start]
    for part in parts:
        here = ends[(ends > part.packets) & (ends <= part.end)]
        end = int(here.max()) if len(here) else part.end
        yield source[part.start : part.start + _PSOT]
        yield (end - part.start).to_bytes(4, "big")
        yield source[part.start + _PSOT + 4 : end]
    yield _EOC
