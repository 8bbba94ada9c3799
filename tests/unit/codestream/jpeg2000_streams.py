"""JPEG 2000 and HTJ2K streams of encoders other than imagecodecs' defaults, and ways to damage them."""

from __future__ import annotations

import io
import random
import subprocess
from functools import cache
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fastdcm.codecs.jpeg2000.walk import ends_of_packets
from fastdcm.codestream import jpeg2000
from fastdcm.errors import CodestreamError

Array = NDArray[Any]
EOC = b"\xff\xd9"


def smooth(rows: int, columns: int, *, samples: int = 1, bits: int = 8) -> Array:
    """A picture with edges, ramps and some noise, so that all bit-planes and layers have something."""
    y, x, c = np.mgrid[:rows, :columns, :samples]
    noise = np.random.default_rng(rows + columns)
    waves = np.sin(x / 9 + c) * np.cos(y / 7) + (x > columns / 3) * 0.6 + noise.normal(0, 0.08, x.shape)
    scaled = (waves - waves.min()) / (waves.max() - waves.min()) * (2**bits - 1)
    array = scaled.round().astype(np.uint8 if bits <= 8 else np.uint16)
    return array[..., 0] if samples == 1 else array


def pillow_2000(array: Array, **options: Any) -> bytes:
    """A codestream written by Pillow (OpenJPEG), which knows layers, precincts, progressions and offsets."""
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "JPEG2000", no_jp2=True, **options)
    return stream.getvalue()


def encoded(command: list[str], source: Path, target: Path) -> bytes:
    """The stream that a command makes of a file."""
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert target.is_file(), f"{' '.join(command)}: {done.stdout.decode()}{done.stderr.decode()}"
    stream = target.read_bytes()
    target.unlink()
    source.unlink()
    return stream


def opj_compress(tool: str, folder: Path, array: Array, options: str, *, bits: int = 8) -> bytes:
    """A codestream by OpenJPEG's command, from raw samples (big-endian, plane by plane)."""
    planes = np.moveaxis(np.atleast_3d(array), 2, 0)
    source, target = folder / "in.raw", folder / "out.j2k"
    source.write_bytes(planes.astype(">u2" if bits > 8 else "u1").tobytes())
    sign = "s" if array.dtype.kind == "i" else "u"
    rows, columns, samples = np.atleast_3d(array).shape
    form = f"{columns},{rows},{samples},{bits},{sign}"
    command = [tool, "-i", str(source), "-o", str(target), "-F", form, *options.split()]
    return encoded(command, source, target)


def opj_compress_420(tool: str, folder: Path, options: str) -> bytes:
    """A codestream of three components, the second and third subsampled by two."""
    luma, chroma = smooth(61, 83), smooth(31, 42)
    source, target = folder / "in.raw", folder / "out.j2k"
    source.write_bytes(luma.tobytes() + chroma.tobytes() + chroma[::-1].tobytes())
    form = "83,61,3,8,u@1x1:2x2:2x2"
    command = [tool, "-i", str(source), "-o", str(target), "-F", form, "-mct", "0", *options.split()]
    return encoded(command, source, target)


def netpbm(path: Path, array: Array, bits: int) -> None:
    """Write a PGM or PPM file."""
    rows, columns, *samples = array.shape
    kind = "P6" if samples else "P5"
    header = f"{kind}\n{columns} {rows}\n{2**bits - 1}\n".encode()
    path.write_bytes(header + array.astype(">u2" if bits > 8 else "u1").tobytes())


def ojph_compress(tool: str, folder: Path, array: Array, options: str, *, bits: int = 8) -> bytes:
    """An HTJ2K codestream by OpenJPH's command."""
    source, target = folder / ("in.ppm" if array.ndim == 3 else "in.pgm"), folder / "out.j2c"
    netpbm(source, array, bits)
    return encoded([tool, "-i", str(source), "-o", str(target), *options.split()], source, target)


def ffmpeg(tool: str, folder: Path, array: Array, options: str, *, bits: int = 8) -> bytes:
    """A codestream by FFmpeg's own encoder."""
    source, target = folder / ("in.ppm" if array.ndim == 3 else "in.pgm"), folder / "out.j2k"
    netpbm(source, array, bits)
    command = [tool, "-v", "error", "-y", "-i", str(source), "-c:v", "jpeg2000", "-format", "j2k"]
    command += [*options.split(), "-f", "image2", str(target)]
    return encoded(command, source, target)


def with_length(stream: bytes, part: jpeg2000.TilePart, length: int) -> bytes:
    """The stream with this Psot in a tile-part's header."""
    at = part.start + 6
    return stream[:at] + length.to_bytes(4, "big") + stream[at + 4 :]


def cut(stream: bytes, at: int, *, open_ended: bool = True) -> bytes:
    """The first bytes, closed with EOC, and Psot of the tile-part in which they end made to fit."""
    part = [part for part in jpeg2000.parse(stream).tile_parts if part.packets <= at][-1]
    return with_length(stream[:at] + EOC, part, 0 if open_ended else at - part.start)


def cuts(stream: bytes, count: int) -> list[int]:
    """Offsets inside tile-parts' packets: the first, the last ones, and random ones."""
    parts = jpeg2000.parse(stream).tile_parts
    inside = [at for part in parts for at in range(part.packets, part.end)]
    return sorted({inside[0], *inside[-4:], *random.Random(len(stream)).choices(inside, k=count)})


GREY, COLOUR, DEEP = smooth(61, 83), smooth(61, 83, samples=3), smooth(61, 83, bits=12)
PROGRESSIONS = ("LRCP", "RLCP", "RPCL", "PCRL", "CPRL")


def walk(stream: bytes) -> list[jpeg2000.Packet]:
    return list(jpeg2000.packets(stream, jpeg2000.parse(stream)))


def prove(stream: bytes) -> None:
    """That a stream is whole, by the walk over its packets and by the kernel that stands for it.

    Raises CodestreamError where the walk does, and fails where the two differ.
    """
    header = jpeg2000.parse(stream)
    try:
        jpeg2000.check(stream, header)
    except CodestreamError:
        assert not is_whole_by_kernel(stream, header)
        raise
    ends = ends_of_packets(memoryview(stream), header)
    assert ends is None or ends.tolist() == [packet.body[1] for packet in walk(stream)]


def is_whole_by_kernel(stream: bytes, header: jpeg2000.Jpeg2000Header) -> bool:
    try:
        return ends_of_packets(stream, header) is not None
    except CodestreamError:
        return False


@cache
def own() -> dict[str, bytes]:
    """Streams of encoders that come with the tests' own dependencies."""
    layers: Any = {"quality_mode": "rates", "quality_layers": [40, 10, 1]}
    streams: dict[str, bytes] = {}
    for order in PROGRESSIONS:
        streams[f"pillow {order}"] = pillow_2000(
            COLOUR,
            progression=order,
            num_resolutions=4,
            precinct_size=(16, 32),
            codeblock_size=(8, 16),
            **layers,
        )
        streams[f"pillow tiles {order}"] = pillow_2000(
            GREY,
            progression=order,
            num_resolutions=3,
            tile_size=(33, 40),
            offset=(5, 7),
            tile_offset=(2, 3),
            **layers,
        )
    for samples, bits, levels in [(1, 1, 1), (1, 8, 2), (1, 12, 6), (1, 16, 6), (3, 8, 5), (3, 16, 3)]:
        array = smooth(61, 83, samples=samples, bits=bits)
        options: Any = {"codecformat": "j2k", "bitspersample": bits, "resolutions": levels}
        name = f"{samples}x{bits} bits"
        streams[f"openjpeg {name}"] = bytes(imagecodecs.jpeg2k_encode(array, **options))
        streams[f"openjpeg lossy {name}"] = bytes(imagecodecs.jpeg2k_encode(array, level=30, **options))
        streams[f"openjph {name}"] = bytes(imagecodecs.htj2k_encode(array, reversible=True))
        streams[f"openjph lossy {name}"] = bytes(imagecodecs.htj2k_encode(array, level=0.05))
    for parts in (0, 1, 2, 3):
        htj2k = imagecodecs.htj2k_encode(COLOUR, tilepart=parts, tlm=True, tile=(32, 32), reversible=True)
        streams[f"openjph tile-parts {parts}"] = bytes(htj2k)
    streams["one pixel"] = bytes(imagecodecs.jpeg2k_encode(GREY[:1, :1], codecformat="j2k", resolutions=1))
    streams["one value"] = bytes(imagecodecs.jpeg2k_encode(np.zeros_like(DEEP), codecformat="j2k"))
    streams["jp2"] = bytes(imagecodecs.jpeg2k_encode(COLOUR, codecformat="jp2"))
    return streams


def assert_cuts_are_seen(stream: bytes, count: int = 25) -> None:
    for at in cuts(stream, count):
        for open_ended in (True, False):
            with pytest.raises(CodestreamError):
                prove(cut(stream, at, open_ended=open_ended))


def repacked(stream: bytes, kind: str) -> bytes:
    """The stream with its packet headers in PPM or PPT segments (T.800 A.7.4, A.7.5)."""
    header = jpeg2000.parse(stream)
    first = header.tile_parts[0].start
    heads, bodies = {}, {}
    for tile, packets in groupby(walk(stream), lambda packet: packet.tile):
        found = list(packets)
        heads[tile] = b"".join(stream[packet.header[0] : packet.body[0]] for packet in found)
        bodies[tile] = b"".join(stream[slice(*packet.body)] for packet in found)
    parts, in_main = b"", b""
    for part in header.tile_parts:
        segments = b""
        if kind == "PPT":  # the order of segments is that of their index, not of their place
            pieces = [heads[part.tile][at : at + 90] for at in range(0, len(heads[part.tile]), 90)]
            for index, piece in reversed(list(enumerate(pieces))):
                segments += b"\xff\x61" + (3 + len(piece)).to_bytes(2, "big") + bytes([index]) + piece
        in_main += len(heads[part.tile]).to_bytes(4, "big") + heads[part.tile]
        length = 14 + len(segments) + len(bodies[part.tile])
        parts += stream[part.start : part.start + 6] + length.to_bytes(4, "big")
        parts += b"\0\1" + segments + b"\xff\x93" + bodies[part.tile]
    ppm = b""
    if kind == "PPM":
        for index, at in enumerate(range(0, len(in_main), 700)):
            piece = in_main[at : at + 700]
            ppm += b"\xff\x60" + (3 + len(piece)).to_bytes(2, "big") + bytes([index]) + piece
    return stream[:first] + ppm + parts + EOC


def insert(stream: bytes, segment: bytes) -> bytes:
    """A marker segment behind COD in the main header."""
    at = stream.index(b"\xff\x52")
    at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return stream[:at] + segment + stream[at:]


def in_tile(stream: bytes, segment: bytes) -> bytes:
    """A marker segment in the header of the first tile-part."""
    part = jpeg2000.parse(stream).tile_parts[0]
    longer = stream[: part.start + 12] + segment + stream[part.start + 12 :]
    return with_length(longer, part, part.end - part.start + len(segment))


def plt_lengths(stream: bytes, part: jpeg2000.TilePart) -> list[int]:
    """The packet lengths in the PLT segments of a tile-part (T.800 A.7.3), which here need no order."""
    lengths, position = [0], part.start + 12
    while (marker := stream[position : position + 2]) != b"\xff\x93":
        end = position + 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
        for byte in stream[position + 5 : end] if marker == b"\xff\x58" else b"":
            lengths[-1] = lengths[-1] << 7 | byte & 127
            if byte < 128:
                lengths.append(0)
        position = end
    return lengths[:-1]


def assert_lengths_are_those_of_plt(stream: bytes) -> None:
    starts = {part.packets: part for part in jpeg2000.parse(stream).tile_parts}
    ends = [packet.body[1] for packet in walk(stream)]
    told: list[int] = []
    for start, part in starts.items():
        told += accumulate(plt_lengths(stream, part), initial=start)
        assert told[-1] == part.end
        told.remove(start)
    assert ends == told
