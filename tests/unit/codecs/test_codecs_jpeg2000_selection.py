"""Less than everything: bit-planes that cannot change a grey, and how far off samples without them are."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest

from fastdcm.codecs.jpeg2000.decode import decode
from fastdcm.codecs.jpeg2000.selection import norms
from fastdcm.codestream import jpeg2000
from fastdcm.codestream.jpeg2000.headers import Area
from fastdcm.errors import OptionError
from fastdcm.kernels import code_blocks
from tests.unit.codestream.jpeg2000_streams import COLOUR, Array, pillow_2000, smooth
from tests.unit.kernels.annex_f import expected


def own(stream: bytes, **options: Any) -> Array:
    return decode(stream, jpeg2000.parse(stream), **options)


def encoded(array: Array, bits: int, **options: Any) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(array, codecformat="j2k", bitspersample=bits, **options))


@pytest.mark.parametrize("reversible", [True, False])
@pytest.mark.parametrize("decompositions", range(1, 5))
def test_norms(decompositions: int, reversible: bool) -> None:
    """Of what annex F makes of one coefficient, large enough that rounding tells nothing."""
    size, large = 16 << decompositions, 1 << 20
    areas = [Area(0, 0, size >> level, size >> level) for level in range(decompositions, -1, -1)]
    half = areas[0].x1
    for high_across in (0, 1):
        for high_down in (0, 1):
            values = np.zeros((size, size), np.int64 if reversible else np.float64)
            values[half // 2 + half * high_down, half // 2 + half * high_across] = large
            low = values[:half, :half]
            for area in areas[1:]:
                low = expected(values, low, area, reversible=reversible)
                values[: area.y1, : area.x1] = 0
            found = np.sqrt(np.square(low / large).sum())
            each = norms(decompositions, reversible=reversible)
            assert found == pytest.approx(each[high_across] * each[high_down], rel=1e-4)


def test_norms_of_many_decompositions() -> None:
    assert norms(0, reversible=True) == (1.0, 1.0)
    computed, further = (norms(each, reversible=False)[0] for each in (8, 32))
    assert further == pytest.approx(computed * 2**12)


def windowed(samples: Array, centre: float, width: float) -> Array:
    shown = (samples.astype(float) - (centre - width / 2)) / width * 255
    return np.floor(np.clip(shown, 0, 255) + 0.5).astype(np.int64)


def pictures() -> dict[str, Array]:
    random = np.random.default_rng(4)
    noise = random.normal(2048, 350, (200, 230)).clip(0, 4095).astype(np.uint16)
    edges = np.where((np.indices((200, 230)) // 9).sum(0) % 2, 3000, 700).astype(np.uint16)
    return {"smooth": smooth(200, 230, bits=12), "noise": noise, "edges": edges}


@pytest.mark.parametrize("name", list(pictures()))
@pytest.mark.parametrize("options", [{"reversible": True}, {"reversible": False, "level": 0}])
def test_greys(name: str, options: dict[str, Any]) -> None:
    """99.9 % of pixels are within a grey, and all within two, over windows from narrow to all values."""
    array = pictures()[name]
    stream = encoded(array, 12, resolutions=6, **options)
    whole = own(stream)
    changed = 0
    for width in (200, 400, 800, 1600, 3000, 4095):
        found = own(stream, grey=width / 255)
        changed += not np.array_equal(found, whole)
        centres = [2048] if width == 4095 else [700, 2048, 3000]
        for centre in centres:
            off = np.abs(windowed(found, centre, width) - windowed(whole, centre, width))
            assert off.max() <= 2
            assert (off > 1).mean() <= 0.001
    assert changed or name == "edges"


@pytest.mark.parametrize("reversible", [True, False])
def test_narrow_windows_are_exact(reversible: bool) -> None:
    """Where a grey is less than what the least bit-plane of any sub-band makes."""
    array = pictures()["noise"]
    stream = encoded(array, 12, resolutions=6, reversible=reversible)
    for width in (1, 100, 300):
        assert np.array_equal(own(stream, grey=width / 255), own(stream))


@pytest.mark.parametrize(("grey", "planes"), [(0.5, 0), (2.3, 0), (2.4, 1), (9.5, 3), (100, 6), (1e9, 29)])
def test_bit_planes(grey: float, planes: int) -> None:
    """Without decompositions, a sample is a coefficient: in the middle of what its planes leave open."""
    array = pictures()["noise"]
    stream = encoded(array, 12, resolutions=1, reversible=True)
    coefficients = array.astype(np.int64) - 2048
    magnitudes = np.abs(coefficients) >> planes
    middle = (magnitudes << planes) + (1 << planes >> 1)
    wanted = np.where(magnitudes > 0, np.sign(coefficients) * middle, 0) + 2048
    assert np.array_equal(own(stream, grey=grey), np.clip(wanted, 0, 4095))


def test_fewer_bit_planes_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of each sub-band by its norm: HH of the highest resolution lacks most."""
    stream = encoded(pictures()["noise"], 12, resolutions=3, reversible=True)
    ended: dict[tuple[bool, bool], set[int]] = {}

    def remembering(data: Array, blocks: Array, *arguments: Any) -> Any:
        first, end, lowest = arguments[2:5]
        for row in blocks[first:end]:
            down, across = divmod(int(row[code_blocks.OUT]), 230)
            ended.setdefault((across >= 115, down >= 100), set()).add(lowest)
        return code_blocks.decode_blocks(data, blocks, *arguments)

    monkeypatch.setattr("fastdcm.codecs.jpeg2000.decode.decode_blocks", remembering)
    own(stream, grey=10)
    # log2(0.85 * 10 / norm): HH1 0.72, HL1 and LH1 1.04, HH2 0.92, HL2 and LH2 1.59, LL2 2.75.
    assert ended == {(1, 1): {3}, (1, 0): {3}, (0, 1): {3}, (0, 0): {3, 2, 1}}


@pytest.mark.parametrize("reversible", [True, False])
def test_with_the_other_options(reversible: bool) -> None:
    array = smooth(300, 260)
    stream = pillow_2000(array, irreversible=not reversible, num_resolutions=4, tile_size=(130, 150))
    for reduce in (0, 1):
        whole = own(stream, grey=20, reduce=reduce)
        assert not np.array_equal(whole, own(stream, reduce=reduce))
        assert np.array_equal(own(stream, grey=20, reduce=reduce, threads=3), whole)
        part = own(stream, grey=20, reduce=reduce, region=Area(20, 31, 90, 120))
        assert np.array_equal(part, whole[31:120, 20:90])


@pytest.mark.parametrize("grey", [0, -1.0, float("nan")])
def test_no_greys(grey: float) -> None:
    stream = encoded(pictures()["noise"], 12)
    with pytest.raises(OptionError, match="grey"):
        own(stream, grey=grey)


def test_greys_of_colours() -> None:
    with pytest.raises(OptionError, match="3 components"):
        own(encoded(COLOUR, 8), grey=1)
