"""The data set of frames, in NumPy alone."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastdcm
from fastdcm.arrays.batch import Origin
from fastdcm.training.frames import FrameDataset
from tests.training.making import NAMES, open_files, paths

SIZE = (48, 64)


def test_items_are_those_of_load() -> None:
    data = FrameDataset(paths(), size=SIZE, channels=1, dtype="float32")
    assert len(data) == len(NAMES)
    expected = fastdcm.load(paths(), SIZE, channels=1, dtype="float32", threads=1)
    assert np.array_equal(np.stack([data[index] for index in range(len(data))]), expected)
    assert np.array_equal(np.stack(list(data)), expected)
    assert np.array_equal(data[-1], expected[-1])


def test_an_item_is_the_callers_own() -> None:
    data = FrameDataset(paths()[:2])
    first = data[0].copy()
    data[0][:] = 0
    assert data[0].flags.writeable
    assert np.array_equal(data[0], first)


@pytest.mark.parametrize("values", ["modality", "stored"])
def test_values(values: Any) -> None:
    data = FrameDataset(paths()[:1], values=values)
    assert np.array_equal(data[0], fastdcm.read(paths()[0], values=values))
    assert data[0].dtype == {"modality": np.float32, "stored": np.int16}[values]


def test_frames_of_one_object_share_its_label(pydicom_files: Path) -> None:
    several = pydicom_files / "rtdose.dcm"
    data = FrameDataset([paths()[0], several, paths()[1]], [5, 6, 7], frames="all", values="stored")
    assert len(data) == 17
    assert [data.label(index) for index in range(len(data))] == [5, *[6] * 15, 7]
    array, label = data[3]
    assert label == 6
    assert np.array_equal(array, fastdcm.read(several, 2))
    assert data.origin(3) == Origin(str(several), 3)


def test_folders(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for number, path in enumerate(paths()[:3]):
        (tmp_path / "sub" / f"{number}.dcm").write_bytes(path.read_bytes())
    (tmp_path / "notes.txt").write_text("no DICOM")
    data = FrameDataset(tmp_path, lambda origin: Path(origin.path or "").name)
    assert [label for _, label in data] == ["0.dcm", "1.dcm", "2.dcm"]


def test_transforms() -> None:
    one, both = (
        paths()[:1],
        FrameDataset(paths()[:1], [4], transforms=lambda image, label: (label, image.shape)),
    )
    apart = FrameDataset(one, np.array([4]), transform=np.shape, target_transform=lambda label: -label)
    assert both[0] == (4, (128, 128))
    assert apart[0] == ((128, 128), -4)
    assert type(FrameDataset(one, np.array([4]))[0][1]) is int
    with pytest.raises(fastdcm.OptionError, match="labels"):
        FrameDataset(one, transforms=lambda image, label: None)


def test_errors(tmp_path: Path) -> None:
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(paths()[0].read_bytes()[:-1000])
    with pytest.raises(fastdcm.TruncatedError, match=r"cut\.dcm"):
        FrameDataset([cut])[0]
    data = FrameDataset([cut, paths()[0]], [0, 1], on_error="skip")
    assert data[0] is None
    assert data[1][1] == 1
    with pytest.raises(fastdcm.TruncatedError):
        data.read(0)
    with pytest.raises(IndexError, match="2 frames"):
        data[2]
    with pytest.raises(fastdcm.OptionError, match="3 labels for 1 objects"):
        FrameDataset([cut], [1, 2, 3])
    with pytest.raises(fastdcm.OptionError, match="on_error"):
        FrameDataset([cut], on_error="mask")  # type: ignore[arg-type]
    with pytest.raises(fastdcm.OptionError, match="no labels"):
        FrameDataset([cut]).label(0)


def test_headers_that_fail(tmp_path: Path) -> None:
    """In folders, where headers are read first."""
    damaged = bytearray(paths()[0].read_bytes())
    place = damaged.index(b"\x28\x00\x02\x00US") + 4
    damaged[place : place + 2] = b"  "
    (tmp_path / "a.dcm").write_bytes(damaged)
    (tmp_path / "b.dcm").write_bytes(paths()[0].read_bytes())
    with pytest.raises(fastdcm.DicomError, match=r"a\.dcm"):
        FrameDataset(tmp_path)
    data = FrameDataset(tmp_path, on_error="skip")
    assert len(data) == 2
    assert data[0] is None
    assert data[1] is not None


def test_bytes_are_objects_too() -> None:
    data = FrameDataset([paths()[0].read_bytes()])
    assert data.origin(0).path is None
    assert np.array_equal(data[0], FrameDataset(paths()[:1])[0])


def test_names_of_any_bytes(tmp_path: Path) -> None:
    odd = tmp_path / b"\xff\xe4.dcm".decode("utf-8", "surrogateescape")
    odd.write_bytes(paths()[0].read_bytes())
    assert FrameDataset([odd, paths()[0]]).origin(0).path == str(odd)


def test_pickled_and_by_threads() -> None:
    data = FrameDataset(paths(), size=SIZE, channels=3)
    expected = list(data)
    again = pickle.loads(pickle.dumps(data))
    assert all(map(np.array_equal, again, expected))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(data.__getitem__, list(range(len(data))) * 8))
    assert all(map(np.array_equal, found, expected * 8))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_file_stays_open(pydicom_files: Path) -> None:
    before = open_files()
    data = FrameDataset(paths(), size=SIZE, channels=3)
    list(data)
    assert open_files() <= before
    several = FrameDataset(pydicom_files / "rtdose.dcm", frames="all")
    list(several)
    assert len(open_files() - before) <= 1
    del several
    assert open_files() <= before


def test_without_torch_the_extra_is_named() -> None:
    code = "import sys; sys.modules['torch'] = None; import fastdcm.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ImportError: fastdcm.torch needs PyTorch: pip install torch" in done.stderr


@pytest.mark.parametrize(("module", "name"), [("monai", "monai"), ("huggingface", "datasets")])
def test_without_a_library_the_extra_is_named(module: str, name: str) -> None:
    code = f"import sys; sys.modules[{name!r}] = None; import fastdcm.integrations.{module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"pip install {name}" in done.stderr
