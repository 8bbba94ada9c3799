"""`FastdcmReader` beside MONAI's `PydicomReader`: the same arrays, axes, affine and metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastdcm
from tests.conftest import CORPUS, PYDICOM_FILES

monai = pytest.importorskip("monai")
pytestmark = pytest.mark.filterwarnings("ignore")

NAMES = ("CT_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "SC_rgb_rle.dcm", "rtdose.dcm")


def both(source: Any, **options: Any) -> tuple[tuple[Any, dict[str, Any]], tuple[Any, dict[str, Any]]]:
    from monai.data.image_reader import PydicomReader

    from fastdcm.integrations.monai import FastdcmReader

    theirs, ours = PydicomReader(**options), FastdcmReader(**options)
    return theirs.get_data(theirs.read(source)), ours.get_data(ours.read(source))


def check(source: Any, **options: Any) -> None:
    (their_array, their_meta), (array, meta) = both(source, **options)
    assert array.dtype == their_array.dtype
    assert array.shape == their_array.shape
    assert np.array_equal(array, their_array)
    assert meta.keys() == their_meta.keys()
    for key, value in their_meta.items():
        nan = isinstance(value, float)
        assert np.array_equal(np.asarray(meta[key]), np.asarray(value), equal_nan=nan), key


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, {"swap_ij": False}, {"affine_lps_to_ras": False}], ids=str)
def test_files(name: str, options: dict[str, Any]) -> None:
    check(PYDICOM_FILES / name, **options)


def test_series(tmp_path: Path) -> None:
    import pydicom

    for number in range(5):
        ds = pydicom.dcmread(PYDICOM_FILES / "CT_small.dcm")
        ds.InstanceNumber = 5 - number
        x, y, z = ds.ImagePositionPatient
        ds.ImagePositionPatient = [x, y, z + 2.5 * number]
        ds.PixelData = (ds.pixel_array + number).tobytes()
        ds.save_as(tmp_path / f"{number}.dcm")
    check(tmp_path)
    (_, meta), _ = both(tmp_path)
    assert np.asarray(meta["affine"])[2, 2] == -2.5


def test_segmentation() -> None:
    source = CORPUS / "files" / "highdicom__seg_image_ct_binary_overlap.dcm"
    if not source.is_file():
        pytest.skip(f"no corpus at {CORPUS}")
    check(source)


def test_load_image() -> None:
    from monai.transforms import LoadImage

    from fastdcm.integrations.monai import FastdcmReader

    source = PYDICOM_FILES / "CT_small.dcm"
    image = LoadImage(reader=FastdcmReader, ensure_channel_first=True)(source)
    theirs = LoadImage(reader="PydicomReader", ensure_channel_first=True)(source)
    assert image.shape == (1, 128, 128)
    assert (image == theirs).all()
    assert (image.affine == theirs.affine).all()


def test_errors_are_ours(tmp_path: Path) -> None:
    from fastdcm.integrations.monai import FastdcmReader

    cut = tmp_path / "cut.dcm"
    cut.write_bytes((PYDICOM_FILES / "CT_small.dcm").read_bytes()[:-1000])
    reader = FastdcmReader()
    with pytest.raises(fastdcm.TruncatedError, match=r"cut\.dcm"):
        reader.get_data(reader.read(cut))
    with pytest.raises(ValueError, match="to_gpu"):
        FastdcmReader(to_gpu=True)
    with pytest.raises(fastdcm.OptionError, match="threads"):
        FastdcmReader(threads=0)
