"""``fastdcm info`` and ``fastdcm doctor``: what decodes a frame."""

from __future__ import annotations

import json
from pathlib import Path

import imagecodecs
import pytest
from click.testing import CliRunner

import fastdcm
from fastdcm.cli import cli
from fastdcm.codecs.jpeg2000.blocks import REFUSALS
from fastdcm.codecs.jpegls import takes
from fastdcm.errors import CodestreamError, UnsupportedError
from tests.builders import encapsulated, image
from tests.unit.codecs.decoding import UIDS
from tests.unit.codestream.jpeg2000_streams import GREY, cut, repacked

J2K = bytes(imagecodecs.jpeg2k_encode(GREY, codecformat="j2k", reversible=True))
HTJ2K = bytes(imagecodecs.htj2k_encode(GREY, reversible=True))
JPEG_LS = bytes(imagecodecs.jpegls_encode(GREY))
_TM = JPEG_LS.index(b"\xff\xda") + 6
MAPPED = JPEG_LS[:_TM] + b"\1" + JPEG_LS[_TM + 1 :]
OWN = "own JPEG 2000 decoder"
AUTO = f"{OWN} (OpenJPEG in small jobs)"
CASES = {
    "jpeg 2000": ("jpeg2000", J2K, AUTO),
    "cut": ("jpeg2000", cut(J2K, 900), AUTO),  # headers alone are looked at
    "packed": ("jpeg2000", repacked(J2K, "PPT"), "OpenJPEG: packed packet headers (PPM, PPT)"),
    "htj2k": ("htj2k", HTJ2K, "OpenJPH, irreversible by OpenJPEG, through imagecodecs"),
    "mislabelled": ("jpeg-ls", J2K, AUTO),
    "jpeg-ls": ("jpeg-ls", JPEG_LS, "own JPEG-LS decoder (CharLS in small jobs)"),
    "jpeg-ls, cut": ("jpeg-ls", JPEG_LS[:-900], "own JPEG-LS decoder (CharLS in small jobs)"),
    "mapping table": ("jpeg-ls", MAPPED, "nothing: JPEG-LS mapping tables (palettes) are not supported"),
    "headers": ("jpeg2000", J2K[:60], "nothing: cut: the data ends in the main header"),
}


def file_of(folder: Path, syntax: str, frame: bytes) -> Path:
    rows, columns = GREY.shape
    path = folder / "image.dcm"
    path.write_bytes(image(encapsulated([frame]), UIDS[syntax], rows=rows, columns=columns))
    return path


@pytest.mark.parametrize("name", list(CASES))
def test_what_decodes_a_frame(name: str, tmp_path: Path) -> None:
    syntax, frame, by = CASES[name]
    path = file_of(tmp_path, syntax, frame)
    shown = CliRunner().invoke(cli, ["info", str(path)])
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert f"\n  decoded by {by}\n" in shown.stdout
    shown = CliRunner().invoke(cli, ["info", "--json", str(path)])
    assert json.loads(shown.stdout)["decoded_by"] == by


def test_other_syntaxes(pydicom_files: Path) -> None:
    shown = CliRunner().invoke(cli, ["info", str(pydicom_files / "MR_small_RLE.dcm")])
    assert "\n  decoded by imagecodecs (imcd)\n" in shown.stdout


def test_native_frames_are_not_decoded(pydicom_files: Path) -> None:
    shown = CliRunner().invoke(cli, ["info", str(pydicom_files / "CT_small.dcm")])
    assert shown.exit_code == 0
    assert "decoded by" not in shown.stdout


def test_a_decoder_that_was_chosen(tmp_path: Path) -> None:
    path = file_of(tmp_path, "jpeg2000", J2K)
    with fastdcm.open(path, decoder="library") as image:
        assert image.decoded_by() == "OpenJPEG through imagecodecs"
    with fastdcm.open(path, decoder="own") as image:
        assert image.decoded_by() == OWN


@pytest.mark.parametrize(("syntax", "frame"), [("jpeg2000", repacked(J2K, "PPT")), ("htj2k", HTJ2K)])
def test_a_decoder_that_was_chosen_and_does_not_take_it(syntax: str, frame: bytes, tmp_path: Path) -> None:
    """It is told as decoding tells it."""
    with fastdcm.open(file_of(tmp_path, syntax, frame), decoder="own") as image:
        for read in (image.decoded_by, image.pixels):
            with pytest.raises(UnsupportedError, match="own JPEG 2000 decoder does not take"):
                read()


@pytest.mark.parametrize("allow_partial", [False, True])
def test_what_decodes_a_frame_that_is_cut(allow_partial: bool, tmp_path: Path) -> None:
    with fastdcm.open(file_of(tmp_path, "jpeg2000", J2K[:-50]), allow_partial=allow_partial) as image:
        if allow_partial:
            assert image.decoded_by() == AUTO
            return
        with pytest.raises(CodestreamError, match="cut"):
            image.decoded_by()


def test_doctor_tells_what_is_left_to_charls() -> None:
    shown = CliRunner().invoke(cli, ["doctor"]).stdout
    reasons = "".join(f"    {reason}\n" for reason in takes.REFUSALS)
    assert f"JPEG-LS decoder\n  our own, for all but\n{reasons}  CharLS through imagecodecs" in shown


def test_errors_have_path_and_frame(tmp_path: Path) -> None:
    path = file_of(tmp_path, "jpeg2000", J2K[:60])
    with fastdcm.open(path) as image, pytest.raises(CodestreamError) as raised:
        image.decoded_by()
    assert (raised.value.path, raised.value.frame) == (str(path), 1)


def test_doctor_tells_what_is_left_to_openjpeg() -> None:
    shown = CliRunner().invoke(cli, ["doctor"]).stdout
    reasons = "".join(f"    {reason}\n" for reason in REFUSALS)
    assert f"JPEG 2000 decoder\n  our own, for all but\n{reasons}  OpenJPEG through imagecodecs" in shown


def test_doctor_tells_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastdcm.codecs.encoders import table
    from fastdcm.options import FORMATS

    shown = CliRunner().invoke(cli, ["doctor"]).stdout
    for format, holds in FORMATS.items():
        line = next(line for line in shown.splitlines() if line.startswith("  " + " ".join(holds.names)))
        assert holds.title in line
        assert ("8 and 16 bits" if holds.deep else "8 bits") in line
        assert table.WRITERS[format].library in line
    monkeypatch.setattr(table, "find_spec", lambda name: None)
    shown = CliRunner().invoke(cli, ["doctor"]).stdout
    assert "not here: PyAV is not installed: pip install '.[video]'" in shown
