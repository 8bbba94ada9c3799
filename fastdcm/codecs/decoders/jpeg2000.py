"""JPEG 2000 (ITU-T T.800) by OpenJPEG, High-Throughput JPEG 2000 (T.814) by OpenJPH."""

from __future__ import annotations

import imagecodecs

from fastdcm.codecs.decoders.common import Note, call, check_geometry, samples_of, shaped
from fastdcm.codecs.decoders.reported import raising
from fastdcm.codestream import jpeg2000
from fastdcm.errors import UnsupportedError
from fastdcm.model import Header, Notice, Samples

#: Those of 16-bit samples are about 20. OpenJPH's 32-bit coefficients have room for so many; with more it
#: writes where it must not.
_MOST_BIT_PLANES = 30
_HTJ2K_DECODE = raising(imagecodecs.htj2k_decode)


def decode(data: bytes, header: Header, *, high_throughput: bool, threads: int = 1, note: Note) -> Samples:
    """A JPEG 2000 frame to samples; ``threads`` share the code-blocks of one that is not high-throughput.

    Raises `CodestreamError` where tile-parts and packets do not add up to the stream or its header
    contradicts the data set's, `UnsupportedError` for subsampled or unequal components.
    """
    stream = jpeg2000.parse(data)
    check_geometry(header, "JPEG 2000", stream.rows, stream.columns, len(stream.components))
    precision, signed, *_ = stream.components[0]
    if any(component != (precision, signed, 1, 1) for component in stream.components):
        raise UnsupportedError("JPEG 2000 with components of different size or depth is not supported")
    # OpenJPH fills what is missing without a word, OpenJPEG sometimes does.
    jpeg2000.check(data, stream)
    # Without the boxes of JP2, by which OpenJPEG would convert colours: the data set says what they are.
    codestream = data[stream.offset : stream.end]
    if stream.high_throughput or high_throughput:
        if jpeg2000.bit_planes(data, stream) > _MOST_BIT_PLANES:
            raise UnsupportedError(f"HTJ2K of more than {_MOST_BIT_PLANES} bit-planes is not supported")
        array = call("OpenJPH", _HTJ2K_DECODE, codestream)
    else:
        array = call("OpenJPEG", imagecodecs.jpeg2k_decode, codestream, numthreads=threads)
    array = shaped(array, header, "the JPEG 2000 decoder")
    photometric = header.photometric_interpretation
    if photometric in ("YBR_ICT", "YBR_RCT"):
        # The codestream's own component transform, which the decoder has undone (T.800 annex G).
        photometric = "RGB"
    elif photometric in ("YBR_FULL", "YBR_FULL_422"):
        if stream.cod.mct:
            message = (
                f"the codestream has a component transform, which {photometric} excludes; it was read as RGB"
            )
            note(Notice("component-transform", message))
        photometric = "RGB" if stream.cod.mct else "YBR_FULL"
    return samples_of(array, header, precision=precision, signed=signed, photometric=photometric, note=note)
