"""Frames of many objects in one array: values, types, samples, errors, threads."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage

import fastdcm
from fastdcm.arrays.batch import Form, Room, empty
from fastdcm.errors import OptionError, RenderError, SourceError
from tests.builders import Element, image

Array = NDArray[Any]
ROWS, COLUMNS = 12, 16
CENTER, WIDTH = 40.0, 400.0
SLOPE, INTERCEPT = 1, -1024


def slice_of(
    number: int, *, rows: int = ROWS, columns: int = COLUMNS, slope: Any = SLOPE, **more: Any
) -> bytes:
    """A CT slice of 12 bits, whose values say which it is."""
    stored = (np.arange(rows * columns) * 17 + number * 101) % 4096
    extra = [
        Element(0x00281050, "DS", CENTER),
        Element(0x00281051, "DS", WIDTH),
        Element(0x00281052, "DS", INTERCEPT),
        Element(0x00281053, "DS", slope),
    ]
    values = {"rows": rows, "columns": columns, "bits": 16, "stored": 12, "extra": extra} | more
    return image(stored.astype("<u2").tobytes(), **values)


def colour(number: int = 0) -> bytes:
    """An RGB image of 8 bits."""
    pixels = np.random.default_rng(number).integers(0, 256, ROWS * COLUMNS * 3, np.uint8)
    return image(pixels.tobytes(), rows=ROWS, columns=COLUMNS, bits=8, stored=8, samples=3, photometric="RGB")


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    found = []
    for number in range(9):
        (tmp_path / f"{number}.dcm").write_bytes(slice_of(number))
        found.append(str(tmp_path / f"{number}.dcm"))
    return found


def hounsfield(path: str) -> Array:
    """Modality values by pydicom and PS3.3 C.11.1.1.2."""
    dataset = pydicom.dcmread(path)
    return dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)


def shown(values: Array, top: float, center: float = CENTER, width: float = WIDTH) -> Array:
    """PS3.3 C.11.2.1.2.1 by itself, in float64."""
    y = ((values - (center - 0.5)) / (width - 1) + 0.5) * top
    return np.clip(y, 0, top)


def test_display_values_are_those_of_the_standards_formula(paths: list[str]) -> None:
    array = fastdcm.load(paths)
    assert array.shape == (len(paths), ROWS, COLUMNS)
    assert array.dtype == np.uint8
    for row, path in zip(array, paths, strict=True):
        assert np.abs(row - shown(hounsfield(path), 255)).max() <= 0.5 + 1e-6


def test_display_values_of_16_bits_and_floats(paths: list[str]) -> None:
    deep, single = fastdcm.load(paths, dtype=np.uint16), fastdcm.load(paths, dtype="float32")
    assert deep.max() == 65535
    assert single.max() == 1.0
    assert single.dtype == np.float32
    for row, floats, path in zip(deep, single, paths, strict=True):
        expected = shown(hounsfield(path), 65535)
        assert np.abs(row - expected).max() <= 0.5 + 1e-6
        assert np.array_equal(floats, (row / 65535).astype(np.float32))


def test_window_is_that_of_the_caller(paths: list[str]) -> None:
    array = fastdcm.load(paths[:1], window=(-600, 1500))
    assert np.abs(array[0] - shown(hounsfield(paths[0]), 255, -600, 1500)).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int32"])
def test_modality_values_are_hounsfield_units(paths: list[str], dtype: str) -> None:
    array = fastdcm.load(paths, values="modality", dtype=dtype)
    assert array.dtype == dtype
    assert np.array_equal(array, np.stack([hounsfield(path) for path in paths]))
    assert fastdcm.load(paths, values="modality").dtype == np.float32


def test_stored_values(paths: list[str]) -> None:
    array = fastdcm.load(paths, values="stored")
    assert array.dtype == np.uint16
    assert np.array_equal(array, np.stack([pydicom.dcmread(path).pixel_array for path in paths]))


@pytest.mark.parametrize(
    ("values", "dtype", "words"),
    [
        ("modality", "uint8", "values from -1024 to"),
        ("modality", "uint16", "values from -1024 to"),
        ("stored", "uint8", "values from"),
    ],
)
def test_type_that_cannot_hold_the_values(paths: list[str], values: Any, dtype: str, words: str) -> None:
    with pytest.raises(RenderError, match=f"{words}.* do not fit into {dtype}") as found:
        fastdcm.load(paths, values=values, dtype=dtype)
    assert found.value.path == paths[0]
    assert found.value.frame == 1


def test_type_is_asked_of_values_not_of_possible_ones() -> None:
    low = image(np.full(ROWS * COLUMNS, 200, "<u2").tobytes(), rows=ROWS, columns=COLUMNS, bits=16, stored=12)
    assert (fastdcm.load([low], values="stored", dtype="uint8") == 200).all()


def test_fractions_are_no_integers() -> None:
    half = slice_of(1, slope="0.5")
    with pytest.raises(RenderError, match="fractions do not fit into int16; use a float dtype"):
        fastdcm.load([half], values="modality", dtype="int16")
    array = fastdcm.load([half], values="modality")
    assert (array % 1 != 0).any()


def test_means_of_whole_numbers_are_rounded(paths: list[str]) -> None:
    size = (ROWS // 2, COLUMNS // 2)
    array = fastdcm.load(paths, size, values="modality", dtype="int16")
    for row, path in zip(array, paths, strict=True):
        mean = hounsfield(path).reshape(size[0], 2, size[1], 2).mean((1, 3))
        assert np.array_equal(row, np.floor(mean + 0.5))


def test_integers_that_a_float_has_not() -> None:
    stored = np.full(ROWS * COLUMNS, (1 << 24) + 1, "<u4")
    data = image(stored.tobytes(), rows=ROWS, columns=COLUMNS, bits=32, stored=32)
    with pytest.raises(RenderError, match="do not fit into float32"):
        fastdcm.load([data], values="stored", dtype="float32")
    assert (fastdcm.load([data], values="stored", dtype="float64") == (1 << 24) + 1).all()


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("on_error", ["skip", "mask"])
def test_any_number_of_threads_gives_the_same(paths: list[str], on_error: Any, number: int) -> None:
    several = [*paths[:4], "nowhere.dcm", *paths[4:], paths[0] + ".gone"] * 4
    one = fastdcm.load(several, on_error=on_error, threads=1)
    many = fastdcm.load(several, on_error=on_error, threads=number)
    assert np.array_equal(one.array, many.array)
    assert np.array_equal(one.positions, many.positions)
    assert np.array_equal(one.mask, many.mask)
    assert one.origins == many.origins
    assert [str(error) for error in one.errors] == [str(error) for error in many.errors]


@pytest.mark.parametrize("number", [1, 2, 8])
def test_first_error_is_raised_whoever_meets_one_first(paths: list[str], number: int) -> None:
    several = [*paths, "first.dcm", *paths, "second.dcm", *["third.dcm"] * 20]
    for _ in range(10):
        with pytest.raises(SourceError) as found:
            fastdcm.load(several, threads=number)
        assert found.value.path == "first.dcm"


def test_errors_as_data(paths: list[str]) -> None:
    several = [paths[0], "nowhere.dcm", paths[1], paths[2]]
    left = fastdcm.load(several, on_error="skip")
    whole = fastdcm.load(paths[:3])
    assert np.array_equal(left.array, whole)
    assert left.positions.tolist() == [0, 2, 3]
    assert left.mask.all()
    assert [origin.path for origin in left.origins] == paths[:3]
    zeros = fastdcm.load(several, on_error="mask")
    assert zeros.mask.tolist() == [True, False, True, True]
    assert np.array_equal(zeros.array[zeros.mask], whole)
    assert not zeros.array[1].any()
    assert zeros.mappings[1] is None
    for batch in (left, zeros):
        (error,) = batch.errors
        assert isinstance(error, SourceError)
        assert error.path == "nowhere.dcm"
        assert error.__traceback__ is None, "arrays of the calls that it came through stay in memory"


def test_nothing_that_can_be_read() -> None:
    masked = fastdcm.load(["a", "b"], (4, 6), on_error="mask", channels=3)
    assert masked.array.shape == (2, 4, 6, 3)
    assert not masked.array.any()
    assert fastdcm.load(["a", "b"], 4, on_error="skip").array.shape == (0, 4, 4)
    assert fastdcm.load([], 4).shape == (0, 4, 4)


def test_into_the_callers_array(paths: list[str]) -> None:
    out = np.full((len(paths) + 1, ROWS, COLUMNS), 7, np.uint8)
    array = fastdcm.load(paths, out=out)
    assert array.base is out
    assert np.array_equal(out[:-1], fastdcm.load(paths))
    assert (out[-1] == 7).all()
    left = fastdcm.load([paths[0], "nowhere", paths[1]], out=out, on_error="skip").array
    assert np.shares_memory(left, out)
    assert np.array_equal(left, fastdcm.load(paths[:2]))
    masked = fastdcm.load([paths[0], "nowhere", paths[1]], out=out, on_error="mask").array
    assert not masked[1].any(), "what was there before is not a frame"
    backwards = np.empty((len(paths), COLUMNS, ROWS), np.uint8).transpose(0, 2, 1)
    assert np.array_equal(fastdcm.load(paths, out=backwards), fastdcm.load(paths))


@pytest.mark.parametrize(
    ("out", "words"),
    [
        (np.empty((9, ROWS, COLUMNS + 1), np.uint8), r"\(9, 12, 16\) are needed"),
        (np.empty((8, ROWS, COLUMNS), np.uint8), "are needed"),
        (np.empty((9, ROWS, COLUMNS), np.int16), "dtype of display values must be one of"),
        ([], "must be a NumPy array"),
    ],
)
def test_array_that_does_not_fit(paths: list[str], out: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        fastdcm.load(paths, out=out)


def test_array_that_cannot_be_written(paths: list[str]) -> None:
    out = np.empty((9, ROWS, COLUMNS), np.uint8)
    out.flags.writeable = False
    with pytest.raises(OptionError, match="read-only"):
        fastdcm.load(paths, out=out)
    with pytest.raises(OptionError, match="out is uint8, but dtype is uint16"):
        fastdcm.load(paths, out=np.empty((9, ROWS, COLUMNS), np.uint8), dtype="uint16")


def test_frames_of_other_shapes_say_what_to_do(paths: list[str]) -> None:
    other = slice_of(0, rows=8)
    with pytest.raises(RenderError, match=r"16 x 8, but the array's are 16 x 12: give size="):
        fastdcm.load([*paths, other])
    with pytest.raises(RenderError, match=r"the frame is colour.*give channels=1 or channels=3"):
        fastdcm.load([*paths, colour()])
    with pytest.raises(RenderError, match=r"the frame is gray"):
        fastdcm.load([colour(), *paths])


def test_grays_and_colours_together(paths: list[str]) -> None:
    three = fastdcm.load([paths[0], colour()], channels=3)
    assert three.shape == (2, ROWS, COLUMNS, 3)
    gray = fastdcm.load(paths[:1])[0]
    assert all(np.array_equal(three[0, ..., plane], gray) for plane in range(3))
    expected = pydicom.dcmread(io.BytesIO(colour())).pixel_array
    assert np.array_equal(three[1], expected)
    one = fastdcm.load([paths[0], colour()], channels=1)
    assert np.array_equal(one[0], gray)
    assert np.array_equal(one[1], np.asarray(PillowImage.fromarray(expected).convert("L")))
    with pytest.raises(RenderError, match="colour has no single stored value"):
        fastdcm.load([colour()], values="stored", channels=1)


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
def test_fit_is_that_of_render(paths: list[str], fit: str) -> None:
    size = (8, 8)
    batch = fastdcm.load(paths, size, fit=fit, on_error="mask")
    for row, mapping, path in zip(batch.array, batch.mappings, paths, strict=True):
        with fastdcm.open(path) as image:
            assert np.array_equal(row, image.render(size=size, fit=fit))
            assert mapping == image.mapping(size=size, fit=fit)
    black = {"pad": 2, "crop": 0, "stretch": 0}[fit]
    assert not batch.array[:, :1].any() if black else batch.array[:, 0].any()
    assert np.array_equal(batch.array, fastdcm.load(paths, size, fit=fit, threads=4))


def test_pad_is_usual_and_a_number_a_square(paths: list[str]) -> None:
    assert np.array_equal(fastdcm.load(paths, 8), fastdcm.load(paths, (8, 8), fit="pad"))


@pytest.mark.parametrize("values", ["display", "modality", "stored"])
def test_frame_that_has_the_size_is_as_it_was(paths: list[str], values: Any) -> None:
    batch = fastdcm.load(paths, (ROWS, COLUMNS), values=values, on_error="mask")
    assert np.array_equal(batch.array, fastdcm.load(paths, values=values))
    with fastdcm.open(paths[0]) as image:
        assert batch.mappings[0] == image.mapping(size=(ROWS, COLUMNS), fit="pad")
    turned = fastdcm.load(paths, (ROWS, COLUMNS), rotate=180)
    assert np.array_equal(turned, fastdcm.load(paths)[:, ::-1, ::-1])


def test_mixed_sizes_to_one(paths: list[str]) -> None:
    large = [slice_of(number, rows=4 * ROWS, columns=4 * COLUMNS) for number in range(3)]
    array = fastdcm.load([*paths, *large], (ROWS, COLUMNS))
    assert np.array_equal(array[: len(paths)], fastdcm.load(paths))
    for row, data in zip(array[len(paths) :], large, strict=True):
        assert np.array_equal(row, fastdcm.render(data, size=(ROWS, COLUMNS)))


def test_three_windows(paths: list[str]) -> None:
    array = fastdcm.load(paths[:1], channels="40/80,80/200,600/2800")
    for plane, window in enumerate([(40, 80), (80, 200), (600, 2800)]):
        assert np.array_equal(array[0, ..., plane], fastdcm.load(paths[:1], window=window)[0])


def test_all_frames_of_objects(paths: list[str]) -> None:
    pixels = np.arange(3 * ROWS * COLUMNS, dtype="<u2")
    three = image(pixels.tobytes(), rows=ROWS, columns=COLUMNS, bits=16, stored=16, frames=3)
    batch = fastdcm.load([paths[0], three], values="stored", frames="all", on_error="mask")
    assert [origin.frame for origin in batch.origins] == [1, 1, 2, 3]
    assert np.array_equal(batch.array[1:], pixels.reshape(3, ROWS, COLUMNS))
    second = fastdcm.load([paths[0], three], values="stored", frames="2", on_error="mask")
    assert second.mask.tolist() == [False, True]
    assert "frame 2 was asked for, but the object has 1 frame" in str(second.errors[0])
    assert second.errors[0].path == paths[0]


def test_folders_are_walked_as_convert_walks_them(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name, number in (("10.dcm", 10), ("9.dcm", 9), ("b/1.dcm", 1)):
        (tmp_path / name).write_bytes(slice_of(number))
    (tmp_path / "notes.txt").write_text("no DICOM")
    batch = fastdcm.load(tmp_path, on_error="mask")
    names = [os.path.relpath(origin.path or "", tmp_path) for origin in batch.origins]
    assert sorted(names) == ["10.dcm", "9.dcm", os.path.join("b", "1.dcm")]
    assert names[-1] == os.path.join("b", "1.dcm")
    assert batch.errors == ()
    assert np.array_equal(batch.array, fastdcm.load([tmp_path / name for name in names]))
    with pytest.raises(fastdcm.NotDicomError):
        fastdcm.load([tmp_path / "notes.txt"])


def test_one_path_and_bytes(paths: list[str]) -> None:
    assert np.array_equal(fastdcm.load(paths[0]), fastdcm.load(paths[:1]))
    assert np.array_equal(fastdcm.load(Path(paths[0])), fastdcm.load(slice_of(0)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"values": "hounsfield"}, "values must be one of"),
        ({"on_error": "ignore"}, "on_error must be"),
        ({"dtype": "int16"}, "dtype of display values must be one of uint8"),
        ({"dtype": "no type"}, "none that NumPy knows"),
        ({"dtype": ">u2"}, "another byte order"),
        ({"threads": 0}, "threads must be a whole number of at least 1"),
        ({"bits": 16}, "bits follow from dtype"),
        ({"values": "modality", "window": (40, 400)}, "modality values are those before windows"),
        ({"values": "stored", "channels": "40/80,80/200,600/2800"}, "stored values are those before"),
        ({"quality": 90}, "arrays have no format"),
        ({"frames": "0"}, "frames count from 1"),
        ({"no_such_option": 1}, "unknown option 'no_such_option'"),
        ({"channels": 2}, "channels 2: give 1, 3 or three windows"),
    ],
    ids=str,
)
def test_what_makes_no_sense(paths: list[str], options: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        fastdcm.load(paths, **options)


def test_options_of_reading_are_options(paths: list[str]) -> None:
    with pytest.raises(fastdcm.FastdcmError, match="max_pixels"):
        fastdcm.load(paths, max_pixels=10)


def test_more_than_memory_has() -> None:
    with pytest.raises(OptionError, match=r"GB does not fit into memory: .*iter_batches"):
        empty((1 << 40, 1 << 20), np.dtype(np.uint8))
    with pytest.raises(OptionError, match=r"GB does not fit into memory"):
        Room(2).array(1 << 40, Form((1 << 20,), np.dtype(np.uint8)))


def test_errors_of_our_own_are_no_data(paths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from fastdcm.arrays import pieces

    def fails(*arguments: Any) -> Any:
        if threading.current_thread() is threading.main_thread() and not seen:
            seen.append(1)
            return original(*arguments)
        raise ZeroDivisionError

    seen: list[int] = []
    original = pieces.Reader.read
    monkeypatch.setattr(pieces.Reader, "read", fails)
    with pytest.raises(ZeroDivisionError):
        fastdcm.load(paths, threads=3, on_error="mask")
    assert not [thread for thread in threading.enumerate() if thread.name == "fastdcm-batches"]
