"""`fastdcm.open` and what it gives: frames, values, errors and notices, from any source."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow

import fastdcm
from fastdcm.errors import (
    CodestreamError,
    DicomError,
    EncodeError,
    FastdcmError,
    NoPixelDataError,
    NotDicomError,
    OptionError,
    RenderError,
    SourceError,
    StrictError,
    TruncatedError,
    UnsupportedError,
)
from fastdcm.model import Notice
from fastdcm.reader import frames as frames_module
from fastdcm.reader import source as source_module
from tests.builders import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    SYNTAXES,
    Element,
    attributes,
    dicom,
    encapsulated,
    image,
    lut_item,
    words,
)
from tests.unit.reader.test_reader_source import Pipe, Remote

FRAMES = np.arange(24, dtype=np.uint8).reshape(3, 2, 4)
THREE: dict[str, Any] = {"rows": 2, "columns": 4, "frames": 3}
JPEG_LS, BASELINE = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.50"


def three(**changes: Any) -> bytes:
    return image(FRAMES.tobytes(), **(THREE | changes))


# Sources and life time


def opened_path(data: bytes, folder: Path) -> fastdcm.Image:
    path = folder / "file.dcm"
    path.write_bytes(data)
    return fastdcm.open(path)


OPENERS: dict[str, Callable[[bytes, Path], fastdcm.Image]] = {
    "path": opened_path,
    "bytes": lambda data, folder: fastdcm.open(data),
    "bytearray": lambda data, folder: fastdcm.open(bytearray(data)),
    "memoryview": lambda data, folder: fastdcm.open(memoryview(data)),
    "file object": lambda data, folder: fastdcm.open(io.BytesIO(data)),
    "pipe": lambda data, folder: fastdcm.open(Pipe(data)),  # type: ignore[arg-type]
    "source": lambda data, folder: fastdcm.open(Remote(data)),
}


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("whole_file", [True, False])
def test_any_source(
    opener: str, syntax: str, whole_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not whole_file:
        monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", 0)
    with OPENERS[opener](three(syntax=syntax), tmp_path) as found:
        assert len(found) == 3
        assert np.array_equal(found.pixels(None), FRAMES)
        assert found.header.transfer_syntax_uid == syntax
        data_set = found.dataset()
        assert data_set.file_meta.TransferSyntaxUID == syntax
        assert np.array_equal(data_set.pixel_array, FRAMES)


def test_path_of_the_source(tmp_path: Path) -> None:
    assert opened_path(three(), tmp_path).path == str(tmp_path / "file.dcm")
    assert fastdcm.open(three()).path is None
    assert fastdcm.open(Remote(three())).path == "remote"


def test_closed_files_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", 0)
    with opened_path(three(), tmp_path) as found:
        found.pixels()
    with pytest.raises(SourceError):
        found.pixels()


def test_a_file_that_is_refused_is_closed(tmp_path: Path) -> None:
    class Watched(Remote):
        closed = False

        def close(self) -> None:
            self.closed = True

    source = Watched(b"no DICOM")
    with pytest.raises(NotDicomError):
        fastdcm.open(source)
    assert source.closed


def test_opening_reads_the_header_only(tmp_path: Path) -> None:
    data = image(bytes(8 << 20), rows=2048, columns=2048, bits=16)
    with opened_path(data, tmp_path) as found:
        assert found.bytes_read < 1 << 20
        found.pixels()
        assert found.bytes_read <= 1.05 * len(data)


def test_repr() -> None:
    found = fastdcm.open(three(modality="CT"))
    assert repr(found) == "<fastdcm.Image CT 3 x 2 x 4 MONOCHROME2 8 bits>"


def test_from_several_threads() -> None:
    array = np.arange(64 * 16 * 16, dtype=np.uint16).reshape(64, 16, 16)
    streams = [bytes(imagecodecs.jpegls_encode(frame)) for frame in array]
    data = image(encapsulated(streams), JPEG_LS, rows=16, columns=16, frames=64, bits=16)
    found = fastdcm.open(io.BytesIO(data))
    with ThreadPoolExecutor(8) as pool:
        frames = list(pool.map(found.pixels, range(64)))
    assert np.array_equal(frames, array)


# Pixels


def test_pixels() -> None:
    found = fastdcm.open(three())
    assert np.array_equal(found.pixels(), FRAMES[0])
    assert np.array_equal(found.pixels(2), FRAMES[2])
    assert np.array_equal(found.pixels(index=None), FRAMES)
    assert np.array_equal(fastdcm.read(three(), 1), FRAMES[1])
    assert np.array_equal(fastdcm.read(three(), None), FRAMES)  # type: ignore[arg-type]


@pytest.mark.parametrize("index", [3, -1, 1000])
def test_index_out_of_range(index: int) -> None:
    """Indexes count from 0, frames in messages from 1."""
    found = fastdcm.open(three())
    calls: list[Callable[[int], object]] = [found.pixels, found.render, found.encode, found.explain]
    for call in calls:
        with pytest.raises(OptionError, match=f"index {index} is frame {index + 1}; .* frames 1 to 3"):
            call(index)
    with pytest.raises(OptionError, match=r"the object has frame 1$"):
        fastdcm.open(image()).pixels(1)


@pytest.mark.parametrize("index", [0, None])
def test_modality_values(index: int | None) -> None:
    data = three(slope="2", intercept="-1000", representation=1)
    found = fastdcm.open(data).pixels(index, values="modality")
    assert found.dtype == np.float64
    expected = 2.0 * FRAMES - 1000
    assert np.array_equal(found, expected if index is None else expected[0])


def test_modality_values_without_a_transform() -> None:
    found = fastdcm.open(three()).pixels(values="modality")
    assert found.dtype == np.float64
    assert np.array_equal(found, FRAMES[0])


def test_modality_values_by_lut_and_by_frame() -> None:
    lut = Element(0x00283000, "SQ", [lut_item((3, 1, 16), words([100, 200, 300]))])
    found = fastdcm.open(three(extra=[lut]))
    assert found.pixels(values="modality")[0].tolist() == [100, 100, 200, 300]
    own = [[Element(0x00289145, "SQ", [attributes(intercept="0", slope=str(slope))])] for slope in (1, 2, 3)]
    found = fastdcm.open(three(extra=[Element(0x52009230, "SQ", own)]))
    assert np.array_equal(found.pixels(None, values="modality"), FRAMES * np.array([1, 2, 3])[:, None, None])


def test_modality_values_where_there_are_none() -> None:
    with pytest.raises(OptionError, match="values must be"):
        fastdcm.open(three()).pixels(values="display")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="colour has no modality values"):
        fastdcm.open(image(samples=3)).pixels(values="modality")


def test_raw_is_as_coded() -> None:
    ybr = np.array([[[82, 104, 212], [0, 128, 128]]], np.uint8)
    found = fastdcm.open(image(ybr.tobytes(), rows=1, columns=2, samples=3, photometric="YBR_FULL"))
    assert np.array_equal(found.pixels(raw=True), ybr)
    assert found.pixels()[0].tolist() == [[200, 30, 39], [0, 0, 0]]
    assert np.array_equal(found.pixels(None, raw=True), ybr[None])


def test_raw_of_jpeg() -> None:
    rgb = np.full((16, 16, 3), (200, 30, 40), np.uint8)
    stream = bytes(imagecodecs.jpeg8_encode(rgb, level=98))
    data = image(encapsulated([stream]), BASELINE, rows=16, columns=16, samples=3, photometric="YBR_FULL_422")
    found = fastdcm.open(data)
    assert np.abs(found.pixels(raw=True).astype(int) - (82, 104, 212)).max() <= 2
    assert np.abs(found.pixels().astype(int) - rgb).max() <= 3


def test_palette_gives_indices() -> None:
    extra = [Element(tag, "US", [8, 0, 16]) for tag in (0x00281101, 0x00281102, 0x00281103)]
    extra += [Element(tag, "OW", words(range(0, 80, 10))) for tag in (0x00281201, 0x00281202, 0x00281203)]
    found = fastdcm.open(image(bytes(range(6)), photometric="PALETTE COLOR", extra=extra))
    assert found.pixels().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found.render()[..., 1].tolist() == [[0, 10, 20], [30, 40, 50]]


def test_headers_that_say_thousands_cost_nothing() -> None:
    found = fastdcm.open(image(bytes(6), frames="9999"))
    assert len(found) == 9999
    assert found.pixels().shape == (2, 3)
    with pytest.raises(TruncatedError, match="Pixel Data is short"):
        found.pixels(None)


# Rendering


def test_render() -> None:
    data = three(center="3.5", width="7", function="LINEAR_EXACT")
    expected = [0, 36, 73, 109]
    found = fastdcm.open(data)
    assert found.render()[0].tolist() == expected
    assert found.render().dtype == np.uint8
    assert fastdcm.render(data, 0)[0].tolist() == expected
    assert found.render(bits=16)[0].tolist() == [round(value * 65535 / 7 + 1e-9) for value in range(4)]
    assert found.render(window=(2, 2))[0].tolist() == [0, 0, 255, 255]
    assert found.render(window="2,2,LINEAR")[0].tolist() == [0, 0, 255, 255]
    assert found.render(voi="none")[0].tolist() == [0, 1, 2, 3]
    assert found.render(0, voi="minmax").max() == 255
    assert "center 3.5" in found.explain()


def test_one_range_of_the_object() -> None:
    found = fastdcm.open(three())
    frames = [found.render(index, voi="object") for index in range(3)]
    assert frames[0].min() == 0
    assert frames[2].max() == 255
    assert np.array_equal(np.stack(frames), np.floor(FRAMES / 23 * 255 + 0.5))


def test_an_error_of_another_frame_names_that_frame() -> None:
    found = fastdcm.open(three()[:-1])
    found.render(0)
    with pytest.raises(TruncatedError) as caught:
        found.render(0, voi="object")
    assert caught.value.frame == 3


@pytest.mark.parametrize(("photometric", "expected"), [("MONOCHROME2", [0, 1]), ("MONOCHROME1", [255, 254])])
def test_polarity(photometric: str, expected: list[int]) -> None:
    found = fastdcm.open(three(photometric=photometric)).render()
    assert found[0, :2].tolist() == expected


def test_encode() -> None:
    found = fastdcm.open(three())
    png = Pillow.open(io.BytesIO(found.encode(1, "png")))
    assert np.array_equal(np.asarray(png), FRAMES[1])
    deep = Pillow.open(io.BytesIO(found.encode(1, ".PNG", bits=16)))
    assert np.array_equal(np.asarray(deep), FRAMES[1].astype(int) * 257)
    jpeg = Pillow.open(io.BytesIO(found.encode(quality=100)))
    assert (jpeg.format, jpeg.size) == ("JPEG", (4, 2))
    assert len(found.encode(quality=100)) > len(found.encode(quality=10))
    with pytest.raises(EncodeError, match="ask for PNG") as caught:
        found.encode(2, bits=16)
    assert caught.value.frame == 3


@pytest.mark.parametrize(
    ("call", "options"),
    [
        ("render", {"windw": (1, 2)}),
        ("render", {"jobs": 2}),
        ("encode", {"qualty": 2}),
        ("explain", {"windw": (1, 2)}),
        ("render", {"window": (1, 0)}),
        ("render", {"bits": 12}),
        ("render", {"voi": "max"}),
        ("encode", {"format": "jls"}),
        ("encode", {"quality": 0}),
    ],
)
def test_options_that_make_no_sense(call: str, options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        getattr(fastdcm.open(three()), call)(**options)


def test_one_call_functions_know_their_options() -> None:
    with pytest.raises(OptionError):
        fastdcm.read(three(), bits=16)
    with pytest.raises(OptionError):
        fastdcm.render(three(), raw=True)


# Errors and notices


def test_errors_carry_path_and_frame(tmp_path: Path) -> None:
    path = tmp_path / "short.dcm"
    path.write_bytes(three()[:-1])
    with fastdcm.open(path) as found:
        with pytest.raises(TruncatedError) as caught:
            found.render(2)
        assert (caught.value.path, caught.value.frame) == (str(path), 3)
        assert str(caught.value).startswith(f"{path}: frame 3: Pixel Data is short")
        with pytest.raises(RenderError) as refused:
            found.render(1, window_number=1)
        assert (refused.value.path, refused.value.frame) == (str(path), 2)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", NotDicomError),
        (dicom([Element(0x00080060, "CS", "SR")]), NoPixelDataError),
        (image(rows=0, pixels=b""), DicomError),
        (image(samples=4, photometric="CMYK"), UnsupportedError),
        (image()[:200], FastdcmError),
    ],
    ids=["empty", "no pixels", "no rows", "CMYK", "cut"],
)
def test_errors_of_opening(data: bytes, error: type[FastdcmError], tmp_path: Path) -> None:
    with pytest.raises(error):
        fastdcm.open(data)
    path = tmp_path / "file.dcm"
    path.write_bytes(data)
    with pytest.raises(error) as caught:
        fastdcm.open(path)
    assert caught.value.path == str(path)
    assert caught.value.frame is None


def test_unsupported_syntax_can_be_opened() -> None:
    """The header is there; the pixels are not."""
    found = fastdcm.open(image(encapsulated([b"frame"]), "1.2.840.10008.1.2.4.59"))
    assert found.header.rows == 2
    with pytest.raises(UnsupportedError, match=r"JPEG Extended, Hierarchical"):
        found.pixels()


ODD = image(bytes(6) + bytes(10), center="4", width="0")


def test_notices(tmp_path: Path) -> None:
    path = tmp_path / "odd.dcm"
    path.write_bytes(ODD)
    with fastdcm.open(path) as found:
        assert [(notice.code, notice.path, notice.frame) for notice in found.notices] == [
            ("pixel-data-long", str(path), None)
        ]
        found.render()
        found.render()
        assert [notice.code for notice in found.notices] == ["pixel-data-long", "window"]
        assert str(found.notices[1]).startswith(f"{path}: window 1 (4, 0) cannot be used")


def test_notices_of_frames() -> None:
    """What is odd about several frames is told once, with the first that was read."""
    streams = [bytes(imagecodecs.jpegls_encode(frame)) for frame in FRAMES]
    data = image(encapsulated(streams), BASELINE, **THREE)
    found = fastdcm.open(data)
    assert found.notices == ()
    for index in (1, 2, 0):
        assert np.array_equal(found.pixels(index), FRAMES[index])
    assert [(notice.code, notice.frame) for notice in found.notices] == [("other-syntax", 2)]
    assert isinstance(found.notices[0], Notice)


def test_strict() -> None:
    assert fastdcm.open(three(), strict=True).render().any()
    with pytest.raises(StrictError, match="10 bytes more"):
        fastdcm.open(ODD, strict=True)
    odd_later = image(center="4", width="0")
    found = fastdcm.open(odd_later, strict=True)
    assert found.pixels().shape == (2, 3)
    with pytest.raises(StrictError, match="cannot be used"):
        found.render()
    streams = [bytes(imagecodecs.jpegls_encode(frame)) for frame in FRAMES]
    found = fastdcm.open(image(encapsulated(streams), BASELINE, **THREE), strict=True)
    with pytest.raises(StrictError) as caught:
        found.pixels(1)
    assert caught.value.frame == 2


def test_damage_comes_before_strictness() -> None:
    stream = bytes(imagecodecs.jpegls_encode(FRAMES[0]))[:-3]
    found = fastdcm.open(image(encapsulated([stream]), BASELINE, rows=2, columns=4), strict=True)
    with pytest.raises(CodestreamError):
        found.pixels()


# Whole ways


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN, DEFLATED])
@pytest.mark.parametrize("representation", [0, 1])
def test_12_of_16_bits(syntax: str, representation: int) -> None:
    """Overlay bits above Bits Stored, a negative slope, a window in modality units."""
    stored = np.array([[0x000, 0x7FF, 0x800, 0xFFF]])
    data = words((stored | 0xA000).ravel().tolist(), little=syntax != BIG_ENDIAN)
    found = fastdcm.open(
        image(
            data,
            syntax,
            rows=1,
            columns=4,
            allocated=16,
            stored=12,
            bits=16,
            representation=representation,
            slope="-1",
            intercept="10",
            center="10",
            width="4096",
        )
    )
    values = np.where(representation & (stored >> 11), stored - 4096, stored)
    assert np.array_equal(found.pixels(), values)
    x = 10 - values
    expected = np.floor(np.clip((x - 9.5) / 4095 + 0.5, 0, 1) * 255 + 0.5)
    assert np.array_equal(found.render(), expected)


def test_dataset_is_pydicom_s(pydicom_files: Path) -> None:
    for name in ("CT_small.dcm", "image_dfl.dcm", "MR_small_RLE.dcm", "ExplVR_BigEnd.dcm"):
        with fastdcm.open(pydicom_files / name) as found:
            assert found.dataset() == pydicom.dcmread(pydicom_files / name)
        with fastdcm.open((pydicom_files / name).read_bytes()) as found:
            assert found.dataset() == pydicom.dcmread(pydicom_files / name)


# Large native files, shown as they are read


IN_PARTS = {
    "plain": {},
    "signed, 12 bits": {"stored": 12, "representation": 1},
    "junk above 10 bits": {"stored": 10},
    "bits below those stored": {"stored": 12, "high_bit": 15},
    "inverse": {"photometric": "MONOCHROME1"},
    "sigmoid": {"function": "SIGMOID"},
    "slope": {"slope": -2, "intercept": 7},
    "range of the pixels": {"center": None, "width": None},
    "implicit": {"syntax": SYNTAXES[0]},
    "big-endian": {"syntax": BIG_ENDIAN},
}


@pytest.mark.parametrize("changes", IN_PARTS.values(), ids=IN_PARTS)
@pytest.mark.parametrize("voi", ["window", "minmax", "none"])
@pytest.mark.parametrize("bits", [8, 16])
def test_large_files_are_shown_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], voi: str, bits: int
) -> None:
    """As they are shown at once, whatever the size of a part."""
    noise = np.random.default_rng(0).integers(0, 1 << 16, 3 * 7 * 9, np.uint16)
    usual = {"bits": 16, "rows": 7, "columns": 9, "frames": 3, "center": 100, "width": 2000}
    data = image(noise.tobytes(), **(usual | changes))
    path = tmp_path / "large.dcm"
    path.write_bytes(data)
    with fastdcm.open(data) as whole:
        expected = [whole.render(index, voi=voi, bits=bits) for index in range(3)]
        notices = [notice.code for notice in whole.notices]
    monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", 0)
    for size in (2, 10, 126, 1 << 20):
        monkeypatch.setattr(frames_module, "PART_BYTES", size)
        with fastdcm.open(path) as opened, open(path, "rb") as file, fastdcm.open(file) as streamed:
            for index in (2, 0, 1):
                assert np.array_equal(opened.render(index, voi=voi, bits=bits), expected[index])
                assert np.array_equal(streamed.render(index, voi=voi, bits=bits), expected[index])
            assert [notice.code for notice in opened.notices] == notices


def test_a_large_file_that_is_cut_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", 0)
    monkeypatch.setattr(frames_module, "PART_BYTES", 64)
    path = tmp_path / "large.dcm"
    path.write_bytes(image(bytes(512), bits=16, rows=16, columns=16, center=100, width=2000))
    with fastdcm.open(path) as opened:
        size = path.stat().st_size
        for cut in (1, 64, 65, 511):
            os.truncate(path, size - cut)
            with pytest.raises(TruncatedError, match=r"512 bytes declared, .* could be read"):
                opened.render()


def test_large_compressed_files_without_capsules_are_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", 0)
    path = tmp_path / "large.dcm"
    path.write_bytes(image(bytes(512), BASELINE, bits=16, rows=16, columns=16, center=100, width=2000))
    with fastdcm.open(path) as opened:
        opened.render()
        assert [notice.code for notice in opened.notices] == ["other-syntax"]
