"""The inputs of the benches hold what they say, by pydicom's decoders."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest

import fastdcm
from benches import corpus, encoding, inputs
from tests.builders import image
from tests.conftest import PYDICOM_FILES

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of pydicom, about the headers of real files

LOSSLESS = ["native", "RLE", "JPEG lossless", "JPEG-LS", "JPEG 2000 lossless", "HTJ2K"]


@pytest.fixture(autouse=True)
def without_corpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(inputs, "CORPUS", tmp_path)
    inputs._original.cache_clear()


def modality_values(dataset: pydicom.Dataset) -> np.ndarray:
    return dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_lossless_syntaxes_hold_the_same_modality_values(syntax: str) -> None:
    image = inputs.original("CT")
    stored = image.variant(1).astype(float)
    expected = stored * float(image.header.RescaleSlope) + float(image.header.RescaleIntercept)
    data = encoding.dicom(image.header, [image.variant(1)], syntax, 1)
    dataset = pydicom.dcmread(io.BytesIO(data))
    assert dataset.file_meta.TransferSyntaxUID == encoding.SYNTAXES[syntax][0]
    assert (modality_values(dataset) == expected).all()


@pytest.mark.parametrize(("syntax", "most"), [("JPEG 2000 lossy", 60), ("JPEG extended", 200)])
def test_lossy_syntaxes_hold_about_the_same(syntax: str, most: int) -> None:
    image = inputs.original("CT")
    header = image.header
    expected = image.pixels * float(header.RescaleSlope) + float(header.RescaleIntercept)
    found = modality_values(pydicom.dcmread(io.BytesIO(encoding.dicom(header, [image.pixels], syntax, 1))))
    difference = np.abs(found - expected)
    assert 0 < difference.max() < most
    assert difference.mean() < most / 10


def test_colour_in_rle_comes_by_planes_and_in_native_by_pixels() -> None:
    image = inputs.original("US")
    for syntax in ("native", "RLE", "JPEG-LS", "JPEG lossless"):
        dataset = pydicom.dcmread(
            io.BytesIO(encoding.dicom(inputs.original("US").header, [image.pixels], syntax, 1))
        )
        assert (dataset.pixel_array == image.pixels).all(), syntax


def test_frames_stay_apart() -> None:
    image = inputs.original("XA")
    frames = [image.pixels, image.variant(3)]
    dataset = pydicom.dcmread(io.BytesIO(encoding.dicom(image.header, frames, "RLE", 1)))
    assert [(found == frame).all() for found, frame in zip(dataset.pixel_array, frames, strict=True)] == [
        True,
        True,
    ]


@pytest.mark.parametrize("kind", inputs.KINDS)
def test_images_have_the_size_of_their_kind_and_real_content(kind: str) -> None:
    image = inputs.original(kind)
    wanted = inputs.KINDS[kind]
    assert image.pixels.shape[:2] <= (wanted.rows, wanted.columns)
    assert (image.header.Rows, image.header.Columns) == image.pixels.shape[:2]
    assert image.pixels.std() > 0
    assert len({image.variant(number).tobytes() for number in range(len(inputs.FLIPS))}) == len(inputs.FLIPS)


def test_small_images_are_mirrored_to_size_not_padded() -> None:
    pixels = inputs.original("DX").pixels
    rows, columns = pydicom.dcmread(PYDICOM_FILES / inputs.KINDS["DX"].shipped, stop_before_pixels=True)[
        0x00280010:0x00280012
    ]
    assert (pixels[rows.value] == pixels[rows.value - 1]).all()
    assert (pixels[:, columns.value] == pixels[:, columns.value - 1]).all()


def test_windows_are_single_and_cover_the_image() -> None:
    header = inputs.original("DX").header
    with fastdcm.open(encoding.dicom(header, [inputs.original("DX").pixels], "native", 1)) as opened:
        gray = opened.render()
    assert isinstance(header.WindowCenter, pydicom.valuerep.DSfloat | float | int)
    assert len(np.unique(gray)) > 100


def test_a_case_of_many_files_is_links_to_few(tmp_path: Path) -> None:
    place = tmp_path / "few"
    place.mkdir()
    for number in (1, 2):
        (place / f"{number}.dcm").write_bytes(image(words := bytes([number] * 6)))
    case = corpus.Case("few", "", "", "", "", str(place), 2, 2, 12, 2, 100)
    folder = Path(case.of(5))
    files = sorted(folder.iterdir())
    assert [file.read_bytes()[-1] for file in files] == [1, 2, 1, 2, 1]
    assert len(words) == 6
    assert files[0].samefile(place / "1.dcm")
    assert Path(case.of(5)) == folder


def test_own_files_are_grouped_and_what_is_no_image_left_out(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "folder"
    (data / "sub").mkdir(parents=True)
    folder.mkdir()
    for number in range(3):
        (data / "sub" / f"{number}.dcm").write_bytes(image(rows=64, columns=64, modality="CT"))
    (data / "mr").write_bytes((PYDICOM_FILES / "MR_small_RLE.dcm").read_bytes())
    (data / "notes.txt").write_text("no image")
    cases = list(corpus.own(folder, data))
    assert [(case.modality, case.syntax, case.files, case.frames) for case in cases] == [
        ("CT", "native", 3, 3),
        ("MR", "rle", 1, 1),
    ]
    assert cases[0].pixels == 3 * 64 * 64
    assert sorted(path.resolve().name for path in Path(cases[0].folder).iterdir()) == [
        "0.dcm",
        "1.dcm",
        "2.dcm",
    ]
