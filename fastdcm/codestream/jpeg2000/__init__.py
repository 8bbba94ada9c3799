"""JPEG 2000 (ITU-T T.800) and HTJ2K (T.814) codestreams, bare or in a JP2 file; nothing is decoded.

`parse` reads the headers, which say what is coded and where; `check` goes through the packets and proves
that all of it is there. `packets` hands out what each code-block has.
"""

from fastdcm.codestream.jpeg2000.headers import Component, Jpeg2000Header, TilePart, Tiles, parse
from fastdcm.codestream.jpeg2000.packets import Packet, check, count, packets
from fastdcm.codestream.jpeg2000.quantization import bit_planes

__all__ = [
    "Component",
    "Jpeg2000Header",
    "Packet",
    "TilePart",
    "Tiles",
    "bit_planes",
    "check",
    "count",
    "packets",
    "parse",
]
