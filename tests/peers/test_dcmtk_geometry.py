"""DCMTK's dcmj2pnm turns, mirrors, clips and scales the same real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastdcm
from tests.builders import Element, image
from tests.conftest import PYDICOM_FILES
from tests.peers.test_dcmtk import dcmj2pnm

#: Gray of 8 and 16 bits, MONOCHROME1, colour; native and compressed. dcmj2pnm's options for what is shown.
FILES: dict[str, list[str]] = {
    "CT_small.dcm": ["+Wm"],
    "MR_small.dcm": ["+Wi", "1"],
    "SC_rgb_small_odd.dcm": [],
    "SC_rgb_jpeg_dcmtk.dcm": [],
    "examples_palette.dcm": [],
    "JPEG-lossy.dcm": ["+Wm"],
}
CHANGES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "as it is": ([], {}),
    "clockwise": (["+Rr"], {"rotate": 90}),
    "left": (["+Rl"], {"rotate": 270}),
    "top down": (["+Rtd"], {"rotate": 180}),
    "left to right": (["+Lh"], {"flip": "h"}),
    "top to bottom": (["+Lv"], {"flip": "v"}),
    "part": (["+C", "1", "0", "2", "3"], {"crop": (1, 0, 2, 3)}),
    "part, turned": (["+C", "0", "1", "3", "2", "+Rr"], {"crop": (0, 1, 3, 2), "rotate": 90}),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", FILES)
def test_orientation_and_parts(name: str, change: str, peer: Callable[[str], str]) -> None:
    options, asked = CHANGES[change]
    path = PYDICOM_FILES / name
    theirs = dcmj2pnm(peer("dcmj2pnm"), path, 1, *FILES[name], *options)
    with fastdcm.open(path) as opened:
        ours = opened.render(
            presentation_shape="follow", voi="minmax" if "+Wm" in FILES[name] else "window", **asked
        )
    assert ours.shape == theirs.shape
    # Lossy JPEG and the conversion of YCbCr differ by a count or two between decoders.
    assert np.abs(ours.astype(int) - theirs).max() <= 2


def made(extra: list[Element], folder: Path, rows: int = 40, columns: int = 61) -> Path:
    pixels = np.random.default_rng(1).integers(0, 256, (rows, columns), dtype=np.uint8)
    path = folder / "made.dcm"
    names = {"sop_class": "1.2.840.10008.5.1.4.1.1.7", "sop_instance": "1.2.3"}
    path.write_bytes(image(pixels.tobytes(), rows=rows, columns=columns, extra=extra, **names))
    return path


@pytest.mark.parametrize(
    ("tag", "vr", "value", "side"),
    [
        (0x00280030, "DS", "0.6\\0.3", "+Sxv"),
        (0x00280034, "IS", "4\\3", "+Sxv"),
        (0x00181164, "DS", "0.3\\0.2", "+Sxv"),
        (0x00182010, "DS", "0.5\\0.3", "+Sxv"),
        (0x00280030, "DS", "0.3\\0.6", "+Syv"),
        (0x00280034, "IS", "3\\4", "+Syv"),
        (0x00280034, "IS", "1\\1", "+Sxv"),
    ],
)
def test_aspect(tag: int, vr: str, value: str, side: str, peer: Callable[[str], str], tmp_path: Path) -> None:
    """DCMTK keeps the side that is named and computes the other one, which it cuts where we round."""
    path = made([Element(tag, vr, value)], tmp_path)
    kept = "61" if side == "+Sxv" else "40"
    theirs = dcmj2pnm(peer("dcmj2pnm"), path, 1, side, kept)
    with fastdcm.open(path) as opened:
        ours = opened.render(aspect=True)
    assert ours.shape[1 if side == "+Sxv" else 0] == int(kept)
    assert max(np.abs(np.subtract(ours.shape, theirs.shape))) <= 1


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm"])
def test_means(name: str, factor: int, peer: Callable[[str], str]) -> None:
    """By whole factors DCMTK's second algorithm takes the mean of stored values, so that of greys nearly."""
    path = PYDICOM_FILES / name
    theirs = dcmj2pnm(peer("dcmj2pnm"), path, 1, "+Wm", "+i", "2", "-a", "+Sxf", str(1 / factor))
    with fastdcm.open(path) as opened:
        ours = opened.render(voi="minmax", scale=1 / factor)
    assert ours.shape == theirs.shape
    assert np.abs(ours.astype(int) - theirs).max() <= 2
