"""pydicom's decoders, one by one, its colour and its grayscale functions: on the corpus, and on the
test files that it ships."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import (
    apply_color_lut,
    apply_modality_lut,
    apply_voi,
    apply_windowing,
    get_decoder,
    pixel_array,
)

import fastdcm
from tests.conftest import CORPUS, PYDICOM_FILES
from tests.corpus.reading import bound_of
from tests.peers.comparing import (
    Array,
    Tally,
    ends,
    images,
    is_shown,
    is_shown_unchanged,
    of_frame,
    read_data_set,
)

pytestmark = pytest.mark.filterwarnings("ignore")

_12_BITS = "no 12-bit JPEG"
_SCAN = "libjpeg refuses a scan header that ends at another coefficient than 63"
_CUT = "pydicom gives an empty data set where the last delimiter is missing"
_53, _55 = "spectral selection", "full progression"
_BITS = "no RLE of 1 bit"

#: Decoder -> file -> why it decodes other values (deviates) or none (refused).
STORED_DEVIATES = {
    "pylibjpeg": {
        "fo-dicom.h4099a__testjpeglossy.dcm": (
            "4:2:0: libjpeg interpolates chroma in another way, which T.81 leaves open; gdcm and pillow are "
            "equal to us"
        ),
    },
}
STORED_REFUSED = {
    "gdcm": {
        "cornerstone3D.he9915__CTImage.dcm_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50.dcm": _12_BITS,
        "dicom-test-files__RG3_JPLY": _12_BITS,
        "dicomParser__CT0012.fragmented_no_bot_jpeg_baseline.51.dcm": _12_BITS,
        "pydicom-data__JLSL_08_07_0_1F.dcm": "no JPEG-LS of 7 bits",
        "pydicom-data__emri_small_jpeg_2k_lossless_too_short.dcm": _CUT,
        "pydicom__JPEG-lossy.dcm": _12_BITS,
        "pydicom__JPGExtended.dcm": _12_BITS,
    },
    "pillow": {
        "cornerstone3D.he9915__CTImage.dcm_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50.dcm": _12_BITS,
        "dicom-test-files__RG3_JPLY": _12_BITS,
        "dicomParser__CT0012.fragmented_no_bot_jpeg_baseline.51.dcm": _12_BITS,
        "pydicom-data__emri_small_jpeg_2k_lossless_too_short.dcm": _CUT,
        "pydicom__GDCMJ2K_TextGBR.dcm": "takes the stream for damaged",
        "pydicom__JPEG-lossy.dcm": _12_BITS,
        "pydicom__JPGExtended.dcm": _12_BITS,
    },
    "pylibjpeg": {
        "dicom-test-files__RG3_JPLY": _SCAN,
        "pydicom-data__emri_small_jpeg_2k_lossless_too_short.dcm": _CUT,
        "pydicom-data__liver_nonbyte_aligned_rle.dcm": _BITS,
        "pydicom__JPEG-lossy.dcm": _SCAN,
    },
    "pydicom": {"pydicom-data__liver_nonbyte_aligned_rle.dcm": _BITS},
    "native": {"fo-dicom__GH1376.dcm": "JPEG under Explicit VR Little Endian"},
    "none": {
        "cornerstone3D.h4b0b0__CTImage.dcm_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm": _53,
        "cornerstone3D.hbf174__CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm": _55,
        "cornerstone3D__CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm": _53,
        "pydicom-data__liver_nonbyte_aligned_deflate.dcm": "Deflated Image Frame Compression",
    },
}
COLOUR_DEVIATES = {
    "pydicom-data__OBXXXX1A_expb_2frame.dcm": (
        "pydicom does not swap the bytes of a big-endian palette (VR OW, PS3.5 7.3); DCMTK is equal to us"
    ),
    "pydicom.hd6c1b__OBXXXX1A_expb.dcm": "the same",
}
COLOUR_REFUSED = {
    "highdicom.hbdafb__seg_image_sm_control_labelmap_palette_color.dcm": (
        "palette data longer than its descriptor says, which pydicom takes for 8.4 bits an entry; DCMTK is "
        "equal to us"
    ),
}
GRAY_DEVIATES = {
    "pydicom.he7aaa__vlut_09.dcm": (
        "the LUT's first input value is written as US 63488 and is -2048, since the pixels are signed (PS3.3 "
        "C.11.2.1.1); pydicom takes it as written, DCMTK as we do"
    ),
}
GRAY_REFUSED = {
    "pydicom-data__emri_small_jpeg_2k_lossless_too_short.dcm": _CUT,
    "pydicom.he7aaa__mlut_19.dcm": "the same in a modality LUT (PS3.3 C.11.1.1.1), where pydicom overflows",
}


#: What pydicom raises where it cannot do something.
ERRORS = (RuntimeError, ValueError, NotImplementedError, AttributeError, OverflowError)


@cache
def all_images() -> dict[str, Path]:
    """The corpus, where it is, and what pydicom ships: by the corpus' name, so that none comes twice."""
    found = images(CORPUS) if (CORPUS / "STORED.csv").is_file() else {}
    for path in sorted(PYDICOM_FILES.rglob("*")):
        name = f"pydicom__{path.name}"
        if path.is_file() and name not in found and _opens(path):
            found[name] = path
    return found


def _opens(path: Path) -> bool:
    try:
        fastdcm.render(path)
    except fastdcm.FastdcmError:
        return False
    return True


def plugins(data_set: pydicom.Dataset) -> list[str]:
    """The decoders that pydicom has for a data set: ``native`` where it needs none, ``none``."""
    try:
        syntax = data_set.file_meta.TransferSyntaxUID
        return list(get_decoder(syntax).available_plugins) if syntax.is_encapsulated else ["native"]
    except (NotImplementedError, ValueError):
        return ["none"]


def compare_stored() -> dict[str, Tally]:
    """First and last frames as they are stored, by each of pydicom's decoders: its name -> the tally."""
    tallies: dict[str, Tally] = {}
    for name, path in all_images().items():
        data_set = read_data_set(path)
        with fastdcm.open(path) as image:
            bound = bound_of(image.header.transfer_syntax_uid)
            for index in ends(image):
                ours = image.pixels(index, raw=True)
                for plugin in plugins(data_set):
                    tally = tallies.setdefault(plugin, Tally(f"pydicom, stored values, decoder {plugin}"))
                    try:
                        chosen = "" if plugin in ("native", "none") else plugin
                        theirs = pixel_array(data_set, index=index, raw=True, decoding_plugin=chosen)
                    except Exception as error:  # whatever a plugin raises, it does not decode
                        tally.refuse(name, index + 1, error)
                    else:
                        tally.add(name, index + 1, ours, theirs, bound)
    return tallies


def test_stored_values(record_property: Callable[[str, object], None]) -> None:
    tallies = compare_stored()
    record_property("pydicom", "; ".join(map(str, tallies.values())))
    wrong = []
    for plugin, tally in tallies.items():
        try:
            deviating, refused = STORED_DEVIATES.get(plugin, {}), STORED_REFUSED.get(plugin, {})
            tally.check(deviating, refused, some=plugin != "none")
        except AssertionError as error:
            wrong.append(str(error))
    assert not wrong, "\n".join(wrong)


def is_gray(image: fastdcm.Image) -> bool:
    return image.header.photometric_interpretation.startswith("MONOCHROME")


def compare_colour() -> Tally:
    """RGB of first and last frames, PALETTE COLOR as rendered."""
    tally = Tally("pydicom, colour")
    for name, path in all_images().items():
        data_set = read_data_set(path)
        with fastdcm.open(path) as image:
            for index in [] if is_gray(image) else ends(image):
                try:
                    theirs = pixel_array(data_set, index=index)
                    if image.header.photometric_interpretation == "PALETTE COLOR":
                        theirs = to_8_bits(apply_color_lut(theirs, data_set))
                        ours = image.render(index)
                    else:
                        ours = image.pixels(index)
                except ERRORS as error:
                    tally.refuse(name, index + 1, error)
                else:
                    tally.add(name, index + 1, ours, theirs, 2)
    return tally


def to_8_bits(colours: Array) -> Array:
    """The high byte of 16-bit palette entries (PS3.3 C.7.6.3.1.6)."""
    return colours >> 8 if colours.dtype == np.uint16 else colours


def test_colour(record_property: Callable[[str, object], None]) -> None:
    tally = compare_colour()
    record_property("pydicom", str(tally))
    tally.check(COLOUR_DEVIATES, COLOUR_REFUSED)


def shown_by_pydicom(stored: Array, data_set: pydicom.Dataset, index: int) -> Array:
    """Grays 0..255 of a frame, not rounded, by pydicom's modality and VOI functions.

    The stored values are fastdcm's, which `compare_stored` looks at. The rule where the file has neither
    window nor VOI LUT, and MONOCHROME1, are ours: pydicom has none.
    """
    frame = of_frame(data_set, index)
    x = apply_modality_lut(stored, frame).astype(np.float64)
    bits = frame.get("BitsStored", 64)
    if frame.get("WindowCenter") not in (None, ""):
        # The range of pydicom's output depends on the stored bits, which floats have not.
        frame.BitsStored, frame.PixelRepresentation = min(bits, 16), frame.get("PixelRepresentation", 0)
        low, high = apply_windowing(np.array([-1e12, 1e12]), frame)
        y = (apply_windowing(x, frame) - low) / (high - low) * 255
    elif "VOILUTSequence" in frame:
        y = apply_voi(x.astype(np.int64), frame) / (2.0 ** frame.VOILUTSequence[0].LUTDescriptor[2] - 1) * 255
    elif is_shown_unchanged(frame):
        y = x / (2**bits - 1) * 255
    else:
        y = _stretched(x, stored, frame)
    return 255 - y if data_set.PhotometricInterpretation == "MONOCHROME1" else y


def _stretched(x: Array, stored: Array, frame: pydicom.Dataset) -> Array:
    shown = is_shown(stored, frame)
    low, high = x[shown].min(), x[shown].max()
    return np.clip((x - low) / (high - low), 0, 1) * 255 if high > low else np.zeros_like(x)


def compare_gray() -> Tally:
    """First and last frames of grayscale images; what a supplemental palette colours, by that."""
    tally = Tally("pydicom, grayscale")
    for name, path in all_images().items():
        data_set = read_data_set(path)
        with fastdcm.open(path) as image:
            for index in ends(image) if is_gray(image) else []:
                ours = image.render(index)
                try:
                    theirs = shown_by_pydicom(image.pixels(index), data_set, index)
                    if ours.ndim == 3:
                        frame = of_frame(data_set, index)  # without Pixel Presentation, which pydicom refuses
                        colours = to_8_bits(apply_color_lut(image.pixels(index), frame))
                        coloured = image.pixels(index) >= frame.RedPaletteColorLookupTableDescriptor[1]
                        theirs = np.where(coloured[..., None], colours, theirs[..., None])
                except ERRORS as error:
                    tally.refuse(name, index + 1, error)
                else:
                    tally.add(name, index + 1, ours, np.floor(theirs + 0.5), 1)
    return tally


def test_grayscale(record_property: Callable[[str, object], None]) -> None:
    tally = compare_gray()
    record_property("pydicom", str(tally))
    tally.check(GRAY_DEVIATES, GRAY_REFUSED)
