"""The Image Pixel module as a `Header` (PS3.3 C.7.6.3), checked against itself."""

from __future__ import annotations

from dataclasses import replace

from fastdcm.errors import DicomError, NoPixelDataError, UnsupportedError
from fastdcm.model import Header, Notice
from fastdcm.options import Limits
from fastdcm.reader import elements as tags
from fastdcm.reader.scan import DataSet
from fastdcm.reader.values import Values

_LIMITS = Limits()
_MONOCHROME = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"})
_COLOUR = frozenset(
    {
        "RGB",
        "YBR_FULL",
        "YBR_FULL_422",
        "YBR_PARTIAL_420",
        "YBR_PARTIAL_422",
        "YBR_ICT",
        "YBR_RCT",
        "XYB",
    }
)
#: Encapsulated Uncompressed and Deflated Image Frame: all that can hold floats in fragments.
_FLOAT_CAPSULES = frozenset({"1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"})
#: The fields of a `Header` that tell objects of a series apart.
NAMES = {
    0x00080018: "sop_instance_uid",
    0x0020000D: "study_instance_uid",
    0x0020000E: "series_instance_uid",
    0x00200013: "instance_number",
}
_MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"


def read_header(found: DataSet, notices: list[Notice], limits: Limits = _LIMITS) -> Header:
    """The header of a scanned data set. A frame or an object beyond the limits asks for memory, not pixels.

    Raises `NoPixelDataError`, `DicomError` where attributes are missing or contradict each other,
    `UnsupportedError` for legal combinations that are not done.
    """
    values = Values(found.encoding, found.elements, data_set=found)
    if found.pixel is None:
        raise NoPixelDataError(_why_no_pixels(values))
    is_float = found.pixel_tag != tags.PIXEL_DATA
    samples, photometric = _colour(values, notices)
    if is_float and samples != 1:
        raise DicomError(f"floating point pixels with {samples} samples per pixel")
    if is_float and found.pixel[2] == tags.UNDEFINED and found.transfer_syntax_uid not in _FLOAT_CAPSULES:
        raise DicomError("floating point pixels are encapsulated under a syntax that cannot compress them")
    allocated, stored, high_bit = _bits(values, found.pixel_tag, notices)
    rows, columns = values.number(0x00280010, "Rows"), values.number(0x00280011, "Columns")
    if not rows or not columns:
        raise DicomError(f"Rows x Columns is {rows} x {columns}")
    if rows * columns > limits.max_pixels:
        raise DicomError(
            f"a frame of {rows} x {columns} pixels exceeds the limit of {limits.max_pixels} (max_pixels)"
        )
    planar = values.number(0x00280006, "Planar Configuration", 0) if samples > 1 else 0
    if planar > 1:
        raise DicomError(f"Planar Configuration is {planar}, not 0 or 1")
    representation = values.number(0x00280103, "Pixel Representation", 0 if is_float else None)
    if representation > 1:
        raise DicomError(f"Pixel Representation is {representation}, not 0 or 1")
    header = Header(
        transfer_syntax_uid=found.transfer_syntax_uid,
        rows=rows,
        columns=columns,
        frames=_frames(values, found, notices),
        samples_per_pixel=samples,
        photometric_interpretation=photometric,
        planar_configuration=planar,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high_bit,
        # One bit has no room for a sign.
        pixel_representation=representation if stored > 1 else 0,
        pixel_keyword={
            tags.PIXEL_DATA: "PixelData",
            tags.FLOAT_PIXEL_DATA: "FloatPixelData",
            tags.DOUBLE_FLOAT_PIXEL_DATA: "DoubleFloatPixelData",
        }[found.pixel_tag],  # type: ignore[arg-type]  # the values are the three literals
        sop_class_uid=values.text(0x00080016),
        modality=values.text(0x00080060),
        burned_in_annotation=_burned_in(values, notices),
        **{name: values.text(tag) for tag, name in NAMES.items()},
    )
    decoded = header.frames * rows * columns * samples * max(1, allocated // 8)
    if decoded > limits.max_decoded:
        raise DicomError(
            f"{header.frames} frames of {rows} x {columns} are {decoded} bytes, which exceeds the limit of "
            f"{limits.max_decoded} (max_decoded)"
        )
    return _with_all_chroma(header, found.pixel[2], notices)


def _burned_in(values: Values, notices: list[Notice]) -> str:
    """Burned In Annotation (C.7.6.1); YES is worth a notice."""
    burned_in = values.text(0x00280301).upper()
    if burned_in == "YES":
        notices.append(
            Notice(
                "burned-in",
                "Burned In Annotation is YES: the pixels may name the patient (--mask blacks out, "
                "--refuse-burned-in refuses)",
            )
        )
    return burned_in


def _with_all_chroma(header: Header, length: int, notices: list[Notice]) -> Header:
    """YBR_FULL_422 whose native frames hold three samples a pixel is YBR_FULL, wrongly labelled."""
    if header.photometric_interpretation != "YBR_FULL_422":
        return header
    full = replace(header, photometric_interpretation="YBR_FULL")
    needed = (full.native_frame_bits * full.frames + 7) // 8
    if length not in (needed, needed + needed % 2):
        return header
    notices.append(
        Notice("chroma", "YBR_FULL_422, but three samples a pixel are there; it was read as YBR_FULL")
    )
    return full


def _why_no_pixels(values: Values) -> str:
    if 0x00041220 in values or values.text(0x00080016) == _MEDIA_STORAGE_DIRECTORY:
        return "no pixel data: a DICOMDIR"
    if 0x00287FE0 in values:
        return "no pixel data in the file: Pixel Data Provider URL (0028,7FE0) says that it is elsewhere"
    modality = values.text(0x00080060)
    return f"no pixel data: modality {modality}" if modality else "no pixel data"


def _colour(values: Values, notices: list[Notice]) -> tuple[int, str]:
    samples = values.number(0x00280002, "Samples per Pixel")
    photometric = values.text(0x00280004).upper()
    if not photometric:
        raise DicomError("Photometric Interpretation (0028,0004) is missing")
    if samples not in (1, 3):
        raise UnsupportedError(
            f"Samples per Pixel {samples} with {photometric} is not supported (1 and 3 samples are)"
        )
    if photometric not in _MONOCHROME | _COLOUR:
        raise UnsupportedError(f"Photometric Interpretation {photometric} is not supported")
    if (samples == 1) != (photometric in _MONOCHROME):
        raise DicomError(f"Photometric Interpretation {photometric} with {samples} samples per pixel")
    return samples, photometric


def _bits(values: Values, pixel_tag: int, notices: list[Notice]) -> tuple[int, int, int]:
    allocated = values.number(0x00280100, "Bits Allocated")
    if pixel_tag != tags.PIXEL_DATA:
        expected = 32 if pixel_tag == tags.FLOAT_PIXEL_DATA else 64
        if allocated != expected:
            raise DicomError(f"Bits Allocated is {allocated}, but these floats have {expected}")
        return allocated, allocated, allocated - 1
    if allocated not in (1, 8, 12, 16, 32, 64):
        raise UnsupportedError(f"Bits Allocated {allocated} is not supported (1, 8, 12, 16, 32, 64 are)")
    stored = values.number(0x00280101, "Bits Stored")
    if not 1 <= stored <= allocated:
        raise DicomError(f"Bits Stored is {stored} of {allocated} Bits Allocated")
    if 0x00280102 in values:
        high_bit = values.number(0x00280102, "High Bit")
    else:
        high_bit = stored - 1
        notices.append(Notice("no-high-bit", f"High Bit is missing; {high_bit} was taken"))
    if not stored - 1 <= high_bit < allocated:
        raise DicomError(f"High Bit is {high_bit} with {stored} Bits Stored of {allocated} Bits Allocated")
    return allocated, stored, high_bit


def _frames(values: Values, found: DataSet, notices: list[Notice]) -> int:
    """Number of Frames (0028,0008); nonsense counts as 1, and `FrameIndex` sees whether that fits."""
    if 0x00280008 not in values:
        return 1
    text = values.text(0x00280008)
    # IS has 12 characters at most (PS3.5 6.2); int() refuses thousands of digits.
    if len(text) <= 12 and text.removeprefix("+").isdecimal() and text.isascii() and 1 <= int(text) < 1 << 31:
        return int(text)
    notices.append(
        Notice("number-of-frames", f"Number of Frames is {text[:20]!r}; the object was read as one frame")
    )
    return 1
