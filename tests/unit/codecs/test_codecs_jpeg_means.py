"""Gray baseline JPEG in smaller sizes by our own kernel: against libjpeg's scaled DCT, and its full one."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fastdcm.codecs.decoders import jpeg_means
from fastdcm.codecs.decoders.scaled_jpeg import by_pillow
from fastdcm.codestream import jpeg
from fastdcm.errors import CodestreamError
from fastdcm.model import Header
from tests.payoffs import Fixed
from tests.unit.codecs.decoding import header_of

Array = NDArray[Any]
_RNG = np.random.default_rng(12)
_Y, _X = np.mgrid[:173, :221]
PICTURES = {
    "waves": (np.sin(_X / 9) * 60 + np.cos(_Y / 13) * 60 + 128 + _RNG.normal(0, 8, _X.shape)).clip(0, 255),
    "noise": _RNG.integers(0, 256, (61, 83)),
    "edges": np.kron(_RNG.integers(0, 2, (16, 20)) * 255, np.ones((8, 8))),
    "a block": _RNG.integers(0, 256, (8, 8)),
    "a column": _RNG.integers(0, 256, (90, 1)),
}


@pytest.fixture(autouse=True)
def _pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_means, "_PAYOFF", Fixed(True))


def coded(pixels: Array, quality: int = 90, **options: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


def small(data: bytes, times: int) -> Array | None:
    found = jpeg_means.decode(data, jpeg.parse(data), times)
    if found is None:
        return None
    assert found[1] == (min(times, 3), "DCT", 0.0, 0.0)
    return found[0]


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("options", [{}, {"restart_marker_blocks": 7}, {"optimize": True}], ids=str)
@pytest.mark.parametrize("quality", [20, 75, 100])
@pytest.mark.parametrize("name", PICTURES)
def test_is_the_scaled_dct(name: str, quality: int, options: dict[str, Any], times: int) -> None:
    """libjpeg computes in whole numbers of 13 bits: off by one here and there, and nowhere by more."""
    data = coded(PICTURES[name], quality, **options)
    rows, columns = PICTURES[name].shape
    found = small(data, times)
    assert found is not None
    by_libjpeg = by_pillow(data, (columns >> times or 1, rows >> times or 1), gray=True)
    if by_libjpeg.shape == found.shape:  # Pillow stops at a smaller scale where a side is less than that
        off = np.abs(found.astype(int) - by_libjpeg)
        assert off.max() <= 1
        assert off.sum() <= max(1, off.size // 20)
    else:
        assert name == "a column"
    assert found.shape == (-(-rows >> times), -(-columns >> times))
    if name == "waves" and quality == 100:  # hardly anything is clipped
        step = 1 << times
        whole = imagecodecs.jpeg8_decode(data)[: rows // step * step, : columns // step * step]
        means = whole.reshape(rows // step, step, columns // step, step).mean((1, 3))
        assert np.abs(found[: rows // step, : columns // step] - means).max() <= 1.5


def test_more_than_a_mean_a_block_is_not_halved() -> None:
    data = coded(PICTURES["waves"])
    np.testing.assert_array_equal(small(data, 9), small(data, 3))
    assert small(data, 0) is None


@pytest.mark.parametrize("options", [{}, {"restart_marker_blocks": 7}], ids=str)
def test_what_is_not_whole_is_not_taken(options: dict[str, Any]) -> None:
    data = coded(PICTURES["waves"], **options)
    header = jpeg.parse(data)
    (scan,) = header.scans
    for cut in (1, 2, 3, 50, (scan.end - scan.start) // 2):
        shorter = data[: scan.end - cut].rstrip(b"\xff") + b"\xff\xd9"
        try:
            found = small(shorter, 2)
        except CodestreamError:  # restart markers are missing
            continue
        assert found is None, cut
    assert small(data[: scan.end] + b"\x55" + data[scan.end :], 2) is None  # a byte more
    assert small(data, 2) is not None


def test_damage_is_survived() -> None:
    """Whatever the bytes are: a picture, or None, and no memory of others."""
    whole = coded(PICTURES["waves"], restart_marker_blocks=20)
    (scan,) = jpeg.parse(whole).scans
    taken = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        data = bytearray(whole)
        for place in rng.integers(scan.start, scan.end, 1 + seed % 5):
            if data[place] != 0xFF and data[place - 1] != 0xFF:
                data[place] = rng.integers(0, 255)
        taken += small(bytes(data), 1 + seed % 3) is not None
    assert 0 < taken < 400


def other(name: str) -> bytes:
    gray = PICTURES["waves"].astype(np.uint8)
    if name == "colour":
        return coded(np.stack([gray] * 3, -1))
    if name == "progressive":
        return coded(gray, progressive=True)
    data = coded(gray)
    if name == "extended":
        return data.replace(b"\xff\xc0", b"\xff\xc1", 1)
    place = data.index(b"\xff\xdb")
    if name == "steps of 16 bits":
        steps = b"".join(bytes([0, step]) for step in data[place + 5 : place + 69])
        return data[:place] + b"\xff\xdb\0\x83\x10" + steps + data[place + 69 :]
    assert name == "steps of another table"
    return data[: place + 4] + b"\1" + data[place + 5 :]


@pytest.mark.parametrize(
    "name", ["colour", "progressive", "extended", "steps of 16 bits", "steps of another table"]
)
def test_others_are_not_taken(name: str) -> None:
    data = other(name)
    assert jpeg_means.decode(data, jpeg.parse(data), 2) is None


def test_the_last_definition_before_the_scan_counts() -> None:
    data = coded(PICTURES["waves"], 60)
    place = data.index(b"\xff\xdb")
    ones = b"\xff\xdb\0\x43\0" + bytes([1] * 64)
    np.testing.assert_array_equal(small(data[:place] + ones + data[place:], 2), small(data, 2))
    sos = data.index(b"\xff\xda")
    redefined = small(data[:sos] + ones + data[sos:], 2)
    assert redefined is not None
    assert (redefined != small(data, 2)).any()


@pytest.mark.parametrize("decoder", ["auto", "own", "library"])
def test_choice(decoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastdcm.codecs.decoders.jpeg import decode
    from fastdcm.model import Less

    pixels = PICTURES["waves"].astype(np.uint8)
    header: Header = header_of(pixels, "baseline", bits_stored=8)
    calls = []
    kept = jpeg_means.decode
    monkeypatch.setattr(jpeg_means, "decode", lambda *given: calls.append(given) or kept(*given))
    less = Less(2, 2)
    samples = decode(coded(pixels), header, rgb=True, decoder=decoder, less=less, note=lambda notice: None)
    assert samples.halved is not None
    assert samples.halved.times == 2
    assert len(calls) == (decoder != "library")
    calls.clear()
    data = coded(pixels)
    cut = data[: len(data) // 2] + b"\xff\xd9"
    with pytest.raises(CodestreamError, match="cut"):
        decode(cut, header, rgb=True, decoder=decoder, less=less, note=lambda notice: None)
