"""JPEG: baseline, extended, progressive and lossless (ITU-T T.81), by libjpeg-turbo."""

from __future__ import annotations

import imagecodecs
import numpy as np

from fastdcm.codecs.decoders.common import Darkest, Note, call, check_geometry, filled, samples_of, shaped
from fastdcm.codestream import jpeg, jpeg_entropy
from fastdcm.errors import CodestreamError
from fastdcm.model import Header, Notice, Samples

_EOI = b"\xff\xd9"
#: Transfer syntax -> the processes of its streams (PS3.5 A.4.1); baseline is a part of extended.
_PROCESSES = {
    "1.2.840.10008.1.2.4.50": ("baseline",),
    "1.2.840.10008.1.2.4.51": ("baseline", "extended"),
    "1.2.840.10008.1.2.4.53": ("progressive",),
    "1.2.840.10008.1.2.4.55": ("progressive",),
    "1.2.840.10008.1.2.4.57": ("lossless",),
    "1.2.840.10008.1.2.4.70": ("lossless",),
}
_CODED = {"RGB": "RGB", "YBR_FULL": "YCBCR"}


def decode(data: bytes, header: Header, *, rgb: bool, darkest: Darkest | None = None, note: Note) -> Samples:
    """A JPEG frame to samples, colour as RGB where ``rgb``.

    Raises `CodestreamError` where the stream contradicts the header or is cut; with ``darkest``
    rows that a cut stream lacks are filled with that value.
    """
    partial = darkest is not None
    stream = jpeg.parse(data, partial=partial)
    check_geometry(header, "JPEG", stream.rows, stream.columns, len(stream.components))
    _check_process(stream, header, note)
    # libjpeg fills what is missing with grey or with the row above, and says nothing.
    rows, detailed = jpeg_entropy.coverage(data, stream, partial=partial)
    if not (stream.complete and detailed):
        message = "scans of a progressive stream are missing, or cut"
        if not partial:
            raise CodestreamError(f"cut: {message}")
        note(Notice("partial", f"{message}: the image has less detail"))
    options: dict[str, str] = {}
    photometric = header.photometric_interpretation
    if len(stream.components) == 3:
        photometric = jpeg.colour(stream, photometric)
        # libjpeg-turbo cannot convert colours of lossless streams; rendering does.
        out = "RGB" if rgb and stream.process != "lossless" else photometric
        options = {"colorspace": _CODED[photometric], "outcolorspace": _CODED[out]}
        photometric = out
    whole = data[: stream.end] + (_EOI if partial else b"")
    array = call("libjpeg-turbo", imagecodecs.jpeg8_decode, whole, **options)
    array = shaped(array, header, "libjpeg-turbo")
    samples = samples_of(
        array, header, precision=stream.precision, signed=None, photometric=photometric, note=note
    )
    if rows < header.rows and darkest is not None:
        missing = np.zeros((header.rows, header.columns), bool)
        missing[rows:] = True
        return filled(samples, missing, darkest, note)
    return samples


def _check_process(stream: jpeg.JpegHeader, header: Header, note: Note) -> None:
    uid = header.transfer_syntax_uid
    expected = _PROCESSES.get(uid, (stream.process,))
    if stream.process not in expected:
        found = f"the JPEG stream is {stream.process}"
        message = f"{found}, unlike transfer syntax {uid}; it was decoded as found"
        note(Notice("other-syntax", message))
