"""Stored values through GDCM (``gdcmconv --raw``), an implementation in C++ apart from DCMTK and pydicom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.pixels import pixel_array

import fastdcm
from tests.corpus.reading import bound_of
from tests.corpus.second import run
from tests.peers.comparing import WORDS, Tally, ends, images, read_data_set

pytestmark = pytest.mark.filterwarnings("ignore")

_PLANES = "GDCM mixes up the RLE planes of colour with more than 8 bits; DCMTK and pydicom are equal to us"
DEVIATES = {
    "dicom-test-files__RG3_JPLY": (
        "8 pixels: the 12-bit codestream overshoots the 10 bits that are declared; its samples count, where "
        "Bits Stored is applied to GDCM's copy"
    ),
    "pydicom.h57a08__rtdose_expb.dcm": WORDS,
    "pydicom.h58abe__rtdose_expb_1frame.dcm": WORDS,
    "pydicom.h9a3de__SC_rgb_rle_16bit_inverted.dcm": _PLANES,
    "pydicom__SC_rgb_rle_32bit.dcm": _PLANES,
}
_LABELS = "Label Map Segmentation, unknown to GDCM"
_FRAGMENTS = "a frame in several fragments of JPEG-LS or JPEG 2000, or a missing delimiter"
_FRAMES = "GDCM does not write several colour frames of more than 8 bits"
REFUSED = {
    "dcmqi__sparse-labelmap-noppv.dcm": _LABELS,
    "dcmqi__sparse-labelmap-ppv5.dcm": _LABELS,
    "dicomParser__CT0012.fragmented_no_bot_jpeg_ls.80.dcm": _FRAGMENTS,
    "dicomParser__CT0012.fragmented_no_bot_jpeg_ls.81.dcm": _FRAGMENTS,
    "fo-dicom__GH364.dcm": "a stray item in the data set",
    "highdicom.hbdafb__seg_image_sm_control_labelmap_palette_color.dcm": _LABELS,
    "pydicom-data__HTJ2KLossless_08_RGB.dcm": "HTJ2K, unknown to GDCM",
    "pydicom-data__SC_rgb_16bit_2frame.dcm": _FRAMES,
    "pydicom-data__SC_rgb_32bit_2frame.dcm": _FRAMES,
    "pydicom-data__emri_small_jpeg_2k_lossless_too_short.dcm": _FRAGMENTS,
    "pydicom-data__liver_nonbyte_aligned_deflate.dcm": "Deflated Image Frame Compression, unknown to GDCM",
    "pydicom-data__liver_nonbyte_aligned_rle.dcm": "RLE of 1 bit ends GDCM in an assertion",
    "pydicom-data__parametric_map_double_float.dcm": "Double Float Pixel Data",
    "pydicom-data__parametric_map_float.dcm": "Float Pixel Data",
    "pydicom.h140fc__emri_small_jpls_1k_fragment_with_offset_table.dcm": _FRAGMENTS,
    "pydicom__SC_rgb_rle_16bit_2frame.dcm": _FRAMES,
}


def compare(corpus: Path, folder: Path) -> Tally:
    """First and last frames of the corpus. GDCM decodes, pydicom reads the native result."""
    tally = Tally("GDCM, stored values")
    native = folder / "native.dcm"
    for name, path in images(corpus).items():
        with fastdcm.open(path) as image:
            native.unlink(missing_ok=True)
            try:
                run("gdcmconv", "--raw", path, native)
                data_set = read_data_set(native)
                theirs = {index: pixel_array(data_set, index=index, raw=True) for index in ends(image)}
            except Exception as error:  # whatever is wrong with the copy, GDCM has not read the file
                tally.refuse(name, 1, error)
                continue
            for index, values in theirs.items():
                ours = image.pixels(index, raw=True)
                tally.add(name, index + 1, ours, values, bound_of(image.header.transfer_syntax_uid))
    return tally


def test_stored_values(
    corpus: Path, peer: Callable[[str], str], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    peer("gdcmconv")
    tally = compare(corpus, tmp_path)
    record_property("GDCM", str(tally))
    tally.check(DEVIATES, REFUSED)
