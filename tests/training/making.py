"""Data sets for the tests of training: real files, and what processes leave open."""

from __future__ import annotations

import os
from pathlib import Path

from tests.conftest import PYDICOM_FILES

#: Files of pydicom's wheel, of several syntaxes, all lossless but for baseline JPEG.
NAMES = (
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_rle.dcm",
    "examples_palette.dcm",
)


def paths() -> list[Path]:
    return [PYDICOM_FILES / name for name in NAMES]


def open_files() -> set[str]:
    """What this process has open that are files of disks."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # the listing's own
            continue
        if target.startswith("/") and not target.startswith(("/dev/", "/proc/")):
            found.add(target)
    return found
