"""`Volume.segmentation`: masks of segmentations that pydicom wrote, and geometries that are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

import fastdcm
from fastdcm.volumes.segments import Code
from tests.unit.volumes import slices
from tests.unit.volumes.slices import (
    COLUMNS,
    ROWS,
    ct,
    enhanced,
    frame,
    item,
    segment,
    segmentation,
    source_image,
    written,
)

Array = NDArray[Any]
SLICES = 4
EMPTY = np.zeros((SLICES, ROWS, COLUMNS), bool)


@pytest.fixture(scope="module")
def volume() -> fastdcm.Volume:
    return fastdcm.load_series([written(ct(index)) for index in (2, 0, 3, 1)])


def blobs(count: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).random((count, ROWS, COLUMNS)) > 0.5


def in_place(values: Array, indexes: list[int], dtype: Any = bool) -> Array:
    """Frames at their slices, by hand."""
    result = np.zeros((SLICES, ROWS, COLUMNS), dtype)
    for value, index in zip(values, indexes, strict=True):
        result[index] = value
    return result


def test_binary_frames_are_placed_by_position(volume: fastdcm.Volume) -> None:
    values = blobs(5)
    frames = [frame(1, 3), frame(2, 0), frame(1, 1), frame(2, 2), frame(1, 0)]
    masks = volume.segmentation(
        written(segmentation("BINARY", [segment(2, "Spleen"), segment(1)], frames, values))
    )
    assert masks.type == "BINARY"
    assert list(masks) == [2, 1]
    assert len(masks) == 2
    assert 1 in masks
    assert 3 not in masks
    assert masks[1].dtype == bool
    np.testing.assert_array_equal(masks[1], in_place(values[[0, 2, 4]], [3, 1, 0]))
    np.testing.assert_array_equal(masks[2], in_place(values[[1, 3]], [0, 2]))
    assert masks[1].shape == volume.shape
    with pytest.raises(KeyError):
        masks[3]


def test_segments_are_described(volume: fastdcm.Volume) -> None:
    described = segment(7, "Läsion")
    described.TrackingID, described.TrackingUID = "L1", "1.2.3"
    described.SegmentDescription = "größer"
    dataset = segmentation("BINARY", [described], [frame(7, 0)], blobs(1), SpecificCharacterSet="ISO_IR 192")
    (known,) = volume.segmentation(written(dataset)).segments
    assert known == volume.segmentation(written(dataset)).segment(7)
    assert (known.number, known.label, known.description) == (7, "Läsion", "größer")
    assert known.category == Code("123037004", "SCT", "Anatomical Structure")
    assert known.type == Code("10200004", "SCT", "Liver")
    assert (known.algorithm_type, known.algorithm_name) == ("AUTOMATIC", "test")
    assert (known.tracking_id, known.tracking_uid) == ("L1", "1.2.3")


def test_labels_choose_segments(volume: fastdcm.Volume) -> None:
    segments = [segment(1, "Liver"), segment(2, "Lesion"), segment(3, "Lesion")]
    masks = volume.segmentation(written(segmentation("BINARY", segments, [frame(1, 0)], blobs(1))))
    assert masks.number_of("Liver") == 1
    for label, count in (("Lesion", 2), ("liver", 0)):
        with pytest.raises(KeyError, match=f"{count} segments have the label"):
            masks.number_of(label)
    np.testing.assert_array_equal(masks[2], EMPTY)


def test_label_map_of_binary_segments(volume: fastdcm.Volume) -> None:
    first = blobs(2)
    second = ~first
    frames = [frame(1, 0), frame(1, 3), frame(300, 0), frame(300, 2)]
    dataset = segmentation("BINARY", [segment(1), segment(300)], frames, np.concatenate([first, second]))
    labels = volume.segmentation(written(dataset)).labels()
    assert labels.dtype == np.uint16
    expected = in_place(first, [0, 3], np.uint16) + in_place(second, [0, 2], np.uint16) * 300
    np.testing.assert_array_equal(labels, expected)
    second[0, 0, 0] = first[0, 0, 0] = True
    dataset = segmentation("BINARY", [segment(1), segment(300)], frames, np.concatenate([first, second]))
    with pytest.raises(fastdcm.VolumeError, match="1 and 300 overlap in slice 0"):
        volume.segmentation(written(dataset)).labels()


def test_fractional_segments_are_parts_of_the_maximum(volume: fastdcm.Volume) -> None:
    values = np.random.default_rng(3).integers(0, 201, (2, ROWS, COLUMNS))
    dataset = segmentation("FRACTIONAL", [segment(1)], [frame(1, 2), frame(1, 1)], values)
    masks = volume.segmentation(written(dataset))
    assert (masks.type, masks.fractional_type) == ("FRACTIONAL", "PROBABILITY")
    assert masks[1].dtype == np.float32
    np.testing.assert_array_equal(masks[1], in_place((values / 200).astype(np.float32), [2, 1], np.float32))
    with pytest.raises(fastdcm.VolumeError, match="fractional"):
        masks.labels()
    dataset.MaximumFractionalValue = 100
    with pytest.raises(fastdcm.DicomError, match="above the Maximum Fractional Value 100"):
        volume.segmentation(written(dataset))[1]
    dataset.MaximumFractionalValue = 0
    with pytest.raises(fastdcm.DicomError, match="Maximum Fractional Value is 0"):
        volume.segmentation(written(dataset))


@pytest.mark.parametrize("padding", [None, 0, 5])
def test_label_map(volume: fastdcm.Volume, padding: int | None) -> None:
    background = padding or 0
    values = np.random.default_rng(4).choice([background, 1, 3], (2, ROWS, COLUMNS))
    segments = [segment(1), segment(3)]
    if padding is not None:
        segments.append(segment(padding, "Background"))
    changes = {} if padding is None else {"PixelPaddingValue": padding}
    dataset = segmentation("LABELMAP", segments, [frame(None, 3), frame(None, 0)], values, **changes)
    masks = volume.segmentation(written(dataset))
    assert list(masks) == [1, 3]
    assert masks.background == background
    expected = np.full((SLICES, ROWS, COLUMNS), background)
    expected[[3, 0]] = values
    assert masks.labels().dtype == np.uint8
    np.testing.assert_array_equal(masks.labels(), expected)
    np.testing.assert_array_equal(masks[3], expected == 3)


def test_label_without_a_segment_is_an_error(volume: fastdcm.Volume) -> None:
    values = np.full((1, ROWS, COLUMNS), 2)
    dataset = segmentation("LABELMAP", [segment(1)], [frame(None, 0)], values)
    with pytest.raises(fastdcm.DicomError, match="the value 2, but no segment"):
        volume.segmentation(written(dataset)).labels()


def test_frames_without_a_position_are_those_of_their_images(volume: fastdcm.Volume) -> None:
    values = blobs(2)
    frames = [frame(1, None, 2), frame(1, None, 1)]
    masks = volume.segmentation(written(segmentation("BINARY", [segment(1)], frames, values)))
    np.testing.assert_array_equal(masks[1], in_place(values, [2, 1]))


def test_referenced_frames_of_an_enhanced_object(tmp_path: Path) -> None:
    source = enhanced([2, 0, 3, 1])
    volume = fastdcm.load_series(written(source))
    image = item(
        ReferencedSOPClassUID=source.SOPClassUID,
        ReferencedSOPInstanceUID=source.SOPInstanceUID,
        ReferencedFrameNumber=3,
    )
    groups = frame(1, None)
    groups.DerivationImageSequence = [item(SourceImageSequence=[image])]
    dataset = segmentation("BINARY", [segment(1)], [groups], blobs(1))
    path = slices.write(tmp_path, "seg.dcm", dataset)
    np.testing.assert_array_equal(volume.segmentation(path)[1], in_place(blobs(1), [3]))
    del image.ReferencedFrameNumber
    with pytest.raises(fastdcm.VolumeError, match="comes from 4 of the volume's slices") as raised:
        volume.segmentation(written(dataset))
    assert raised.value.frame == 1


def test_frames_beyond_the_slices_are_left_out_when_asked(volume: fastdcm.Volume) -> None:
    values = blobs(3)
    data = written(segmentation("BINARY", [segment(1)], [frame(1, -1), frame(1, 2), frame(1, 4)], values))
    with pytest.raises(fastdcm.VolumeError, match=r"beyond the volume's slices.*outside='skip'"):
        volume.segmentation(data)
    np.testing.assert_array_equal(volume.segmentation(data, outside="skip")[1], in_place(values[1:2], [2]))
    with pytest.raises(fastdcm.OptionError, match="outside"):
        volume.segmentation(data, outside="ignore")  # type: ignore[arg-type]


def _plain(**changes: Any) -> Dataset:
    return segmentation("BINARY", [segment(1)], [frame(1, 0), frame(1, 1)], blobs(2), **changes)


def _shared(**changes: Any) -> Dataset:
    dataset = _plain()
    for name, value in changes.items():
        setattr(dataset.SharedFunctionalGroupsSequence[0], name, value)
    return dataset


def _moved(*by: float) -> Dataset:
    """Both frames, moved by so many slices, rows and columns."""
    dataset = _plain()
    step = np.array(
        [slices.NORMAL * slices.SPACING[0], slices.COLUMN * slices.SPACING[1], slices.ROW * slices.SPACING[2]]
    )
    for index, groups in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        place = np.array(slices.position(index)) + by @ step
        groups.PlanePositionSequence[0].ImagePositionPatient = place.round(6).tolist()
    return dataset


def _orientation(*cosines: float) -> Dataset:
    return _shared(PlaneOrientationSequence=[item(ImageOrientationPatient=list(cosines))])


def _frames(*frames: Dataset) -> Dataset:
    return segmentation("BINARY", [segment(1)], frames, blobs(len(frames)))


def _slide() -> Dataset:
    groups = frame(1, None)
    groups.PlanePositionSlideSequence = [item(XOffsetInSlideCoordinateSystem="1")]
    return _frames(groups)


WRONG: dict[str, tuple[Callable[[], Dataset], type[fastdcm.FastdcmError], str]] = {
    "shape": (
        lambda: segmentation("BINARY", [segment(1)], [frame(1, 0)], blobs(1)[:, :, :-1], Columns=COLUMNS - 1),
        fastdcm.VolumeError,
        "has 4 x 5 pixels a frame, the volume 4 x 6",
    ),
    "mirrored": (
        lambda: _orientation(*-slices.ROW, *slices.COLUMN),
        fastdcm.VolumeError,
        "Orientation .*resample",
    ),
    "turned": (lambda: _orientation(1, 0, 0, 0, 1, 0), fastdcm.VolumeError, "Image Orientation"),
    "spacing": (
        lambda: _shared(PixelMeasuresSequence=[item(PixelSpacing=[0.75, 0.6])]),
        fastdcm.VolumeError,
        r"Pixel Spacing is 0\.75.0\.6, the volume's 0\.75.0\.5",
    ),
    "between": (lambda: _moved(0.4, 0, 0), fastdcm.VolumeError, r"between the volume's slices, at 0\.4"),
    "a column beside": (lambda: _moved(0, 0, 1), fastdcm.VolumeError, "lies .* rows and 1 columns beside"),
    "half a row beside": (lambda: _moved(0, 0.5, 0), fastdcm.VolumeError, r"lies 0\.5 rows and"),
    "frame of reference": (
        lambda: _plain(FrameOfReferenceUID="1.2.3"),
        fastdcm.VolumeError,
        r"Frame of Reference UID 1\.2\.3",
    ),
    "image of another slice": (
        lambda: _frames(frame(1, 0, source=1)),
        fastdcm.VolumeError,
        "lies at slice 0, and says .* of slice 1",
    ),
    "twice": (
        lambda: _frames(frame(1, 1), frame(1, 1)),
        fastdcm.VolumeError,
        "frames 1 and 2 are of the same slice",
    ),
    "nowhere": (
        lambda: _frames(frame(1, None)),
        fastdcm.VolumeError,
        "comes from none of the volume's slices",
    ),
    "slide": (_slide, fastdcm.VolumeError, r"Plane Position \(Slide\)"),
    "of no segment": (
        lambda: _frames(frame(None, 0)),
        fastdcm.DicomError,
        "no Segment Identification Sequence",
    ),
    "of an unknown segment": (
        lambda: _frames(frame(2, 0)),
        fastdcm.DicomError,
        "segment 2, which is not described",
    ),
    "no segments": (
        lambda: segmentation("BINARY", [], [frame(1, 0)], blobs(1)),
        fastdcm.DicomError,
        "has no segment",
    ),
    "segments of one number": (
        lambda: segmentation("BINARY", [segment(1), segment(1)], [frame(1, 0)], blobs(1)),
        fastdcm.DicomError,
        "two segments have the Segment Number 1",
    ),
    "type": (
        lambda: _plain(SegmentationType="SURFACE"),
        fastdcm.DicomError,
        "Segmentation Type .* 'SURFACE'",
    ),
    "an image": (lambda: ct(0), fastdcm.VolumeError, "no segmentation, but an object of SOP Class"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_geometry_is_an_error_and_no_mask(volume: fastdcm.Volume, case: str) -> None:
    make, kind, message = WRONG[case]
    with pytest.raises(kind, match=message):
        volume.segmentation(written(make()))


def test_errors_name_the_file(volume: fastdcm.Volume, tmp_path: Path) -> None:
    path = slices.write(tmp_path, "seg.dcm", _moved(0.4, 0, 0))
    with pytest.raises(fastdcm.VolumeError) as raised:
        volume.segmentation(path)
    assert (raised.value.path, raised.value.frame) == (path, 1)
    with pytest.raises(fastdcm.SourceError):
        volume.segmentation(tmp_path / "none")


def test_right_where_it_was_moved_by_nothing(volume: fastdcm.Volume) -> None:
    """The rows above are refused for what they change, not for anything else."""
    for dataset in (_plain(), _moved(0, 0, 0), _orientation(*slices.ROW, *slices.COLUMN), _moved(1, 0, 0)):
        assert volume.segmentation(written(dataset))[1].any()
    both = _frames(frame(1, 0, source=0), frame(1, 1, source=1))
    np.testing.assert_array_equal(volume.segmentation(written(both))[1], in_place(blobs(2), [0, 1]))
    elsewhere = frame(1, 0)
    elsewhere.DerivationImageSequence = source_image(77)  # an image that the volume does not have
    assert volume.segmentation(written(_frames(elsewhere)))[1].any()
