"""Frames that are files already: baseline JPEG of 8 bits, taken over without decoding it."""

from __future__ import annotations

from collections.abc import Callable

from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.model import Header

#: JPEG Baseline and JPEG Extended, of which baseline is a part (PS3.5 A.4.1).
_SYNTAXES = frozenset(["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"])


def may_hold_baseline(header: Header) -> bool:
    """Whether frames may be baseline JPEG whose samples are the stored values: 8 bits without a sign."""
    return (
        header.transfer_syntax_uid in _SYNTAXES
        and header.bits_stored == 8
        and header.high_bit == 7
        and not header.signed
    )


def baseline_jpeg(
    data: bytes, header: Header, profile: bytes = b"", found: Callable[[bytes], bytes | None] | None = None
) -> bytes | None:
    """A frame's stream as a JPEG file, for a ``header`` that `may_hold_baseline`; with an ICC ``profile``.

    ``found`` is given the profile of a colour stream, and gives the one to write, or None where the frame
    must be decoded for it. None where the frame must be decoded for another reason: it is no plain baseline
    stream, not of the data set's size, not provably whole, or there is anything else about it that decoding
    would tell.
    """
    # Few objects get here, and a single file of another kind is spared the import.
    from fastdcm.codestream import jpeg, jpeg_entropy, profiles
    from fastdcm.codestream.jpeg_rewrite import rewrite

    try:
        stream = jpeg.parse(data)
        expected = (header.rows, header.columns, header.samples_per_pixel)
        if (stream.rows, stream.columns, len(stream.components)) != expected:
            return None
        if stream.has_icc and found is not None and len(stream.components) > 1:
            own = found(profiles.of_jpeg(data) or b"")
            if own is None:
                return None
            profile = own
        file = rewrite(data, stream, jpeg.colour(stream, header.photometric_interpretation), profile)
        if file is not None:
            jpeg_entropy.coverage(data, stream)
    except (CodestreamError, UnsupportedError):
        return None  # decoding raises the same, or reads in part what is there
    return file
