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
from pydicom.pixels import apply_modality_lut, pixel_array

import fastdcm
from tests.corpus.second import run
from tests.peers.comparing import (
    WORDS,
    Array,
    Tally,
    frames_of,
    images,
    is_shown,
    is_shown_unchanged,
    native_copy,
    of_frame,
    read_data_set,
)

pytestmark = pytest.mark.filterwarnings("ignore")

#: Transfer syntaxes that dcmj2pnm has no decoder for -> who decodes first.
DECODED_FIRST = {
    "1.2.840.10008.1.2.4.80": "dcmdjpls",
    "1.2.840.10008.1.2.4.81": "dcmdjpls",
    "1.2.840.10008.1.2.4.90": "pydicom",
    "1.2.840.10008.1.2.4.91": "pydicom",
    "1.2.840.10008.1.2.4.201": "pydicom",
}
#: Files that another decodes first -> who, and why. Reasons are of reading, not of rendering.
DECODED_FIRST_TOO = {
    "dicomParser__CT0012.fragmented_no_bot_jpeg_baseline.51.dcm": ("dcmdjpeg", "no offset table"),
    "dicomParser__CT0012.fragmented_no_bot_jpeg_lossless.70.dcm": ("dcmdjpeg", "no offset table"),
    "dicomParser__IM00001.fragmented_no_bot_jpeg_baseline.50.dcm": ("dcmdjpeg", "no offset table"),
    "fo-dicom__GH364.dcm": ("pydicom", "DCMTK does not skip the stray item in the data set"),
    "pydicom-data__JLSL_08_07_0_1F.dcm": ("pydicom", "DCMTK refuses JPEG-LS of 7 bits"),
    "pydicom-data__SC_rgb_32bit_2frame.dcm": ("pydicom", "DCMTK refuses 32-bit samples of VR OB"),
    "pydicom-data__SC_rgb_expb_32bit.dcm": ("pydicom", "DCMTK refuses 32-bit samples of VR OB"),
    "pydicom-data__liver_nonbyte_aligned_rle.dcm": ("pydicom", "DCMTK refuses RLE of 1 bit"),
}

GRAY_DEVIATES = {
    "dicom-test-files__RG3_JPLY": (
        "8 pixels: the 12-bit codestream overshoots the 10 bits that are declared. Its samples count (PS3.5 "
        "8.2.1): 1024 among 1022 is as dark as its neighbours. DCMTK keeps 10 bits, and shows white dots"
    ),
    "pydicom.h57a08__rtdose_expb.dcm": WORDS,
    "pydicom.h58abe__rtdose_expb_1frame.dcm": WORDS,
}
GRAY_REFUSED = {
    "pydicom-data__emri_small_jpeg_2k_lossless_too_short.dcm": "JPEG 2000; pydicom wants the last delimiter",
    "pydicom-data__liver_nonbyte_aligned_deflate.dcm": "Deflated Image Frame Compression, unknown to both",
    "pydicom-data__liver_nonbyte_aligned_rle.dcm": "RLE of 1 bit, unknown to both",
    "pydicom-data__parametric_map_double_float.dcm": "Double Float Pixel Data",
    "pydicom-data__parametric_map_float.dcm": "Float Pixel Data",
}
COLOUR_DEVIATES = {
    "fo-dicom__GH195.dcm": (
        "YBR coded, RGB declared: the JFIF marker decides (T.871; PS3.5 8.2.1 wants both to agree). "
        "DCMTK believes the data set and shows orange teeth; with +ca it shows what fastdcm does"
    ),
}
COLOUR_REFUSED = {
    "pydicom-data__gdcm-US-ALOKA-16_big.dcm": "segmented palette (PS3.3 C.7.9.2)",
    "pydicom.h7f976__gdcm-US-ALOKA-16.dcm": "segmented palette (PS3.3 C.7.9.2)",
}


class RefusedError(Exception):
    """DCMTK does not read a file, or pydicom, which was to decode it first."""


def read_pnm(data: bytes) -> Array:
    """A binary PGM or PPM of 8 bits."""
    head = re.match(rb"(P[56])\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+255\s", data)
    if head is None:
        raise RefusedError(f"no 8-bit PNM: {data[:20]!r}")
    shape = (int(head[3]), int(head[2])) + ((3,) if head[1] == b"P6" else ())
    return np.frombuffer(data, np.uint8, offset=head.end()).reshape(shape)


def dcmj2pnm(tool: str, path: Path, frame: int, *options: str) -> Array:
    """One frame (from 1) as DCMTK renders it, without overlays."""
    command = [tool, "-O", "+op", "+F", str(frame), *options, str(path)]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise RefusedError(" / ".join(said[-2:]) or f"exit status {done.returncode}")
    return read_pnm(done.stdout)


def voi_options(path: Path, index: int) -> list[str]:
    """dcmj2pnm's options for the rule that PS3.3 C.11.2 and rendering.md give, by pydicom's reading."""
    data_set = read_data_set(path)
    frame = of_frame(data_set, index)
    if frame.get("WindowCenter") not in (None, ""):
        if "SharedFunctionalGroupsSequence" not in data_set:
            return ["+Wi", "1"]
        # DCMTK finds the rescale in functional groups (the first one), but not the window.
        centers, widths = (np.atleast_1d(frame[name].value) for name in ("WindowCenter", "WindowWidth"))
        return ["+Ww", str(float(centers[0])), str(float(widths[0]))]
    if "VOILUTSequence" in frame:
        return ["+Wl", "1"]
    if is_shown_unchanged(frame):
        # 8 bits pass as they are. DCMTK shows a lone bit as 0 and 128, so ask for its full range.
        return ["+Ww", "1", "2"] if data_set.BitsStored == 1 else []
    return ["+Wm"] if "PixelPaddingValue" not in data_set else _range_without_padding(data_set, frame, index)


def requests(path: Path, index: int) -> list[tuple[int | None, list[str]]]:
    """(window number, dcmj2pnm's options): every window of the file where it has any, else its rule."""
    options = voi_options(path, index)
    if options != ["+Wi", "1"]:
        return [(None, options)]
    return [
        (number, ["+Wi", str(number)]) for number in range(1, np.size(read_data_set(path).WindowCenter) + 1)
    ]


def _range_without_padding(data_set: pydicom.Dataset, frame: pydicom.Dataset, index: int) -> list[str]:
    """A window from the least to the greatest value that is no padding (DCMTK counts padding in)."""
    stored = pixel_array(data_set, index=index, raw=True)
    shown = apply_modality_lut(stored[is_shown(stored, frame)], frame)
    low, high = float(shown.min()), float(shown.max())
    # LINEAR of this window is (x - low) / (high - low), C.11.2.1.2.1.
    return ["+Ww", str((low + high + 1) / 2), str(high - low + 1)]


def readable(path: Path, header: fastdcm.Header, folder: Path, index: int) -> Path:
    """The file, or a native copy where dcmj2pnm cannot decode it."""
    decoder, _ = DECODED_FIRST_TOO.get(path.name, (DECODED_FIRST.get(header.transfer_syntax_uid), ""))
    if decoder is None:
        return path
    native = folder / f"{path.name}.native"
    try:
        if decoder == "pydicom":
            return native_copy(path, native, index)
        if not native.exists():
            run(decoder, path, native)
    except (RuntimeError, ValueError, NotImplementedError, AttributeError) as error:
        raise RefusedError(f"{decoder}: {error}") from error
    return native


def compare(corpus: Path, tool: str, folder: Path, *, colour: bool) -> Tally:
    """First and last frames of all gray, or all colour, images of the corpus, by all their windows."""
    tally = Tally(f"DCMTK, {'colour' if colour else 'grayscale'}")
    for name, path in images(corpus).items():
        # Of irreversible JPEG 2000 the copies have OpenJPEG's samples, from which ours may differ by 1.
        for image, index in frames_of(path, decoder="library"):
            gray = image.header.photometric_interpretation.startswith("MONOCHROME")
            if gray == colour:
                continue
            try:
                given = readable(path, image.header, folder, index)
                for number, options in requests(given, index) if gray else [(None, [])]:
                    theirs = dcmj2pnm(tool, given, index + 1, *options)
                    ours = image.render(index, presentation_shape="follow", window_number=number)
                    if ours.ndim == 3 and theirs.ndim == 2:
                        # DCMTK knows no supplemental palette: what it does not colour is compared (C.7.6.23).
                        first_coloured = read_data_set(path).RedPaletteColorLookupTableDescriptor[1]
                        gray_ones = image.pixels(index) < first_coloured
                        ours, theirs = ours[..., 0][gray_ones], theirs[gray_ones]
                    tally.add(name, index + 1, ours, theirs, 2 if colour else 1)
            except RefusedError as refused:
                tally.refuse(name, index + 1, refused)
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
