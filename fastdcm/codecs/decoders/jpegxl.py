"""JPEG XL (ISO/IEC 18181-1), by libjxl."""

from __future__ import annotations

import imagecodecs

from fastdcm.codecs.decoders.common import Note, call, check_geometry, samples_of, shaped
from fastdcm.codestream import jpegxl
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.model import Header, Samples


def decode(data: bytes, header: Header, *, note: Note) -> Samples:
    """A JPEG XL frame to samples; colour comes out as RGB whatever it was coded as.

    Raises `CodestreamError` where the stream is cut or contradicts the header.
    """
    stream = jpegxl.parse(data)
    check_geometry(header, "JPEG XL", stream.rows, stream.columns, stream.components)
    if stream.orientation != 1 or stream.animated or stream.is_float:
        raise UnsupportedError("JPEG XL that is turned, animated or of floats is not supported")
    array = call("libjxl", imagecodecs.jpegxl_decode, data, numthreads=1)
    if array.dtype.kind != "u":
        raise CodestreamError(f"the JPEG XL stream holds {array.dtype}, not integers")
    array = shaped(array, header, "libjxl")
    photometric = header.photometric_interpretation if header.samples_per_pixel == 1 else "RGB"
    precision = stream.bits or 8 * array.itemsize
    return samples_of(array, header, precision=precision, signed=None, photometric=photometric, note=note)
