"""What is there of JPEG 2000 streams that are cut: the packets up to the cut, black where nothing is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

import fastdcm
from fastdcm.codestream import jpeg2000
from fastdcm.errors import CodestreamError, FastdcmError, TruncatedError
from tests.builders import encapsulated, image
from tests.unit.codecs.decoding import UIDS
from tests.unit.codestream.jpeg2000_streams import (
    COLOUR,
    EOC,
    GREY,
    PROGRESSIONS,
    Array,
    cut,
    opj_compress,
    pillow_2000,
    smooth,
)

LAYERS = {"quality_mode": "rates", "quality_layers": [8, 3, 1], "num_resolutions": 4}


def file(stream: bytes, array: Array) -> bytes:
    rows, columns, *samples = array.shape
    attributes = {"rows": rows, "columns": columns, "samples": samples[0] if samples else 1}
    attributes |= {"bits": 8 * array.itemsize, "photometric": "RGB" if samples else "MONOCHROME2"}
    return image(encapsulated([stream]), UIDS["jpeg2000"], **attributes)


def read(stream: bytes, array: Array, **options: Any) -> tuple[Array, list[fastdcm.model.Notice]]:
    with fastdcm.open(file(stream, array), allow_partial=True, **options) as found:
        return found.pixels(0, raw=True), list(found.notices)


def partial(stream: bytes, array: Array) -> tuple[Array, str]:
    """Samples and messages of a cut stream, which is an error where that is not allowed."""
    with pytest.raises(FastdcmError), fastdcm.open(file(stream, array)) as found:
        found.pixels(0)
    pixels, notices = read(stream, array)
    assert {notice.code for notice in notices} == {"partial"}
    return pixels, "\n".join(notice.message for notice in notices)


def emptied(stream: bytes, kept: int) -> bytes:
    """A whole stream of one tile-part: from this packet on, all are empty (B.10.3)."""
    header = jpeg2000.parse(stream)
    packets = list(jpeg2000.packets(stream, header))
    (part,) = header.tile_parts
    at = packets[kept].header[0]
    data = stream[:at] + bytes(len(packets) - kept)
    length = len(data) - part.start
    return data[: part.start + 6] + length.to_bytes(4, "big") + data[part.start + 10 :] + EOC


@pytest.mark.parametrize("ending", ["cut", "EOC", "EOC, Psot fits", "EOC, Psot open"])
@pytest.mark.parametrize("order", PROGRESSIONS)
def test_packets_up_to_the_cut(order: str, ending: str) -> None:
    """As OpenJPEG reads a stream whose other packets are there, and have nothing."""
    for array in (GREY, COLOUR):
        stream = pillow_2000(array, progression=order, mct=0, **LAYERS)
        packets = list(jpeg2000.packets(stream, jpeg2000.parse(stream)))
        compared = 0
        for number in range(1, len(packets)):
            at = packets[number].header[0]
            damaged = {
                "cut": stream[:at],
                "EOC": stream[:at] + EOC,
                "EOC, Psot fits": cut(stream, at, open_ended=False),
                "EOC, Psot open": cut(stream, at),
            }[ending]
            places = [packet.place for packet in packets[:number] if packet.place.layer == 0]
            lowest = {place.resolution.component for place in places if place.resolution.level == 0}
            if len(lowest) < len(jpeg2000.parse(stream).components):
                with pytest.raises(TruncatedError, match="not one pixel"):
                    read(damaged, array)
                continue
            found, says = partial(damaged, array)
            assert f"{number} of {len(packets)} packets are there" in says
            assert np.array_equal(found, imagecodecs.jpeg2k_decode(emptied(stream, number)))
            compared += 1
        assert compared > 2


def test_code_blocks_up_to_the_cut() -> None:
    """Of the packet that the data ends in, what is whole counts: a cut image loses little by little."""
    array = smooth(300, 320)
    stream = bytes(imagecodecs.jpeg2k_encode(array, codecformat="j2k", reversible=True, resolutions=5))
    last = list(jpeg2000.packets(stream, jpeg2000.parse(stream)))[-1]
    errors = []
    for at in np.linspace(*last.body, 12).astype(int).tolist():
        found, _ = partial(stream[:at], array)
        errors.append(float(np.abs(found.astype(int) - array).mean()))
    assert errors == sorted(errors, reverse=True)
    assert len(set(errors)) > 8
    assert errors[-1] == 0, "EOC alone is missing"


@pytest.mark.parametrize("signed", [False, True])
def test_tiles(signed: bool) -> None:
    """Tiles of which nothing is there are black; the others are whole, or have less detail."""
    array = smooth(90, 100)
    stream = pillow_2000(array, tile_size=(40, 40), num_resolutions=3)
    parts = jpeg2000.parse(stream).tile_parts
    found, says = partial(stream[: parts[4].start], array)
    assert np.array_equal(found[:40], array[:40])
    assert np.array_equal(found[40:80, :40], array[40:80, :40])
    assert not found[40:80, 40:].any()
    assert not found[80:].any()
    assert f"{40 * 100 + 40 * 40} of 9000 pixels are there" in says
    for at in (parts[4].start + 1, parts[4].start + 11, parts[4].packets):
        assert np.array_equal(partial(stream[:at], array)[0], found)
    found, says = partial(stream[: parts[4].end - 5], array)
    assert np.array_equal(found[40:80, :40], array[40:80, :40])
    assert np.abs(found[40:80, 40:80].astype(int) - array[40:80, 40:80]).mean() < 40
    assert found[40:80, 40:80].any()
    assert not found[80:].any()


def test_precincts() -> None:
    """Where the lowest resolution has several precincts, the image is there as far as these are."""
    stream = pillow_2000(GREY, progression="RPCL", num_resolutions=2, precinct_size=(16, 16))
    packets = list(jpeg2000.packets(stream, jpeg2000.parse(stream)))
    lowest = [packet for packet in packets if packet.place.resolution.level == 0]
    assert len(lowest) == 6 * 4  # 42 x 31, by 8
    found, says = partial(stream[: lowest[13].header[0]], GREY)
    assert not found[32:, 16:].any()
    assert not found[48:].any()
    assert (found[:32] > 0).any(0).all()
    assert f"{32 * 83 + 16 * 16} of {61 * 83} pixels" in says


@pytest.mark.parametrize(
    "options", ["-SOP -EPH -n 3", "-SOP -EPH -TP R -r 20,5,1", "-t 40,40 -TLM -PLT -SOP"]
)
def test_every_cut(options: str, peer: Callable[[str], str], tmp_path: Path) -> None:
    """Wherever it ends there is a picture with a notice, or an error."""
    stream = opj_compress(peer("opj_compress"), tmp_path, COLOUR, options)
    start = jpeg2000.parse(stream).tile_parts[0].packets
    pictures = 0
    for at in [*range(start - 30, start + 60), *range(start + 60, len(stream), 53), len(stream) - 1]:
        try:
            found, _ = partial(stream[:at], COLOUR)
        except (CodestreamError, TruncatedError):
            assert at < start + 0.7 * (len(stream) - start)
        else:
            assert found.shape == COLOUR.shape
            pictures += 1
    assert pictures > 20


def test_jp2() -> None:
    jp2 = bytes(imagecodecs.jpeg2k_encode(COLOUR, codecformat="jp2", reversible=True))
    found, says = partial(jp2[:-300], COLOUR)
    assert "packets are there" in says
    assert np.abs(found.astype(int) - COLOUR).mean() < 8


def test_nothing_is_there() -> None:
    stream = pillow_2000(GREY, **LAYERS)
    start = jpeg2000.parse(stream).tile_parts[0].packets
    for at in (start, start + 1, start + 9):
        with pytest.raises(TruncatedError, match="not one pixel"):
            read(stream[:at], GREY)
    with pytest.raises(CodestreamError):
        read(stream[: start - 20], GREY)


def test_whole_streams_have_no_notice() -> None:
    stream = pillow_2000(COLOUR, tile_size=(40, 40), **LAYERS)
    pixels, notices = read(stream, COLOUR)
    assert np.array_equal(pixels, COLOUR)
    assert notices == []


@pytest.mark.parametrize("kind", ["library", "high-throughput", "damaged"])
def test_errors_that_stay(kind: str) -> None:
    """The library fills what is missing without a word, and damage is no cut."""
    stream = pillow_2000(GREY, **LAYERS)
    if kind == "high-throughput":
        stream = bytes(imagecodecs.htj2k_encode(GREY, reversible=True))
    if kind == "damaged":
        header = jpeg2000.parse(stream)
        at = list(jpeg2000.packets(stream, header))[3].header[0]
        stream = stream[:at] + b"\xff\xd0" + stream[at + 2 :]
    else:
        stream = stream[:-50]
    with pytest.raises(CodestreamError):
        read(stream, GREY, decoder="library" if kind == "library" else "auto")


def test_which_decodes_is_told() -> None:
    stream = pillow_2000(GREY, **LAYERS)[:-50]
    with fastdcm.open(file(stream, GREY), allow_partial=True) as found:
        assert found.decoded_by().startswith("own JPEG 2000 decoder")
    with fastdcm.open(file(stream, GREY)) as found, pytest.raises(CodestreamError, match="cut"):
        found.decoded_by()
