"""Uncompressed frames (PS3.5 8.1.1 and annex A), deflated ones included (A.4.11)."""

from __future__ import annotations

import numpy as np

from fastdcm.codecs.decoders.common import Array, Darkest, Note, filled
from fastdcm.errors import DecodeError, TruncatedError, UnsupportedError
from fastdcm.kernels.words import masked
from fastdcm.model import Header, Samples


def decode(
    data: memoryview,
    header: Header,
    *,
    bit_offset: int = 0,
    little: bool = True,
    mask: bool = True,
    darkest: Darkest | None = None,
    note: Note,
) -> Samples:
    """A native frame to samples: unpacked, in this machine's byte order, colour by pixel.

    The array may share ``data``'s memory. Where bytes are missing, raises `TruncatedError`, or with
    ``darkest`` fills with that value. Without ``mask`` bits above Bits Stored may stay in samples of 16.
    """
    needed = (bit_offset + header.native_frame_bits + 7) // 8
    photometric = header.photometric_interpretation
    if photometric == "YBR_PARTIAL_420":
        raise UnsupportedError("YBR_PARTIAL_420 is not defined for uncompressed pixel data")
    if len(data) < needed:
        if darkest is None:
            raise TruncatedError(f"the frame has {len(data)} bytes and needs {needed}")
        whole = decode(
            memoryview(bytes(data).ljust(needed, b"\0")),
            header,
            bit_offset=bit_offset,
            little=little,
            note=note,
        )
        count = header.native_frame_bits // header.bits_allocated
        there = (8 * len(data) - bit_offset) // header.bits_allocated
        missing = _arranged(np.asarray(np.arange(count) >= there), header)
        return filled(whole, missing if missing.ndim == 2 else np.any(missing, axis=2), darkest, note)
    data = data[:needed]
    if header.is_float:
        order = "<" if little else ">"
        floats = np.frombuffer(data, f"{order}f{header.bits_allocated // 8}")
        native = floats.astype(floats.dtype.newbyteorder("="), copy=False)
        return Samples(_arranged(native, header), photometric, 0, True)
    array = _arranged(_integers(data, header, bit_offset, little), header)
    mask |= header.bits_allocated != 16
    array = stored_values(array, header, mask=mask)
    return Samples(array, photometric, header.bits_stored, header.signed, masked=mask)


def _arranged(values: Array, header: Header) -> Array:
    """Values in the order of the file as (rows, columns[, samples])."""
    if header.photometric_interpretation in ("YBR_FULL_422", "YBR_PARTIAL_422"):
        return _unpack_chroma(values, header)
    if header.samples_per_pixel == 1:
        return values.reshape(header.rows, header.columns)
    if header.planar_configuration:
        planes = values.reshape(header.samples_per_pixel, header.rows, header.columns)
        return np.ascontiguousarray(planes.transpose(1, 2, 0))
    return values.reshape(header.rows, header.columns, header.samples_per_pixel)


def decode_deflated(
    data: memoryview, header: Header, *, darkest: Darkest | None = None, note: Note
) -> Samples:
    """A frame of Deflated Image Frame Compression: raw deflate around a native frame."""
    needed = (header.native_frame_bits + 7) // 8
    import zlib

    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        # One byte more than needed tells whether there is more.
        native = inflater.decompress(data, needed + 2)
    except zlib.error as error:
        raise DecodeError(f"the deflated frame is damaged: {error}") from error
    if len(native) < needed and darkest is None:
        raise TruncatedError(f"the deflated frame inflates to {len(native)} bytes and needs {needed}")
    if len(native) > needed + 1:
        raise DecodeError(f"the deflated frame inflates to more than its {needed} bytes")
    return decode(memoryview(native), header, darkest=darkest, note=note)


def _integers(data: memoryview, header: Header, bit_offset: int, little: bool) -> Array:
    """The frame's words as unsigned integers, one after the other."""
    allocated = header.bits_allocated
    if allocated == 1:
        count = header.rows * header.columns * header.samples_per_pixel
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return bits[bit_offset : bit_offset + count]
    if allocated == 12:
        return _unpack_12(np.frombuffer(data, np.uint8), bit_offset, header)
    words = np.frombuffer(data, f"{'<' if little else '>'}u{allocated // 8}")
    return words.astype(words.dtype.newbyteorder("="), copy=False)


def _unpack_12(data: Array, bit_offset: int, header: Header) -> Array:
    """Samples of 12 bits, packed from the lowest bit up (PS3.5 8.1.1)."""
    count = header.rows * header.columns * header.samples_per_pixel
    start = 12 * np.arange(count, dtype=np.int64) + bit_offset
    padded = np.append(data, np.zeros(2, np.uint8)).astype(np.uint16)
    at = start >> 3
    shift = (start & 7).astype(np.uint16)
    values: Array = ((padded[at] | padded[at + 1] << 8) >> shift) & 0xFFF
    return values


def _unpack_chroma(values: Array, header: Header) -> Array:
    """Y1 Y2 Cb Cr to one triple a pixel, chroma repeated.

    PS3.3 C.7.6.3.1.2; an odd width is padded to the next pair.
    """
    rows, columns = header.rows, header.columns
    pairs = (columns + 1) // 2
    full = np.empty((rows, 2 * pairs, 3), values.dtype)
    packed = values.reshape(rows, pairs, 4)
    full[:, 0::2, 0], full[:, 1::2, 0] = packed[..., 0], packed[..., 1]
    for channel in (0, 1):
        full[..., 1 + channel] = packed[..., 2 + channel].repeat(2, 1)
    return full[:, :columns]


def stored_values(array: Array, header: Header, *, mask: bool = True) -> Array:
    """Bits Stored bits that end at High Bit, sign-extended where signed (PS3.5 8.1.1).

    Without ``mask`` what is above them may stay.
    """
    above = header.high_bit - (header.bits_stored - 1)
    if above:
        array = array >> array.dtype.type(above)
    return masked(array, header.bits_stored, signed=header.signed) if mask else array
