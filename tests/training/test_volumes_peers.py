"""Volumes and masks against SimpleITK (GDCM) and highdicom, where these are installed (`make test-torch`)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

import fastdcm
from tests.conftest import CORPUS, PYDICOM_FILES
from tests.peers import series
from tests.unit.volumes import slices
from tests.unit.volumes.slices import ct, enhanced, write

sitk = pytest.importorskip("SimpleITK")
hd = pytest.importorskip("highdicom")

pytestmark = pytest.mark.filterwarnings("ignore")

Array = NDArray[Any]
CT_SLICES = [
    PYDICOM_FILES / "dicomdirtests" / "77654033" / "CT2" / name for name in ("17136", "17166", "17196")
]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    sitk.ProcessObject.SetGlobalWarningDisplay(False)


def test_every_series_is_as_others_have_it() -> None:
    """Order, spacing, origin, directions and values; what we refuse, highdicom refuses, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = list(series.rows())
    assert len(rows) >= (25 if CORPUS.is_dir() else 9)
    loaded = [row for row in rows if row.volume is not None]
    for row in loaded:
        assert any(said.startswith("equal") for said in row.peers.values()), row
        for peer, said in row.peers.items():
            assert said.startswith(("equal", "refuses")), (row.name, peer, said)
    for row in rows:
        if row.volume is None:
            assert row.peers["highdicom"].startswith("refuses"), row
    assert sum(row.peers["SimpleITK"].startswith("equal") for row in loaded) >= len(loaded) - 2
    assert sum(row.peers["highdicom"].startswith("equal") for row in loaded) >= len(loaded) - 2


def test_oblique_series(tmp_path: Path) -> None:
    paths = [
        Path(write(tmp_path, f"{name}.dcm", ct(index))) for name, index in zip("dbace", range(5), strict=True)
    ]
    volume = fastdcm.load_series(paths[::-1])
    assert series.compared(volume, series.simpleitk(paths), 0) == "equal"
    assert series.compared(volume, series.highdicom(paths), 0).startswith("equal")


def test_a_difference_is_told(tmp_path: Path) -> None:
    """The comparison itself sees another order, another place, other values."""
    paths = [Path(write(tmp_path, f"{index}.dcm", ct(index))) for index in range(3)]
    volume = fastdcm.load_series(paths)
    theirs = series.simpleitk(paths)
    assert "values by" in series.compared(volume, series.Theirs(theirs.array[::-1], theirs.affine), 0)
    moved = theirs.affine.copy()
    moved[2, 3] += 1e-3
    assert "affine by 0.001" in series.compared(volume, series.Theirs(theirs.array, moved), 0)
    assert "shape" in series.compared(volume, series.Theirs(theirs.array[1:], theirs.affine), 0)


def described(number: int) -> Any:
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=f"segment {number}",
        segmented_property_category=pydicom.sr.codedict.codes.SCT.Organ,
        segmented_property_type=pydicom.sr.codedict.codes.SCT.Liver,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )


def by_highdicom(sources: Sequence[pydicom.Dataset], kind: str, values: Array, **options: Any) -> bytes:
    """A segmentation as highdicom writes it; ``values`` are (sources, rows, columns[, segments])."""
    from io import BytesIO

    count = values.shape[3] if values.ndim == 4 else int(values.max())
    written = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=values,
        segmentation_type=kind,
        segment_descriptions=[described(number + 1) for number in range(count)],
        series_instance_uid=hd.UID(),
        series_number=2,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="test",
        manufacturer_model_name="test",
        software_versions="1",
        device_serial_number="1",
        **options,
    )
    file = BytesIO()
    written.save_as(file)
    return file.getvalue()


@pytest.mark.parametrize("omit", [True, False])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"])
@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_what_highdicom_writes(kind: str, syntax: str, omit: bool) -> None:
    if kind == "BINARY" and syntax.endswith(".5"):
        pytest.skip("single bits cannot be run-length encoded")
    volume = fastdcm.load_series(CT_SLICES[::-1])
    generator = np.random.default_rng(5)
    # highdicom gets the slices in another order than that of their positions.
    order = [2, 0, 1]
    sources = [pydicom.dcmread(CT_SLICES[number]) for number in order]
    masks = np.zeros((3, 16, 16, 2), bool)
    masks[..., 0] = generator.random((3, 16, 16)) > 0.6
    masks[..., 1] = (generator.random((3, 16, 16)) > 0.6) & ~masks[..., 0]
    masks[1] = False  # a slice without any
    values: Array = masks
    if kind == "FRACTIONAL":
        values = np.where(masks, generator.random(masks.shape), 0.0)
    if kind == "LABELMAP":
        values = (masks[..., 0] + 2 * masks[..., 1]).astype(np.uint8)
    options = {"omit_empty_frames": omit, "transfer_syntax_uid": syntax}
    if kind == "FRACTIONAL":
        options |= {"max_fractional_value": 255}
    found = volume.segmentation(by_highdicom(sources, kind, values[order], **options))
    assert found.type == kind
    assert list(found) == [1, 2]
    assert [one.label for one in found.segments] == ["segment 1", "segment 2"]
    assert found.segments[0].type is not None
    assert found.segments[0].type.meaning == "Liver"
    for number in found:
        if kind == "FRACTIONAL":
            np.testing.assert_allclose(found[number], values[..., number - 1], atol=0.5 / 255 + 1e-6)
        else:
            np.testing.assert_array_equal(found[number], masks[..., number - 1])
    if kind != "FRACTIONAL":
        np.testing.assert_array_equal(found.labels(), masks[..., 0] + 2 * masks[..., 1])


def test_highdicom_on_an_enhanced_oblique_object(tmp_path: Path) -> None:
    source = enhanced([2, 0, 3, 1])
    for name in (
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "StudyID",
        "AccessionNumber",
        "StudyDate",
        "StudyTime",
        "ReferringPhysicianName",
        "PositionReferenceIndicator",
    ):
        setattr(source, name, "")
    volume = fastdcm.load_series(write(tmp_path, "enhanced.dcm", source))
    values = np.random.default_rng(6).random((4, slices.ROWS, slices.COLUMNS, 1)) > 0.5
    found = volume.segmentation(by_highdicom([source], "BINARY", values, omit_empty_frames=False))
    np.testing.assert_array_equal(found[1][[2, 0, 3, 1]], values[..., 0])


CORPUS_CASES = {
    "highdicom__seg_image_ct_binary_fractional.dcm": CT_SLICES,
    "highdicom__seg_image_ct_binary_overlap.dcm": CT_SLICES,
    "highdicom__seg_image_ct_binary_single_frame.dcm": [PYDICOM_FILES / "CT_small.dcm"],
    "dicom-test-files__label.seg": [CORPUS / "files" / "dicom-test-files__multiframe__mf.dcm"],
    "dcmqi.hf6406__label.seg": [CORPUS / "files" / "dicom-test-files__mf.dcm"],
    "dcmqi__sparse-labelmap-noppv.dcm": [CORPUS / "files" / "dicom-test-files__multiframe__mf.dcm"],
    "dcmqi__sparse-labelmap-ppv5.dcm": [CORPUS / "files" / "dicom-test-files__multiframe__mf.dcm"],
}


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus")
@pytest.mark.parametrize("name", CORPUS_CASES)
def test_segmentations_of_the_corpus(name: str) -> None:
    """Each frame, as pydicom decodes it and highdicom reads its place, is where our mask has it."""
    images = CORPUS_CASES[name]
    volume = fastdcm.load_series(images)
    found = volume.segmentation(CORPUS / "files" / name, outside="skip")
    theirs = hd.seg.segread(CORPUS / "files" / name)
    compared = voxels = 0
    for number in found:
        frames = frames_of(theirs, number)
        mask = found[number]
        for index in range(len(mask)):
            place = tuple(volume.to_patient((index, 0, 0)).round(3))
            expected = frames.pop(place, None)
            if expected is None:
                absent = found.background if found.type == "LABELMAP" else None
                assert (mask[index] == (number == absent)).all()
                continue
            np.testing.assert_allclose(mask[index], expected, atol=1e-6)
            compared += 1
            voxels += np.count_nonzero(mask[index])
        # What is left are frames beyond the volume.
        first, last = (volume.to_patient((index, 0, 0))[2] for index in (-0.5, len(mask) - 0.5))
        assert not any(min(first, last) < place[2] < max(first, last) for place in frames)
    assert compared >= 1
    assert voxels >= 1


def frames_of(segmentation: Any, number: int) -> dict[tuple[float, ...], Array]:
    """The frames of a segment by their position, decoded by pydicom."""
    pixels = segmentation.pixel_array.reshape(-1, segmentation.Rows, segmentation.Columns)
    groups = segmentation.PerFrameFunctionalGroupsSequence
    found = {}
    for group, values in zip(groups, pixels, strict=True):
        place = tuple(np.array(group.PlanePositionSequence[0].ImagePositionPatient, float).round(3))
        if segmentation.SegmentationType == "LABELMAP":
            found[place] = values == number
        elif group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number:
            found[place] = values / getattr(segmentation, "MaximumFractionalValue", 1)
    return found
