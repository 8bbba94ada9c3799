"""JPEG: baseline, extended, progressive and lossless (ITU-T T.81), by libjpeg-turbo."""

from __future__ import annotations

import imagecodecs

from fastdcm.codecs.decoders.common import Note, call, check_geometry, samples_of, shaped
from fastdcm.codestream import jpeg
from fastdcm.model import Header, Notice, Samples

_CODED = {"RGB": "RGB", "YBR_FULL": "YCBCR"}


def decode(data: bytes, header: Header, *, rgb: bool, note: Note) -> Samples:
    """A JPEG frame to samples, colour as RGB where ``rgb``.

    Raises `CodestreamError` where the stream is cut or contradicts the header.
    """
    stream = jpeg.parse(data)
    check_geometry(header, "JPEG", stream.rows, stream.columns, len(stream.components))
    if not stream.complete:
        note(Notice("incomplete-scans", "the progressive JPEG stream lacks some of its refinement"))
    options: dict[str, str] = {}
    photometric = header.photometric_interpretation
    if len(stream.components) == 3:
        photometric = jpeg.colour(stream, photometric)
        # libjpeg-turbo cannot convert colours of lossless streams; rendering does.
        out = "RGB" if rgb and stream.process != "lossless" else photometric
        options = {"colorspace": _CODED[photometric], "outcolorspace": _CODED[out]}
        photometric = out
    array = call("libjpeg-turbo", imagecodecs.jpeg8_decode, data[: stream.end], **options)
    array = shaped(array, header, "libjpeg-turbo")
    return samples_of(
        array, header, precision=stream.precision, signed=None, photometric=photometric, note=note
    )
