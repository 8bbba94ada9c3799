"""JPEG-LS lossless and near-lossless (ITU-T T.87), by CharLS."""

from __future__ import annotations

import imagecodecs

from fastdcm.codecs.decoders.common import Note, call, check_geometry, samples_of, shaped
from fastdcm.codestream import jpeg
from fastdcm.model import Header, Samples


def decode(data: bytes, header: Header, *, note: Note) -> Samples:
    """A JPEG-LS frame to samples.

    Raises `CodestreamError` where the stream is cut, as far as its markers tell, or contradicts
    the header. CharLS may not return from a damaged stream: callers that must go on run it in a
    process that they can end (`fastdcm.batch`).
    """
    stream = jpeg.parse(data)
    check_geometry(header, "JPEG-LS", stream.rows, stream.columns, len(stream.components))
    array = call("CharLS", imagecodecs.jpegls_decode, data[: stream.end])
    array = shaped(array, header, "CharLS")
    # Chroma is never shared in JPEG-LS: three components of full size are coded.
    photometric = header.photometric_interpretation.replace("YBR_FULL_422", "YBR_FULL")
    return samples_of(
        array, header, precision=stream.precision, signed=None, photometric=photometric, note=note
    )
