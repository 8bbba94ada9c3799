"""Baseline JPEG frames that are copied, and all that keeps a frame from being copied."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

import fastdcm
from fastdcm.cli import cli
from fastdcm.errors import CodestreamError, FastdcmError, OptionError, StrictError
from fastdcm.options import EncodeOptions, RenderOptions
from tests.builders import Element, encapsulated, image, lut_item, words
from tests.conftest import PYDICOM_FILES
from tests.corpus.reading import files
from tests.unit.codestream import streams

Array = NDArray[Any]
BASELINE, EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
ROWS, COLUMNS = 45, 61


def gray() -> bytes:
    return bytes(imagecodecs.jpeg8_encode(streams.image(ROWS, COLUMNS)))


def colour(**options: Any) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(streams.image(ROWS, COLUMNS, samples=3), **options))


def dicom_of(stream: bytes, syntax: str = BASELINE, **changes: Any) -> bytes:
    values = {"rows": ROWS, "columns": COLUMNS} | changes
    return image(encapsulated([stream]), syntax, **values)


def in_colour(stream: bytes, photometric: str = "YBR_FULL_422", **changes: Any) -> bytes:
    return dicom_of(stream, samples=3, photometric=photometric, **changes)


def scan_of(stream: bytes) -> bytes:
    """The scan header and the entropy-coded data."""
    return stream[stream.index(b"\xff\xda") : -2]


def opened(data: bytes) -> Array:
    """As a viewer shows it that knows nothing but the file."""
    with Image.open(io.BytesIO(data)) as found:
        assert found.format == "JPEG"
        return np.asarray(found if found.mode == "L" else found.convert("RGB"))


def assert_copied(dicom: bytes, stream: bytes, **options: Any) -> None:
    with fastdcm.open(dicom) as found:
        data = found.encode(**options)
        assert scan_of(data) == scan_of(stream)
        np.testing.assert_array_equal(opened(data), found.render(**options))
        assert not found.notices


@pytest.mark.parametrize("syntax", [BASELINE, EXTENDED])
def test_gray(syntax: str) -> None:
    assert_copied(dicom_of(gray(), syntax), gray())


@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
def test_colour(subsampling: str) -> None:
    stream = colour(subsampling=subsampling)
    assert_copied(in_colour(stream), stream)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_colour_that_only_the_data_set_tells(photometric: str) -> None:
    """Outside of it, nothing would tell RGB from YCbCr."""
    stream = streams.without_segments(colour(colorspace="RGB", outcolorspace="RGB"), 0xE0, 0xEE)
    stream = stream.replace(b"R\x11\0G\x11\0B\x11\0", b"\1\x11\0\2\x11\0\3\x11\0")
    stream = stream.replace(b"\3R\0G\0B\0", b"\3\1\0\2\0\3\0")
    assert_copied(in_colour(stream, photometric), stream)


@pytest.mark.parametrize(
    "changes",
    [
        {"center": 127.5, "width": 255, "function": "LINEAR_EXACT"},
        {"center": 128, "width": 256},  # 128 - 0.5 - 255 / 2 = 0 is shown as 0, 255 as 255 (C.11.2.1.2.1)
        {"center": 128, "width": 255},  # 0.5 to 254.5: every value still rounds to itself
        {"slope": 1, "intercept": 0, "center": 128, "width": 256},
        {"slope": 2, "intercept": -100, "center": 156, "width": 511},  # (x * 2 - 100 - 155.5) / 510 + 0.5
        {"allocated": 16, "stored": 8},
        {"representation": 0, "padding": 0},
        {"shape": "IDENTITY"},
        {"photometric": "MONOCHROME1", "shape": "IDENTITY", "options": {"presentation_shape": "follow"}},
        {"options": {"voi": "none"}},
        {"options": {"window": (128, 256)}, "center": 40, "width": 80},
        {"options": {"quality": 50, "reencode": False}},
    ],
    ids=str,
)
def test_gray_that_is_shown_as_it_is(changes: dict[str, Any]) -> None:
    values = dict(changes)
    options = values.pop("options", {})
    assert_copied(dicom_of(gray(), **values), gray(), **options)


def _presented(contents: bytes) -> Element:
    """A Presentation LUT Sequence of 256 entries."""
    return Element(0x20500010, "SQ", [lut_item((256, 0, 8), contents)])


#: What there is to change -> attributes of the image, and options.
CHANGED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "MONOCHROME1": ({"photometric": "MONOCHROME1"}, {}),
    "shape followed": ({"shape": "INVERSE"}, {"presentation_shape": "follow"}),
    "window of the file": ({"center": 128, "width": 253}, {}),
    "window that was asked for": ({}, {"window": (100, 50)}),
    "sigmoid": ({"center": 128, "width": 256, "function": "SIGMOID"}, {}),
    "slope": ({"slope": 2, "intercept": 0}, {}),
    "intercept under a window": ({"slope": 1, "intercept": 1, "center": 128, "width": 256}, {}),
    "presentation LUT": ({"extra": [_presented(words(range(255, -1, -1)))]}, {}),
    "minmax": ({}, {"voi": "minmax"}),
    "percentile": ({}, {"voi": "percentile:1,99"}),
    "object": ({}, {"voi": "object"}),
    "7 bits stored": ({"allocated": 8, "stored": 7}, {}),
    "12 bits stored": ({"allocated": 16, "stored": 12, "center": 128, "width": 256}, {}),
    "High Bit 15": ({"allocated": 16, "stored": 8, "high_bit": 15}, {}),
    "signed": ({"representation": 1, "center": 128, "width": 256}, {}),
    "quality": ({}, {"quality": 90}),
    "subsampling": ({}, {"subsampling": "420"}),
    "reencode": ({}, {"reencode": True}),
}


@pytest.mark.parametrize("name", CHANGED)
def test_gray_that_something_changes(name: str) -> None:
    changes, options = CHANGED[name]
    with fastdcm.open(dicom_of(gray(), **changes)) as found:
        data, shown = found.encode(**options), found.render(**_rendering(options))
    assert scan_of(data) != scan_of(gray())
    assert np.abs(opened(data).astype(int) - shown).max() < 40


def _rendering(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in RenderOptions.__dataclass_fields__}


@pytest.mark.parametrize("options", [{"window": (100, 50)}, {"quality": 90}, {"subsampling": "444"}], ids=str)
def test_colour_that_something_changes(options: dict[str, Any]) -> None:
    with fastdcm.open(in_colour(colour())) as found:
        assert scan_of(found.encode(**options)) != scan_of(colour())
        assert scan_of(found.encode(window=(128, 256))) == scan_of(colour())


def test_palettes_are_looked_up() -> None:
    tables = [Element(0x00281201 + n, "OW", words(v * 257 for v in range(255, -1, -1))) for n in range(3)]
    described = [Element(0x00281101 + n, "US", [256, 0, 16]) for n in range(3)]
    dicom = dicom_of(gray(), photometric="PALETTE COLOR", extra=[*described, *tables])
    with fastdcm.open(dicom) as found:
        assert opened(found.encode()).shape == (ROWS, COLUMNS, 3)


def test_supplemental_palettes_are_looked_up() -> None:
    tables = [Element(0x00281201 + n, "OW", words([65535 * (n == 0)] * 6)) for n in range(3)]
    described = [Element(0x00281101 + n, "US", [6, 250, 16]) for n in range(3)]
    dicom = dicom_of(gray(), pixel_presentation="COLOR", extra=[*described, *tables])
    with fastdcm.open(dicom) as found:
        assert found.render().shape == (ROWS, COLUMNS, 3)
        assert opened(found.encode()).shape == (ROWS, COLUMNS, 3)


def test_png_is_png() -> None:
    with fastdcm.open(dicom_of(gray())) as found:
        assert found.encode(format="png").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("stream", "syntax"),
    [
        (gray().replace(b"\xff\xc0", b"\xff\xc1"), EXTENDED),
        (streams.pillow(streams.image(ROWS, COLUMNS), progressive=True), "1.2.840.10008.1.2.4.55"),
        (
            bytes(imagecodecs.jpeg8_encode(streams.image(ROWS, COLUMNS), lossless=True)),
            "1.2.840.10008.1.2.4.70",
        ),
    ],
    ids=["extended", "progressive", "lossless"],
)
def test_other_processes_are_encoded(stream: bytes, syntax: str) -> None:
    with fastdcm.open(dicom_of(stream, syntax)) as found:
        data = found.encode()
    assert data.count(b"\xff\xc0") == 1
    assert scan_of(data) != scan_of(stream)


def test_what_is_odd_is_told() -> None:
    """A baseline stream under another syntax is decoded, with its notice; with strict it is an error."""
    dicom = dicom_of(gray(), "1.2.840.10008.1.2.4.90")
    with fastdcm.open(dicom) as found:
        assert scan_of(found.encode()) != scan_of(gray())
        assert [notice.code for notice in found.notices] == ["other-syntax"]
    shape = dicom_of(gray(), shape="INVERSE")
    with fastdcm.open(shape) as found:
        assert scan_of(found.encode()) == scan_of(gray())
        assert [notice.code for notice in found.notices] == ["presentation-shape"]
    with fastdcm.open(shape, strict=True) as found, pytest.raises(StrictError):
        found.encode()


def test_streams_of_another_size_are_errors() -> None:
    with (
        fastdcm.open(dicom_of(gray(), rows=ROWS - 1)) as found,
        pytest.raises(CodestreamError, match="45 x 61"),
    ):
        found.encode()


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_cut_frames_are_errors_or_filled(kept: float) -> None:
    """Closed with EOI, so that headers show nothing."""
    cut = gray()[: int(len(gray()) * kept)].rstrip(b"\xff") + b"\xff\xd9"
    with fastdcm.open(dicom_of(cut)) as found, pytest.raises(CodestreamError, match="cut"):
        found.encode()
    if kept < 0.5:
        return
    with fastdcm.open(dicom_of(cut), allow_partial=True) as found:
        data = found.encode()
        assert scan_of(data) != scan_of(cut)
        assert not opened(data)[-4:].any()
        assert [notice.code for notice in found.notices] == ["partial"]


def test_frames_without_tables_are_no_files() -> None:
    """What the decoder refuses must not be written either."""
    with fastdcm.open(dicom_of(streams.without_segments(gray(), 0xDB))) as found, pytest.raises(FastdcmError):
        found.encode()


def test_index_is_checked() -> None:
    with fastdcm.open(dicom_of(gray())) as found, pytest.raises(OptionError, match="frame 2"):
        found.encode(1)


def test_fragments_and_bytes_behind_the_end() -> None:
    stream = gray()
    fragments = [stream[:100], stream[100:400], stream[400:] + bytes(4)]
    dicom = image(encapsulated(fragments, table=[0]), BASELINE, rows=ROWS, columns=COLUMNS)
    assert_copied(dicom, stream)


def test_native_pixels_under_a_jpeg_syntax() -> None:
    dicom = image(None, BASELINE, rows=ROWS, columns=COLUMNS)
    with fastdcm.open(dicom) as found:
        assert not opened(found.encode()).any()


def test_names_in_the_stream_do_not_get_out() -> None:
    stream = gray()
    stream = stream[:2] + streams.segment(0xFE, b"DOE^JANE") + streams.segment(0xE1, b"DOE^JANE") + stream[2:]
    with fastdcm.open(dicom_of(stream)) as found:
        data = found.encode()
    assert scan_of(data) == scan_of(stream)
    assert b"DOE" not in data


def test_counts(tmp_path: Path) -> None:
    """In worker processes too: frames that were copied, out of the images that were written."""
    frames = encapsulated([gray(), gray().replace(b"\xff\xc0", b"\xff\xc1"), gray()])
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(image(frames, EXTENDED, rows=ROWS, columns=COLUMNS, frames=3))
    (tmp_path / "in" / "b.dcm").write_bytes(image(None, rows=ROWS, columns=COLUMNS))
    report = fastdcm.convert(tmp_path / "in", tmp_path / "out", jobs=2)
    assert (report.images, report.passed_through, report.failures) == (4, 2, [])
    assert scan_of((tmp_path / "out" / "a_0001.jpg").read_bytes()) == scan_of(gray())
    again = fastdcm.convert(tmp_path / "in", tmp_path / "out", jobs=2)
    assert (again.images, again.passed_through, again.existing) == (0, 0, 4)
    encoded = fastdcm.convert(tmp_path / "in", tmp_path / "out", existing="overwrite", reencode=True)
    assert (encoded.images, encoded.passed_through) == (4, 0)


def test_command(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(dicom_of(gray()))
    result = tmp_path / "a.jpg"

    def convert(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["convert", str(tmp_path / "a.dcm"), "--overwrite", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    assert "1 image (copied without re-encoding) from 1 file" in convert()
    assert scan_of(result.read_bytes()) == scan_of(gray())
    for arguments in (["--reencode"], ["-q", "90"], ["--subsampling", "420"], ["-w", "100,50"]):
        assert "copied" not in convert(*arguments)
        assert scan_of(result.read_bytes()) != scan_of(gray())


def _check_file(path: Path) -> tuple[int, int]:
    """(frames copied, frames of JPEG) of a file; copied ones show exactly what is rendered."""
    copied = total = 0
    try:
        found = fastdcm.open(path)
    except FastdcmError:
        return 0, 0
    with found:
        if not found.header.transfer_syntax_uid.startswith("1.2.840.10008.1.2.4.5"):
            return 0, 0
        for index in range(min(len(found), 5)):
            try:
                shown = found.render(index)
            except FastdcmError:
                continue
            total += 1
            data, passed = found.encode_frame(index, RenderOptions(), EncodeOptions())
            fine = opened(found.encode(index, quality=100, subsampling="444")).astype(int)
            if passed:
                copied += 1
                np.testing.assert_array_equal(opened(data), shown, err_msg=f"{path.name} {index}")
                np.testing.assert_array_equal(imagecodecs.jpeg8_decode(data), shown)
            else:
                assert data == found.encode(index, reencode=True)
            assert np.abs(fine - shown).max() <= 6, path.name  # rounded as YCbCr, and as coefficients
    return copied, total


def test_files_of_pydicom() -> None:
    found = {path.name: _check_file(path) for path in PYDICOM_FILES.rglob("*.dcm")}
    assert found["examples_ybr_color.dcm"] == (5, 5)
    assert found["SC_rgb_jpeg.dcm"] == (1, 1)  # RGB without a marker, identifiers 0, 1, 2
    assert found["SC_rgb_jpeg_lossy_gdcm.dcm"] == (1, 1)  # YCbCr without a marker
    assert found["JPGExtended.dcm"] == (0, 1)


def test_files_of_the_corpus(corpus: Path) -> None:
    found = {name: _check_file(path) for name, path in files(corpus).items()}
    assert found["fo-dicom__GH195.dcm"] == (1, 1)  # baseline under Extended, RGB declared, YCbCr coded
    assert found["fo-dicom__HasFragmentSequence.dcm"] == (5, 5)
    assert sum(total > copied for copied, total in found.values()) > 5
