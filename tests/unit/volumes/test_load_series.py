"""`load_series`: order, geometry and values of slices that pydicom wrote, and what is refused."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut

import fastdcm
from tests.unit.volumes import slices
from tests.unit.volumes.slices import COLUMNS, ORIGIN, ROWS, SPACING, ct, enhanced, item, write, written

#: Names, positions and instance numbers each tell another order.
SHUFFLED = {"a.dcm": (3, 7), "b.dcm": (0, 9), "c.dcm": (2, 1), "d.dcm": (1, 4)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, (index, number) in SHUFFLED.items():
        write(tmp_path, name, ct(index, InstanceNumber=number))
    return tmp_path


def patient(dataset: Dataset, row: int, column: int) -> np.ndarray[Any, Any]:
    """Equation C.7.6.2.1-1."""
    cosines, spacing = np.array(dataset.ImageOrientationPatient), dataset.PixelSpacing
    along_row, along_column = cosines[:3] * spacing[1] * column, cosines[3:] * spacing[0] * row
    return np.asarray(np.array(dataset.ImagePositionPatient) + along_row + along_column, float)


def test_slices_are_sorted_along_their_normal(folder: Path) -> None:
    volume = fastdcm.load_series(folder)
    assert [Path(str(path)).name for path in volume.paths] == ["b.dcm", "d.dcm", "c.dcm", "a.dcm"]
    assert volume.shape == (4, ROWS, COLUMNS)
    assert volume.array.dtype == np.float32
    assert volume.spacing == pytest.approx(SPACING, abs=1e-6)
    assert volume.origin == pytest.approx(ORIGIN, abs=1e-6)
    for number, one in enumerate(volume.slices):
        dataset = pydicom.dcmread(str(one.path))
        assert one.sop_instance_uid == dataset.SOPInstanceUID
        assert one.position == tuple(dataset.ImagePositionPatient)
        expected = apply_modality_lut(dataset.pixel_array, dataset)
        np.testing.assert_array_equal(volume.array[number], expected)
        for row, column in ((0, 0), (ROWS - 1, 0), (0, COLUMNS - 1), (2, 3)):
            point = patient(dataset, row, column)
            np.testing.assert_allclose(volume.to_patient((number, row, column)), point, atol=2e-6)
            np.testing.assert_allclose(volume.affine @ (number, row, column, 1), (*point, 1), atol=2e-6)
            np.testing.assert_allclose(volume.to_index(point), (number, row, column), atol=1e-5)
    assert (volume.modality, volume.series_instance_uid) == ("CT", slices.uid("series"))
    assert volume.frame_of_reference_uid == slices.uid("frame of reference")


def test_points_may_have_any_shape(folder: Path) -> None:
    volume = fastdcm.load_series(folder)
    indexes = np.arange(24.0).reshape(2, 4, 3) / 7
    assert volume.to_patient(indexes).shape == indexes.shape
    np.testing.assert_allclose(volume.to_index(volume.to_patient(indexes)), indexes, atol=1e-9)


@pytest.mark.parametrize("threads", [1, 3])
def test_files_of_bytes_and_paths_in_any_order(folder: Path, threads: int) -> None:
    paths = sorted(folder.iterdir(), reverse=True)
    by_path = fastdcm.load_series(paths, threads=threads)
    by_bytes = fastdcm.load_series([path.read_bytes() for path in paths], threads=threads)
    np.testing.assert_array_equal(by_path.array, by_bytes.array)
    np.testing.assert_array_equal(by_path.array, fastdcm.load_series(folder).array)
    assert by_bytes.paths == (None,) * 4


def test_enhanced_object_has_the_planes_and_values_of_its_frames(tmp_path: Path) -> None:
    path = write(tmp_path, "enhanced.dcm", enhanced([2, 0, 3, 1]))
    volume = fastdcm.load_series(path, dtype="float64")
    assert [one.index for one in volume.slices] == [1, 3, 0, 2]
    assert volume.spacing == pytest.approx(SPACING, abs=1e-6)
    for index in range(4):
        expected = slices.pixels(index) * float(index + 1) - 5
        np.testing.assert_array_equal(volume.array[index], expected)


def test_several_enhanced_objects_are_one_series(tmp_path: Path) -> None:
    write(tmp_path, "one.dcm", enhanced([2, 0]))
    write(tmp_path, "two.dcm", enhanced([3, 1], SOPInstanceUID=slices.uid("two")))
    volume = fastdcm.load_series(tmp_path)
    assert [(Path(str(one.path)).stem, one.index) for one in volume.slices] == [
        ("one", 1),
        ("two", 1),
        ("one", 0),
        ("two", 0),
    ]
    np.testing.assert_array_equal(volume.array[3], slices.pixels(3) * 4.0 - 5)


def test_frames_choose_one_time_of_several() -> None:
    data = written(enhanced([0, 1, 0, 1]))
    with pytest.raises(fastdcm.VolumeError, match=r"2 images at one position.* Temporal Position Index"):
        fastdcm.load_series(data)
    volume = fastdcm.load_series(data, frames=[3, 2])
    assert [one.index for one in volume.slices] == [2, 3]
    for wrong in ([4], [-1], []):
        with pytest.raises(fastdcm.OptionError, match="4 that there are"):
            fastdcm.load_series(data, frames=wrong)
    with pytest.raises(fastdcm.OptionError, match="of one object"):
        fastdcm.load_series([written(ct(0)), written(ct(1))], frames=[0])


def test_files_of_a_folder_that_are_no_images_are_left_out(folder: Path) -> None:
    (folder / "notes.txt").write_text("no DICOM at all")
    below = folder / "below"
    below.mkdir()
    document = ct(0, Rows=None, PixelData=None, SOPInstanceUID=slices.uid("document"))
    document.Modality = "SR"
    write(below, "report.dcm", document)
    volume = fastdcm.load_series(folder)
    assert volume.shape[0] == 4
    left = {Path(path).name: reason for path, reason in volume.left_out.items()}
    assert set(left) == {"notes.txt", "report.dcm"}
    assert "not a DICOM file" in left["notes.txt"]
    assert "no pixel data" in left["report.dcm"]
    # Named one by one, it was meant.
    with pytest.raises(fastdcm.NotDicomError, match=r"notes\.txt"):
        fastdcm.load_series([*sorted(folder.glob("*.dcm")), folder / "notes.txt"])


def test_of_several_series_one_is_chosen(folder: Path) -> None:
    other = slices.uid("localizer")
    localizer = ct(0, SeriesInstanceUID=other, Rows=2, PixelData=bytes(2 * COLUMNS * 2))
    write(folder, "localizer.dcm", localizer)
    with pytest.raises(fastdcm.VolumeError) as raised:
        fastdcm.load_series(folder)
    assert "series_instance_uid=" in str(raised.value)
    assert f"{slices.uid('series')} (CT, 4 files)" in str(raised.value)
    assert f"{other} (CT, 1 file)" in str(raised.value)
    assert fastdcm.load_series(folder, series_instance_uid=slices.uid("series")).shape[0] == 4
    assert fastdcm.load_series(folder, series_instance_uid=other).shape == (1, 2, COLUMNS)
    with pytest.raises(fastdcm.VolumeError, match=r"no image is of the series 1\.2\.3; there are: "):
        fastdcm.load_series(folder, series_instance_uid="1.2.3")


def test_damage_in_another_series_does_not_matter_in_this_one_it_does(folder: Path) -> None:
    broken = ct(9, SeriesInstanceUID=slices.uid("broken"), BitsStored=17)
    path = write(folder, "broken.dcm", broken)
    assert fastdcm.load_series(folder, series_instance_uid=slices.uid("series")).shape[0] == 4
    broken.SeriesInstanceUID = slices.uid("series")
    write(folder, "broken.dcm", broken)
    with pytest.raises(fastdcm.DicomError, match="Bits Stored is 17") as raised:
        fastdcm.load_series(folder)
    assert raised.value.path == path


def cut_at(path: Path, tag: int, behind: int = 6) -> None:
    """Have a file end within the head of an element, or within its value."""
    place = path.read_bytes().index(struct.pack("<HH", tag >> 16, tag & 0xFFFF))
    path.write_bytes(path.read_bytes()[: place + behind])


@pytest.mark.parametrize("tag", [0x00200052, 0x00280010])
def test_header_that_is_cut_matters_in_its_own_series(folder: Path, tag: int) -> None:
    path = Path(write(folder, "cut.dcm", ct(9, SeriesInstanceUID=slices.uid("cut"))))
    cut_at(path, tag)
    with pytest.raises(fastdcm.DicomError):
        fastdcm.open(path)  # not even its header
    assert fastdcm.load_series(folder, series_instance_uid=slices.uid("series")).shape[0] == 4
    with pytest.raises(fastdcm.VolumeError, match=f"2 series; .*{slices.uid('cut')} .CT, 1 file"):
        fastdcm.load_series(folder)
    for uid in (None, slices.uid("cut")):
        with pytest.raises(fastdcm.TruncatedError) as raised:
            fastdcm.load_series([path] if uid is None else folder, series_instance_uid=uid)
        assert raised.value.path == str(path)


@pytest.mark.parametrize("behind", [6, 20])
def test_header_that_is_cut_before_its_series_is_told(folder: Path, behind: int) -> None:
    path = Path(write(folder, "cut.dcm", ct(9, SeriesInstanceUID=slices.uid("cut"))))
    cut_at(path, 0x0020000E, behind)
    for uid in (None, slices.uid("series")):
        with pytest.raises(fastdcm.TruncatedError, match="of which series this is: remove it, or") as raised:
            fastdcm.load_series(folder, series_instance_uid=uid)
        assert raised.value.path == str(path)
    others = sorted(set(folder.iterdir()) - {path})
    assert fastdcm.load_series(others).shape[0] == 4


def test_error_of_a_slice_names_it(folder: Path) -> None:
    path = folder / "c.dcm"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(fastdcm.TruncatedError) as raised:
        fastdcm.load_series(folder, threads=2)
    assert raised.value.path == str(path)


OTHER_DIRECTION = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
#: What one of four slices has otherwise -> what is said about it.
REFUSED: dict[str, tuple[Callable[[], list[Dataset]], str]] = {
    "gap": (lambda: [ct(i) for i in (0, 1, 2, 4)], "1 slice is missing between an image .* 5 mm apart where"),
    "gap of several": (lambda: [ct(i) for i in (0, 1, 2, 6)], "3 slices are missing"),
    "gap first": (lambda: [ct(i) for i in (0, 2, 3)], "1 slice is missing"),
    "uneven": (lambda: [ct(i) for i in (0, 1, 2, 3.1)], "spacing is not uniform.*tolerance=0.01"),
    "duplicate": (
        lambda: [ct(0, EchoTime="5"), ct(1), ct(0, EchoTime="7")],
        "2 images at one position.*differ in Echo Time; give the paths",
    ),
    "duplicate of all": (
        lambda: [ct(0), ct(1), ct(0, AcquisitionNumber=2), ct(1, AcquisitionNumber=2)],
        "Acquisition Number; so it is at 1 more positions",
    ),
    "orientation": (
        lambda: [ct(0), ct(1, ImageOrientationPatient=OTHER_DIRECTION)],
        "different orientations",
    ),
    "mirrored": (
        lambda: [ct(0), ct(1, ImageOrientationPatient=[*-slices.ROW, *slices.COLUMN])],
        "different orientations",
    ),
    "no right angle": (lambda: [ct(0, ImageOrientationPatient=[1, 0, 0, 0.5, 0.866, 0])], "right angles"),
    "no direction": (lambda: [ct(0, ImageOrientationPatient=[0, 0, 0, 0, 1, 0])], "right angles"),
    "pixel spacing": (
        lambda: [ct(0), ct(1, PixelSpacing=[0.75, 0.51])],
        "different Pixel Spacing: .*0.75.0.51",
    ),
    "zero spacing": (
        lambda: [ct(0, PixelSpacing=[0, 0.5]), ct(1, PixelSpacing=[0, 0.5])],
        "the Pixel Spacing 0",
    ),
    "shape": (
        lambda: [ct(0), ct(1, Rows=2, PixelData=bytes(2 * 2 * COLUMNS))],
        f"different shapes: {ROWS} x {COLUMNS} in an image, 2 x {COLUMNS}",
    ),
    "frame of reference": (
        lambda: [ct(0), ct(1, FrameOfReferenceUID="1.2.3")],
        "different Frame of Reference",
    ),
    "tilt": (
        lambda: [
            ct(i, ImagePositionPatient=list(np.array(slices.position(i)) + slices.COLUMN * i))
            for i in range(3)
        ],
        "beside the normal.*tilted gantry",
    ),
    "no position": (lambda: [ct(0), ct(1, ImagePositionPatient=None)], r"no Image Position \(Patient\)"),
    "no orientation": (lambda: [ct(0, ImageOrientationPatient=None)], r"no Image Orientation \(Patient\)"),
    "no pixel spacing": (lambda: [ct(0, PixelSpacing=None), ct(1)], "no Pixel Spacing"),
    "one slice": (lambda: [ct(0, SliceThickness=None)], "neither Spacing Between Slices nor Slice Thickness"),
    "classic frames": (
        lambda: [ct(0, NumberOfFrames=2, PixelData=bytes(4 * ROWS * COLUMNS))],
        "2 frames without functional groups",
    ),
    "palette": (lambda: [ct(0), ct(1, PhotometricInterpretation="PALETTE COLOR")], "one value a voxel"),
    "nothing": (list, "no images were given"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_what_is_no_volume_is_refused(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(fastdcm.VolumeError, match=message):
        fastdcm.load_series([written(dataset) for dataset in make()])


def test_gap_names_both_files_and_their_positions(tmp_path: Path) -> None:
    paths = [write(tmp_path, f"{index}.dcm", ct(index)) for index in (5, 0, 1)]
    with pytest.raises(fastdcm.VolumeError) as raised:
        fastdcm.load_series(tmp_path)
    along = [float(np.array(slices.position(index)) @ slices.NORMAL) for index in (1, 5)]
    assert f"3 slices are missing between {paths[2]} ({along[0]:.6g} mm" in str(raised.value)
    assert f"and {paths[0]} ({along[1]:.6g} mm along the normal)" in str(raised.value)


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(fastdcm.VolumeError, match="no file"):
        fastdcm.load_series(tmp_path)
    (tmp_path / "text").write_text("text")
    with pytest.raises(fastdcm.VolumeError, match="no images"):
        fastdcm.load_series(tmp_path)


def test_tolerance_is_a_part_of_the_distance() -> None:
    uneven = [written(ct(index)) for index in (0, 1, 2.03, 3)]
    with pytest.raises(fastdcm.VolumeError, match="not uniform"):
        fastdcm.load_series(uneven)
    volume = fastdcm.load_series(uneven, tolerance=0.05)
    assert volume.spacing[0] == pytest.approx(2.5, abs=1e-6)
    for wrong in (0, 0.5, -1):
        with pytest.raises(fastdcm.OptionError, match="tolerance"):
            fastdcm.load_series(uneven, tolerance=wrong)


def test_small_steps_to_one_side_add_up() -> None:
    # Each distance is within 4 % of the middle one, and the slice in the middle a fifth of one off its place.
    drifting = [written(ct(index + 0.003 * index**2 / 2)) for index in range(24)]
    with pytest.raises(fastdcm.VolumeError, match="not uniform"):
        fastdcm.load_series(drifting, tolerance=0.04)


def test_one_slice_is_as_thick_as_it_says() -> None:
    assert fastdcm.load_series(written(ct(0))).spacing == (2.5, 0.75, 0.5)
    assert fastdcm.load_series(written(ct(0, SpacingBetweenSlices="3"))).spacing[0] == 3


def test_options_of_open_and_wrong_ones(folder: Path) -> None:
    with pytest.raises(fastdcm.DicomError, match="max_pixels"):
        fastdcm.load_series(folder, max_pixels=3)
    with pytest.raises(fastdcm.OptionError, match="unknown option"):
        fastdcm.load_series(folder, windows=3)
    with pytest.raises(fastdcm.OptionError, match="threads"):
        fastdcm.load_series(folder, threads=0)


def test_orientation_may_stand_with_each_frame() -> None:
    """Orientation and spacing may stand with the frame, the position with all."""
    dataset = enhanced([0, 1])
    for group in dataset.PerFrameFunctionalGroupsSequence:
        group.PlaneOrientationSequence = [item(ImageOrientationPatient=slices.orientation())]
    del dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence
    assert fastdcm.load_series(written(dataset)).orientation == tuple(slices.orientation())
