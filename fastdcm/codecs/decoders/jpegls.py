"""JPEG-LS lossless and near-lossless (ITU-T T.87), by CharLS."""

from __future__ import annotations

import imagecodecs

from fastdcm.codecs.decoders.common import Note, call, check_geometry, samples_of, shaped
from fastdcm.codestream import jpeg
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.model import Header, Samples


def decode(data: bytes, header: Header, *, note: Note) -> Samples:
    """A JPEG-LS frame to samples.

    Raises `CodestreamError` where the stream is cut or contradicts the header, `UnsupportedError`
    for scans that are not in the order of the frame header. A scan that lost nothing but bits of
    its very last sample is not told from a whole one.
    """
    stream = jpeg.parse(data)
    check_geometry(header, "JPEG-LS", stream.rows, stream.columns, len(stream.components))
    _check_scans(stream)
    # CharLS must not see the end of the data without a marker before it. At a marker, it refuses to go on
    # when its bits are used up; at the end of the data it does so only where the last code ended with them,
    # and else counts zeros that are not there (decoder_strategy.h, fill_read_cache): for seconds, or behind
    # the data, or for ever. `jpeg.parse` has found EOI, and nothing of the scans can lie behind it: with EOI
    # the last of the data, every code takes bits that are there, and so the decoder ends.
    array = call("CharLS", imagecodecs.jpegls_decode, data[: stream.end])
    array = shaped(array, header, "CharLS")
    # Chroma is never shared in JPEG-LS: three components of full size are coded.
    photometric = header.photometric_interpretation.replace("YBR_FULL_422", "YBR_FULL")
    return samples_of(
        array, header, precision=stream.precision, signed=None, photometric=photometric, note=note
    )


def _check_scans(stream: jpeg.JpegHeader) -> None:
    """Scans as CharLS takes them for granted (T.87 C.2.3).

    It lays out the output by the first scan's interleave mode (ILV, where T.81 has Se) and writes past it
    where a later scan has another one; and it does not look at which component a scan names.
    """
    for scan in stream.scans:
        if (scan.spectral_end == 0) != (len(scan.components) == 1):
            raise CodestreamError(
                f"a JPEG-LS scan of {len(scan.components)} components has interleave mode {scan.spectral_end}"
            )
    if tuple(component for scan in stream.scans for component in scan.components) != stream.components:
        raise UnsupportedError("JPEG-LS scans in another order than the frame header's are not supported")
