"""Pure parsers of compressed streams: what is in them, how long they are, whether they are whole.

No pixel is decoded here, and neither numpy nor a codec is imported. Whatever the bytes are, the
parsers return a header or raise CodestreamError or UnsupportedError, in time linear in the data.
"""

from __future__ import annotations

from typing import Literal

from fastdcm.codestream import signatures

Kind = Literal["jpeg", "jpeg-ls", "jpeg2000", "htj2k", "jpegxl"]


def sniff(data: bytes) -> Kind | None:
    """Tell by its signature what a stream is; None for RLE, native samples and anything else.

    Says nothing about whether the stream is whole: that is for its ``parse``.
    """
    if data[:2] == signatures.JPEG:
        from fastdcm.codestream import markers  # the parsers are imported by who decodes

        return "jpeg-ls" if markers.frame_marker(data) == markers.JPEG_LS else "jpeg"
    if data[:2] == signatures.JPEG_XL or data[:12] == signatures.JPEG_XL_CONTAINER:
        return "jpegxl"
    if data[:4] == signatures.JPEG_2000:
        offset = 0
    elif data[:12] == signatures.JP2:
        offset = max(data.find(signatures.JPEG_2000), 0)
    else:
        return None
    rsiz = int.from_bytes(data[offset + 6 : offset + 8], "big")
    return "htj2k" if rsiz & signatures.HIGH_THROUGHPUT else "jpeg2000"
