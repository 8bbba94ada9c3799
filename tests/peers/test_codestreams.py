"""Stored values of JPEG, JPEG-LS, JPEG 2000 and HTJ2K against decoders that share no code with fastdcm's."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import pytest

from tests.peers.codestreams import compare
from tests.peers.decoders import DECODERS

pytestmark = pytest.mark.filterwarnings("ignore")

#: Decoder -> the command or module that it needs.
NEEDS = {
    "DCMTK": "dcmdjpeg",
    "GDCM": "gdcmconv",
    "libjpeg (Richter)": "libjpeg",
    "OpenJPEG": "opj_decompress",
    "FFmpeg": "av",
}
_MODULES = ("libjpeg", "av")
_BITS = (
    "the 12-bit codestream overshoots the 10 bits that are declared; its samples count, where Bits Stored is "
    "applied to the copy. FFmpeg is equal to us"
)
_CHROMA = "libjpeg interpolates shared chroma otherwise, which T.81 leaves open; DCMTK and GDCM equal us"
_SCAN = "libjpeg refuses a scan header that ends at another coefficient than 63"

#: Decoder -> file -> why it decodes other values (deviates) or none (refused).
DEVIATES: dict[str, dict[str, str]] = {
    "DCMTK": {"dicom-test-files__RG3_JPLY": _BITS},
    "GDCM": {"dicom-test-files__RG3_JPLY": _BITS},
    "libjpeg (Richter)": {
        "fo-dicom.h4099a__testjpeglossy.dcm": _CHROMA,
        "made: JPEG baseline, colour 8 411": _CHROMA,
        "made: JPEG baseline, colour 8 422": _CHROMA,
        "made: JPEG baseline, colour 8 flat 411": _CHROMA,
        "made: JPEG extended, 12 bits, colour 12": _CHROMA,
        "made: JPEG extended, 12 bits, colour 12 flat": _CHROMA,
        "fo-dicom__GH1376.dcm": (
            "libjpeg gives nothing but 65535 for this point transform; DCMTK, GDCM are equal to us"
        ),
    },
}
REFUSED: dict[str, dict[str, str]] = {
    "libjpeg (Richter)": {"dicom-test-files__RG3_JPLY": _SCAN, "pydicom__JPEG-lossy.dcm": _SCAN},
}


@pytest.mark.parametrize("decoder", DECODERS)
def test_stored_values(
    decoder: str, peer: Callable[[str], str], record_property: Callable[[str, object], None]
) -> None:
    needed = NEEDS[decoder]
    if needed not in _MODULES:
        peer(needed)
    elif find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")
    tally, _ = compare(decoder)
    record_property(decoder, str(tally))
    tally.check(DEVIATES.get(decoder, {}), REFUSED.get(decoder, {}))
