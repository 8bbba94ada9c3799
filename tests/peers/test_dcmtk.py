"""Rendering against DCMTK's dcmj2pnm, an independent implementation in C++ (version 3.6.7 and later).

Both are asked for the same: the file's window or VOI LUT, the automatic range where there is none, and
the Presentation LUT Shape (which DCMTK prefers to MONOCHROME1, see ``presentation_shape``).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

import fastdcm
from tests.peers.comparing import Array, Tally, frames_of, images, native_copy, of_frame

pytestmark = pytest.mark.filterwarnings("ignore")

#: Files that dcmj2pnm gets uncompressed, by pydicom: it has no JPEG 2000, or a fault that is no matter of rendering.
DECODED_BEFORE = {
    "dicomParser__CT0012.fragmented_no_bot_jpeg_baseline.51.dcm": "needs a Basic Offset Table for frame 2",
    "dicomParser__CT0012.fragmented_no_bot_jpeg_lossless.70.dcm": "needs a Basic Offset Table for frame 2",
    "dicomParser__IM00001.fragmented_no_bot_jpeg_baseline.50.dcm": "needs a Basic Offset Table for frame 8",
    "pydicom-data__SC_rgb_32bit_2frame.dcm": "wants 32-bit samples to have the VR OW",
    "pydicom-data__SC_rgb_expb_32bit.dcm": "wants 32-bit samples to have the VR OW",
}
_NO_CODEC = ("1.2.840.10008.1.2.4.8", "1.2.840.10008.1.2.4.9", "1.2.840.10008.1.2.4.20")

GRAY_DEVIATES: dict[str, str] = {}
GRAY_REFUSED: dict[str, str] = {}
COLOUR_DEVIATES: dict[str, str] = {}
COLOUR_REFUSED: dict[str, str] = {}


class Refused(Exception):
    """DCMTK does not read a file, or pydicom, which was to decode it first."""


def read_pnm(data: bytes) -> Array:
    """A binary PGM or PPM of 8 bits."""
    head = re.match(rb"(P[56])\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+255\s", data)
    if head is None:
        raise Refused(f"no 8-bit PNM: {data[:20]!r}")
    shape = (int(head[3]), int(head[2])) + ((3,) if head[1] == b"P6" else ())
    return np.frombuffer(data, np.uint8, offset=head.end()).reshape(shape)


def dcmj2pnm(tool: str, path: Path, frame: int, *options: str) -> Array:
    """One frame (from 1) as DCMTK renders it, without overlays."""
    command = [tool, "-O", "+op", "+F", str(frame), *options, str(path)]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise Refused(" / ".join(said[-2:]) or f"exit status {done.returncode}")
    return read_pnm(done.stdout)


def voi_options(path: Path, index: int) -> list[str]:
    """dcmj2pnm's options for the rule that PS3.3 C.11.2 and rendering.md give, by pydicom's reading."""
    data_set = pydicom.dcmread(path, force=True)
    frame = of_frame(data_set, index)
    if frame.get("WindowCenter") not in (None, ""):
        if "SharedFunctionalGroupsSequence" not in data_set:
            return ["+Wi", "1"]
        # DCMTK does not look into functional groups: neither at the window nor at the rescale.
        slope, intercept = float(frame.get("RescaleSlope", 1)), float(frame.get("RescaleIntercept", 0))
        centers, widths = (np.atleast_1d(frame[name].value) for name in ("WindowCenter", "WindowWidth"))
        assert slope == 1 or "RescaleSlope" in data_set, "a slope cannot be folded into a window"
        shift = 0.0 if "RescaleSlope" in data_set else intercept
        return ["+Ww", f"{float(centers[0]) - shift:g}", f"{float(widths[0]):g}"]
    if "VOILUTSequence" in frame:
        return ["+Wl", "1"]
    if data_set.BitsStored <= 8 and "ModalityLUTSequence" not in frame and frame.get("RescaleSlope", 1) == 1:
        # 8 bits pass as they are. DCMTK shows a lone bit as 0 and 128, so ask for its full range.
        return ["+Ww", "1", "2"] if data_set.BitsStored == 1 else []
    return ["+Wm"] if "PixelPaddingValue" not in data_set else _range_without_padding(data_set, frame, index)


def _range_without_padding(data_set: pydicom.Dataset, frame: pydicom.Dataset, index: int) -> list[str]:
    """A window from the least to the greatest value that is no padding (DCMTK counts padding in)."""
    stored = pydicom.pixels.pixel_array(data_set, index=index, raw=True)
    limits = sorted((data_set.PixelPaddingValue, data_set.get("PixelPaddingRangeLimit", data_set.PixelPaddingValue)))
    shown = pydicom.pixels.apply_modality_lut(stored[(stored < limits[0]) | (stored > limits[1])], frame)
    low, high = float(shown.min()), float(shown.max())
    # LINEAR of this window is (x - low) / (high - low), C.11.2.1.2.1.
    return ["+Ww", f"{(low + high + 1) / 2:g}", f"{high - low + 1:g}"]


def readable(path: Path, header: fastdcm.Header, folder: Path) -> Path:
    """The file, or a native copy where DCMTK lacks the codec."""
    if path.name not in DECODED_BEFORE and not header.transfer_syntax_uid.startswith(_NO_CODEC):
        return path
    try:
        return native_copy(path, folder / "native.dcm")
    except (RuntimeError, ValueError, NotImplementedError, AttributeError) as error:
        raise Refused(f"pydicom: {error}") from error


def compare(corpus: Path, tool: str, folder: Path, *, colour: bool) -> Tally:
    """First and last frames of all gray, or all colour, images of the corpus."""
    tally = Tally(f"DCMTK, {'colour' if colour else 'grayscale'}")
    for name, path in images(corpus).items():
        for image, index in frames_of(path):
            gray = image.header.photometric_interpretation.startswith("MONOCHROME")
            if gray == colour:
                continue
            ours = image.render(index, presentation_shape="follow")
            try:
                options = voi_options(path, index) if gray else []
                theirs = dcmj2pnm(tool, readable(path, image.header, folder), index + 1, *options)
            except Refused as refused:
                tally.refuse(name, index + 1, refused)
                continue
            if ours.ndim == 3 and theirs.ndim == 2:
                # DCMTK knows no supplemental palette: what it does not colour is compared (C.7.6.23).
                uncoloured = (ours == ours[..., :1]).all(2)
                ours, theirs = ours[..., 0][uncoloured], theirs[uncoloured]
            tally.add(name, index + 1, ours, theirs, 2 if colour else 1)
    return tally


def test_grayscale(
    corpus: Path, peer: Callable[[str], str], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    tally = compare(corpus, peer("dcmj2pnm"), tmp_path, colour=False)
    record_property("DCMTK", str(tally))
    tally.check(GRAY_DEVIATES, GRAY_REFUSED)


def test_colour(
    corpus: Path, peer: Callable[[str], str], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    tally = compare(corpus, peer("dcmj2pnm"), tmp_path, colour=True)
    record_property("DCMTK", str(tally))
    tally.check(COLOUR_DEVIATES, COLOUR_REFUSED)
