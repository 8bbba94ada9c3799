"""The functions of the top level, on files that ship with pydicom."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import pytest

import fastdcm
from tests.builders import encapsulated, image
from tests.unit.codecs.decoding import UIDS
from tests.unit.codestream.jpeg2000_streams import DEEP, repacked


def test_read_and_render_are_the_image_methods(pydicom_files: Path) -> None:
    path = pydicom_files / "CT_small.dcm"
    with fastdcm.open(path) as image:
        assert np.array_equal(fastdcm.read(path), image.pixels(0))
        assert np.array_equal(fastdcm.read(path, values="modality"), image.pixels(0, values="modality"))
        assert np.array_equal(fastdcm.render(path, window=(40, 400)), image.render(0, window=(40, 400)))


def test_convert_takes_the_format_from_a_named_output(pydicom_files: Path, tmp_path: Path) -> None:
    report = fastdcm.convert(pydicom_files / "CT_small.dcm", tmp_path / "one.png")
    assert (report.converted, report.failure_count) == (1, 0)
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    fastdcm.convert(pydicom_files / "CT_small.dcm", tmp_path / "two.png", format="jpg")
    assert (tmp_path / "two.png").read_bytes().startswith(b"\xff\xd8")


def test_a_named_output_gets_the_first_frame(pydicom_files: Path, tmp_path: Path) -> None:
    path = pydicom_files / "rtdose.dcm"
    report = fastdcm.convert(path, tmp_path / "one.png")
    assert [written.name for written in tmp_path.iterdir()] == ["one.png"]
    assert [notice.code for notice in report.notices] == ["more-frames"]
    with PIL.Image.open(tmp_path / "one.png") as picture:
        assert np.array_equal(np.asarray(picture), fastdcm.render(path))
    fastdcm.convert(path, tmp_path / "all.png", frames="all")
    assert sum(1 for _ in tmp_path.glob("all_*.png")) == 15


def test_convert_reports_instead_of_raising(pydicom_files: Path, tmp_path: Path) -> None:
    report = fastdcm.convert(
        [pydicom_files / "CT_small.dcm", pydicom_files / "rtplan.dcm"], tmp_path, jobs=2, format="png"
    )
    assert (report.converted, report.failed) == (1, 1)
    [failure] = report.failures
    assert failure.path.endswith("rtplan.dcm")
    assert isinstance(failure.error, fastdcm.NoPixelDataError)


def test_options_are_checked_before_anything_is_written(pydicom_files: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    for options in ({"window": (40, 0)}, {"quality": 0}, {"bits": 16}, {"colour": "yes"}, {"frames": "0"}):
        with pytest.raises(fastdcm.OptionError):
            fastdcm.convert(pydicom_files, target, **options)  # type: ignore[arg-type]
    assert not target.exists()


@pytest.mark.parametrize("format", ["jpeg", "JPG", "png"])
def test_encode_gives_what_render_gives(pydicom_files: Path, format: str) -> None:
    with fastdcm.open(pydicom_files / "CT_small.dcm") as image:
        encoded = image.encode(0, format, quality=100)
        picture = np.asarray(PIL.Image.open(io.BytesIO(encoded))).astype(int)
        assert np.abs(picture - image.render(0)).max() <= (0 if format == "png" else 2)


@pytest.fixture
def jpeg2000_files(tmp_path: Path) -> dict[str, Path]:
    """JPEG 2000 that our own decoder takes, and with packed packet headers, which it does not."""
    rows, columns = DEEP.shape
    stream = bytes(imagecodecs.jpeg2k_encode(DEEP, codecformat="j2k", reversible=True, bitspersample=12))
    files = {}
    for name, frame in (("taken", stream), ("packed", repacked(stream, "PPT"))):
        files[name] = tmp_path / f"{name}.dcm"
        files[name].write_bytes(
            image(
                encapsulated([frame]), UIDS["jpeg2000"], rows=rows, columns=columns, allocated=16, stored=12
            )
        )
    return files


@pytest.mark.parametrize("decoder", ["auto", "own", "library"])
def test_decoders_of_jpeg_2000(decoder: Any, jpeg2000_files: dict[str, Path]) -> None:
    with fastdcm.open(jpeg2000_files["taken"], decoder=decoder) as opened:
        assert np.array_equal(opened.pixels(), DEEP)


def test_which_decoder_is_called(jpeg2000_files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagecodecs.jpeg2k_decode", None)
    with fastdcm.open(jpeg2000_files["taken"], decoder="own") as opened:
        opened.pixels()
    with fastdcm.open(jpeg2000_files["taken"], decoder="library") as opened, pytest.raises(TypeError):
        opened.pixels()


def test_what_our_own_decoder_does_not_take(jpeg2000_files: dict[str, Path], tmp_path: Path) -> None:
    packed = jpeg2000_files["packed"]
    with fastdcm.open(packed, decoder="own") as opened:
        with pytest.raises(fastdcm.UnsupportedError, match="packed packet headers") as raised:
            opened.pixels()
        assert (raised.value.path, raised.value.frame) == (str(packed), 1)
    for decoder in ("auto", "library"):
        with fastdcm.open(packed, decoder=decoder) as opened:
            assert np.array_equal(opened.pixels(), DEEP)
    report = fastdcm.convert(list(jpeg2000_files.values()), tmp_path / "out", decoder="own")
    assert (report.converted, report.failed) == (1, 1)
    assert "packed packet headers" in str(report.failures[0].error)
