"""Stored values as files of each transfer syntax, by the encoders that are at hand."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import imagecodecs
import jpeg_ls
import numpy as np
import pydicom
from pydicom.encaps import encapsulate
from pydicom.uid import UID, generate_uid

from benches.inputs import Array

Encode = Callable[[Array, int], bytes]

NATIVE = "1.2.840.10008.1.2.1"


def _rle(frame: Array, bits: int) -> bytes:
    """A segment a byte of each sample, the highest first, each row by itself (PS3.5 G.2, G.3.1)."""
    planes = frame.reshape(*frame.shape[:2], -1).view(np.uint8)
    size = frame.itemsize
    segments = []
    for place in range(planes.shape[2]):
        at = place - place % size + size - 1 - place % size
        rows = (imagecodecs.packbits_encode(row) for row in np.ascontiguousarray(planes[..., at]))
        segment = b"".join(map(bytes, rows))
        segments.append(segment + b"\0" * (len(segment) % 2))
    offsets = [64 + sum(map(len, segments[:number])) for number in range(len(segments))]
    head = struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(offsets)))
    return head + b"".join(segments)


def _baseline(frame: Array, bits: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(frame, 90, subsampling="422" if frame.ndim == 3 else None))


def _extended(frame: Array, bits: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(frame, 90, bitspersample=12))


def _lossless(frame: Array, bits: int) -> bytes:
    colour: dict[str, Any] = {"colorspace": "RGB", "outcolorspace": "RGB"} if frame.ndim == 3 else {}
    return bytes(imagecodecs.jpeg8_encode(frame, lossless=True, predictor=1, bitspersample=bits, **colour))


def _jpegls(frame: Array, bits: int) -> bytes:
    samples = frame.shape[2] if frame.ndim == 3 else 1
    size = frame.shape[:2]
    return bytes(jpeg_ls.encode_buffer(frame.tobytes(), *size, samples, bits, 0, 2 if samples > 1 else None))


def _jpeg2000(frame: Array, bits: int) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(frame, codecformat="J2K", reversible=True, bitspersample=bits))


def _jpeg2000_lossy(frame: Array, bits: int) -> bytes:
    options: dict[str, Any] = {"codecformat": "J2K", "reversible": False, "bitspersample": bits}
    return bytes(imagecodecs.jpeg2k_encode(frame, level=60, **options))


def _htj2k(frame: Array, bits: int) -> bytes:
    """OpenJPH's binding writes whole bytes: other depths go as signed words, and SIZ is told the depth.

    SIZ is that of T.800 A.5.1.
    """
    if bits in (8, 16):
        return bytes(imagecodecs.htj2k_encode(frame, reversible=True))
    centred = (frame.astype(np.int32) - (1 << (bits - 1))).astype(np.int16)
    stream = bytearray(imagecodecs.htj2k_encode(centred, reversible=True))
    stream[stream.index(b"\xff\x51") + 40] = bits - 1
    return bytes(stream)


#: Name of a syntax -> its UID, its encoder, and the Photometric Interpretation of colour in it.
SYNTAXES: dict[str, tuple[str, Encode | None, str]] = {
    "native": (NATIVE, None, "RGB"),
    "RLE": ("1.2.840.10008.1.2.5", _rle, "RGB"),
    "JPEG baseline": ("1.2.840.10008.1.2.4.50", _baseline, "YBR_FULL_422"),
    "JPEG extended": ("1.2.840.10008.1.2.4.51", _extended, "YBR_FULL_422"),
    "JPEG lossless": ("1.2.840.10008.1.2.4.70", _lossless, "RGB"),
    "JPEG-LS": ("1.2.840.10008.1.2.4.80", _jpegls, "RGB"),
    "JPEG 2000 lossless": ("1.2.840.10008.1.2.4.90", _jpeg2000, "YBR_RCT"),
    "JPEG 2000 lossy": ("1.2.840.10008.1.2.4.91", _jpeg2000_lossy, "YBR_ICT"),
    "HTJ2K": ("1.2.840.10008.1.2.4.201", _htj2k, "YBR_RCT"),
}


def dicom(header: pydicom.Dataset, frames: list[Array], syntax: str, number: int) -> bytes:
    """A file of ``frames`` under ``syntax``; ``number`` tells instances apart. Changes the header."""
    uid, encode, colour = SYNTAXES[syntax]
    frames = [_fit(header, frame, syntax) for frame in frames]
    header.InstanceNumber = number
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    header.file_meta.TransferSyntaxUID = UID(uid)
    if len(frames) > 1:
        header.NumberOfFrames = len(frames)
    if frames[0].ndim == 3:
        header.PhotometricInterpretation = colour
    if encode is None:
        header.PixelData = b"".join(frame.tobytes() for frame in frames)
        header["PixelData"].VR = "OB" if header.BitsAllocated == 8 else "OW"
    else:
        header.PixelData = encapsulate([encode(frame, header.BitsStored) for frame in frames])
        header["PixelData"].VR, header["PixelData"].is_undefined_length = "OB", True
    file = io.BytesIO()
    pydicom.dcmwrite(file, header, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return file.getvalue()


def _fit(header: pydicom.Dataset, frame: Array, syntax: str) -> Array:
    """The values as the syntax holds them: unsigned where codecs know no sign, 8 or 12 bits for the DCT."""
    if frame.ndim == 3 or syntax in ("native", "RLE"):
        return frame
    low = min(0, int(frame.min()))
    if low:
        # The same modality values from unsigned ones, which codecs compress like any other.
        frame = (frame.astype(np.int32) - low).astype(np.uint16)
        header.RescaleIntercept = float(header.RescaleIntercept) + low * float(header.RescaleSlope)
    header.pop("PixelPaddingValue", None)
    header.PixelRepresentation = 0
    bits = max(8, int(frame.max()).bit_length())
    depth = {"JPEG baseline": 8, "JPEG extended": 12}.get(syntax, bits)
    if depth < bits:
        frame = frame >> (bits - depth)
        header.RescaleSlope = float(header.RescaleSlope) * (1 << (bits - depth))
    header.BitsStored, header.HighBit = depth, depth - 1
    header.BitsAllocated = 8 if depth == 8 else 16
    return frame.astype(np.uint8 if depth == 8 else np.uint16)
