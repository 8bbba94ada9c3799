"""Files that contradict themselves, and must not give a wrong image without a word."""

from __future__ import annotations

import struct
import threading
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

import fastdcm
from fastdcm.errors import CodestreamError, DicomError, FastdcmError, OptionError, UnsupportedError
from fastdcm.model import Window
from fastdcm.options import split_options
from tests.builders import (
    DEFLATED,
    IMPLICIT,
    Element,
    attributes,
    encapsulated,
    image,
    lut_item,
    words,
)
from tests.unit.presentation.states import UID, state

JPEG, JPEG_LS, JPEG_2000 = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 80, 90))
RLE = "1.2.840.10008.1.2.5"
SHARED, PER_FRAME = 0x52009229, 0x52009230


def rendered(data: bytes, **options: Any) -> tuple[list[int], list[str]]:
    """The first row of the first frame, and the codes of the notices."""
    with fastdcm.open(data) as found:
        row = found.render(**options)[0].tolist()
        return row, [notice.code for notice in found.notices]


def test_voi_lut_with_entries_beyond_its_depth() -> None:
    item = lut_item([256, 0, 8], words(range(0, 4096, 16)))
    voi = Element(0x00283010, "SQ", [item])
    data = image(bytes([0, 40, 80, 120, 160, 200]), rows=1, columns=6, extra=[voi])
    assert rendered(data) == ([0, 40, 80, 120, 159, 199], ["lut-bits"])


def test_sign_of_a_voi_lut_by_a_rescale_of_another_level() -> None:
    lut = Element(0x00283010, "SQ", [lut_item([256, 64536, 8], words(range(256)))])
    per_frame = Element(PER_FRAME, "SQ", [[Element(0x00289132, "SQ", [[lut]])]])
    rescale = [Element(0x00281052, "DS", "-1000"), Element(0x00281053, "DS", "1")]
    shared = Element(SHARED, "SQ", [[Element(0x00289145, "SQ", [rescale])]])
    pixels = words([0, 50, 100, 150, 200, 250])
    data = image(pixels, rows=1, columns=6, bits=16, extra=[shared, per_frame])
    assert rendered(data)[0] == [0, 50, 100, 150, 200, 250]


def jpeg(value: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(np.full((8, 8), value, np.uint8)))


def test_palette_of_8_bits_with_values_in_the_high_byte() -> None:
    tables = [
        element
        for channel in range(3)
        for element in (
            Element(0x00281101 + channel, "US", words([256, 0, 8])),
            Element(0x00281201 + channel, "OW", words(value << 8 for value in range(256))),
        )
    ]
    data = image(bytes([0, 7, 255]), rows=1, columns=3, photometric="PALETTE COLOR", extra=tables)
    assert rendered(data) == ([[0, 0, 0], [7, 7, 7], [255, 255, 255]], ["palette-bits"])


def test_jp2_that_says_sycc_is_converted_once() -> None:
    ybr = np.full((8, 8, 3), (100, 90, 200), np.uint8)
    for box in ("SYCC", "SRGB"):
        stream = imagecodecs.jpeg2k_encode(ybr, level=0, codecformat="jp2", colorspace=box, mct=False)
        value = encapsulated([bytes(stream)])
        data = image(value, JPEG_2000, rows=8, columns=8, samples=3, photometric="YBR_FULL")
        assert fastdcm.read(data, raw=True)[0, 0].tolist() == [100, 90, 200]
        assert rendered(data)[0][0] == [201, 62, 33]


def test_component_transform_under_ybr_full() -> None:
    rgb = np.full((8, 8, 3), (200, 60, 30), np.uint8)
    stream = imagecodecs.jpeg2k_encode(rgb, level=0, codecformat="j2k", mct=True)
    value = encapsulated([bytes(stream)])
    data = image(value, JPEG_2000, rows=8, columns=8, samples=3, photometric="YBR_FULL")
    row, codes = rendered(data)
    assert (row[0], codes) == ([200, 60, 30], ["component-transform"])


def test_encapsulated_floats() -> None:
    data = image(encapsulated([bytes(80)]), RLE, pixel_tag=0x7FE00008, bits=32, rows=2, columns=2)
    with pytest.raises(DicomError, match="floating point pixels are encapsulated"):
        fastdcm.open(data)


def test_floats_of_three_samples() -> None:
    data = image(bytes(48), pixel_tag=0x7FE00008, vr="OF", bits=32, rows=2, columns=2, samples=3)
    with pytest.raises(DicomError, match="3 samples per pixel"):
        fastdcm.open(data)


def test_float_padding_is_no_part_of_the_range() -> None:
    values = struct.pack("<6f", -99999, 0, 1, 2, 3, 4)
    for tag, vr, kind in ((0x00280122, "FL", "<f"), (0x00280123, "FD", "<d")):
        padding = Element(tag, vr, struct.pack(kind, -99999))
        double = vr == "FD"
        pixels = values if not double else struct.pack("<6d", -99999, 0, 1, 2, 3, 4)
        data = image(
            pixels,
            pixel_tag=0x7FE00009 if double else 0x7FE00008,
            vr="OD" if double else "OF",
            bits=64 if double else 32,
            rows=1,
            columns=6,
            extra=[padding],
        )
        assert rendered(data)[0] == [0, 0, 64, 128, 191, 255]


def test_frames_of_different_depth_keep_their_values() -> None:
    shallow = np.arange(64, dtype=np.uint8).reshape(8, 8)
    deep = (np.arange(64, dtype=np.uint16) * 60).reshape(8, 8)
    streams = [bytes(imagecodecs.jpegls_encode(frame)) for frame in (shallow, deep)]
    with fastdcm.open(image(encapsulated(streams), JPEG_LS, rows=8, columns=8, frames=2)) as found:
        assert np.array_equal(found.pixels(None)[1], deep)
        assert np.array_equal(found.pixels(None)[0], shallow)


def test_codestream_deeper_than_bits_stored_is_not_clipped() -> None:
    deep = (np.arange(64, dtype=np.uint16) * 1000).reshape(8, 8)
    data = image(encapsulated([bytes(imagecodecs.jpegls_encode(deep))]), JPEG_LS, rows=8, columns=8)
    with fastdcm.open(data) as found:
        assert found.render(voi="none").max() == round(63000 / 65535 * 255)
        assert len(np.unique(found.render())) == 64


@pytest.mark.parametrize("options", [{"voi": "none"}, {"presentation_state": "made"}])
def test_codestream_that_says_what_is_allocated(options: dict[str, str], tmp_path: Path) -> None:
    """12 bits are the range of the values, whatever the stream says; beyond them is white."""
    stored = (np.arange(64, dtype=np.uint16) * 65).reshape(8, 8)
    stored[7, 7] = 5000
    how = {"rows": 8, "columns": 8, "bits": 16, "stored": 12, "high_bit": 11, "sop_instance": UID}
    data = image(encapsulated([bytes(imagecodecs.jpegls_encode(stored))]), JPEG_LS, **how)
    if "presentation_state" in options:
        (tmp_path / "made").write_bytes(state())
        options = {"presentation_state": str(tmp_path / "made")}
    with fastdcm.open(data) as found:
        expected = np.floor(np.minimum(stored, 4095) / 4095 * 255 + 0.5)
        assert np.array_equal(found.render(**options), expected)
        assert found.render(window=(2500, 5000)).max() == 255
        assert [notice.code for notice in found.notices] == ["precision"]


def test_ybr_full_422_that_has_all_its_chroma() -> None:
    pixel = bytes([100, 90, 200])
    row, codes = rendered(image(pixel * 16, rows=4, columns=4, samples=3, photometric="YBR_FULL_422"))
    assert (row, codes) == ([[201, 62, 33]] * 4, ["chroma"])


def test_one_bit_has_no_sign() -> None:
    assert rendered(image(b"\x0a", rows=2, columns=2, bits=1, representation=1))[0] == [0, 255]


def test_packed_12_bits_in_big_endian_words() -> None:
    packed = bytes([0x01, 0x20, 0x00, 0x03, 0x40, 0x00])  # 1, 2, 3, 4, from the lowest bit up
    swapped = bytes(packed[place ^ 1] for place in range(6))
    data = image(swapped, "1.2.840.10008.1.2.2", vr="OW", rows=1, columns=4, bits=12)
    assert fastdcm.read(data)[0].tolist() == [1, 2, 3, 4]


def test_turned_jpeg_xl_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastdcm.codecs.decoders import jpegxl as decoder

    stream = bytes(imagecodecs.jpegxl_encode(np.zeros((8, 8), np.uint8), lossless=True))
    parsed = decoder.jpegxl.parse(stream)

    class Turned:
        def __getattr__(self, name: str) -> Any:
            return 6 if name == "orientation" else getattr(parsed, name)

    monkeypatch.setattr(decoder.jpegxl, "parse", lambda data: Turned())
    with pytest.raises(UnsupportedError, match="turned"):
        fastdcm.read(image(encapsulated([stream]), "1.2.840.10008.1.2.4.110", rows=8, columns=8))


def test_deflated_files_serve_several_threads() -> None:
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 256, (16, 64, 64), np.uint8)
    for _ in range(5):
        found = fastdcm.open(image(frames.tobytes(), DEFLATED, rows=64, columns=64, frames=16))
        wrong: list[object] = []

        def look(index: int, found: fastdcm.Image = found, wrong: list[object] = wrong) -> None:
            try:
                if not np.array_equal(found.pixels(index), frames[index]):
                    wrong.append(index)
            except FastdcmError as error:
                wrong.append(error)

        threads = [threading.Thread(target=look, args=(index,)) for index in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


def test_thousands_of_useless_windows_give_one_notice() -> None:
    zeros = "\\".join(["0"] * 5000)
    window = [Element(0x00281050, "DS", zeros), Element(0x00281051, "DS", zeros)]
    data = image(bytes(6), IMPLICIT, rows=2, columns=3, extra=window)
    with fastdcm.open(data) as found:
        found.render()
        [notice] = found.notices
    assert notice.message == "window 1 (0, 0) and 4999 more cannot be used; ignored"


@pytest.mark.parametrize(
    "options",
    [
        {"window": Window(40, 400, "linear")},  # type: ignore[arg-type]
        {"window": 5},
        {"quality": "90"},
        {"format": None},
        {"window_number": "1"},
        {"percentile": (1,)},
        {"voi": "percentile"} | {"percentile": "ab"},
    ],
    ids=str,
)
def test_options_of_the_wrong_kind(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        split_options(options)


@pytest.mark.parametrize("index", [0.5, "a", (0,)])
def test_an_index_is_a_whole_number(index: Any) -> None:
    with (
        fastdcm.open(image(bytes(6), rows=2, columns=3)) as found,
        pytest.raises(OptionError, match="no whole"),
    ):
        found.pixels(index)


def test_as_many_fragments_as_frames_that_are_not_one_each() -> None:
    """The first frame has two fragments, the third is lost: the second's must not pass for it."""
    first, second = jpeg(10), jpeg(100)
    data = image(encapsulated([first[:200], first[200:], second]), JPEG, rows=8, columns=8, frames=3)
    with fastdcm.open(data) as found:
        for index in range(3):
            with pytest.raises(FastdcmError):
                found.pixels(index)
        with pytest.raises(DicomError, match="fragment 2 starts no codestream"):
            found.pixels(2)


def test_high_bit_above_the_samples_of_a_codestream() -> None:
    """12 bits that end at bit 15, says the data set, and the codestream has them at the other end."""
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8) * 60
    for shift, high_bit in ((4, 15), (0, 11)):
        stream = bytes(imagecodecs.jpegls_encode(pixels << shift))
        data = image(
            encapsulated([stream]), JPEG_LS, rows=8, columns=8, bits=16, stored=12, high_bit=high_bit
        )
        assert (fastdcm.read(data) == pixels).all()
    stream = bytes(imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="j2k"))
    data = image(encapsulated([stream]), JPEG_2000, rows=8, columns=8, bits=16, stored=12, high_bit=15)
    with pytest.raises(CodestreamError, match="which bits count is unknown"):
        fastdcm.read(data)


def test_an_object_can_be_looked_at_for_ever() -> None:
    """What bounds the elements of one look at a frame does not add up over looks."""
    group = [Element(0x00289132, "SQ", [attributes(center="3", width="5")], undefined=True)]
    data = image(bytes(6), extra=[Element(PER_FRAME, "SQ", [group], undefined=True)])
    with fastdcm.open(data) as found:
        found._found.walk.budget = 40
        expected = found.render().tolist()
        for _ in range(100):
            assert found.render().tolist() == expected
