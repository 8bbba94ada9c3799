"""The images that every bench uses, and where they come from.

Small real ones ship with pydicom; a CT slice of the usual size is tiled from its CT_small.dcm, so that the
benches need nothing else.
"""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest

from tests.conftest import PYDICOM_FILES

#: Label -> file of pydicom's, each another way through the pipeline.
FILES = {
    "CT 128x128 native": "CT_small.dcm",
    "MR 64x64 native": "MR_small.dcm",
    "MR 64x64 RLE": "MR_small_RLE.dcm",
    "MR 64x64 JPEG-LS": "MR_small_jpeg_ls_lossless.dcm",
    "MR 64x64 JPEG 2000": "MR_small_jp2klossless.dcm",
    "RGB native": "examples_rgb_color.dcm",
    "palette native": "examples_palette.dcm",
}
CT_512 = "CT 512x512 native"


def tiled_ct(times: int) -> bytes:
    """CT_small.dcm repeated ``times`` x ``times``, as a file, with a window as scanners give one."""
    dataset = pydicom.dcmread(PYDICOM_FILES / "CT_small.dcm")
    side = dataset.Rows * dataset.BitsAllocated // 8
    pixels = dataset.PixelData
    rows = [pixels[start : start + side] * times for start in range(0, len(pixels), side)]
    dataset.PixelData = b"".join(rows) * times
    dataset.Rows *= times
    dataset.Columns *= times
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    file = io.BytesIO()
    dataset.save_as(file)
    return file.getvalue()


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Label -> path of every image."""
    made = tmp_path_factory.mktemp("images") / "ct_512.dcm"
    made.write_bytes(tiled_ct(4))
    return {CT_512: made, **{label: PYDICOM_FILES / name for label, name in FILES.items()}}


@pytest.fixture(params=[CT_512, *FILES])
def image(request: pytest.FixtureRequest, images: dict[str, Path]) -> Path:
    return images[request.param]
