"""Code-blocks decode as T.800 has it: as a plain decoder in Python does, and as OpenJPEG does."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from fastdcm.codestream import jpeg2000
from fastdcm.kernels import code_blocks as kernels
from tests.checked import printed_with_checks
from tests.unit.kernels import ebcot

Table = NDArray[np.int64]
#: A code-block's pieces of bytes, its codeword segments (bytes, passes), planes, width, height, place.
Stored = tuple[list[tuple[int, int]], list[tuple[int, int]], int, int, int, tuple[int, int]]

STYLES = [0, 1, 2, 4, 5, 8, 16, 20, 32, 2 | 8 | 32, 1 | 16, 63]


def content(kind: str, rows: int, columns: int, bits: int, seed: int) -> NDArray[Any]:
    """Images of which each is another stretch of the coder's contexts."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    top = (1 << bits) - 1
    made = {
        "noise": lambda: rng.integers(0, top + 1, (rows, columns)),
        "sparse": lambda: np.where(rng.random((rows, columns)) < 0.02, top, top // 2 + 1),
        "sparse small": lambda: top // 2 + 1 + (rng.random((rows, columns)) < 0.01),
        "periodic": lambda: (x * 3 + y * 5) % (top + 1),
        "columns": lambda: np.where(x % 4 == 1, top, 0),
        "stripes": lambda: np.where(y % 4 == 3, top, top // 2 + 1),
        "constant": lambda: np.full((rows, columns), top),
        "middle": lambda: np.full((rows, columns), top // 2 + 1),
        "gradient": lambda: (x + y) * top // max(1, rows + columns),
        "normal": lambda: np.clip(rng.normal(top / 2, top / 20 + 1, (rows, columns)), 0, top),
    }[kind]()
    return made.astype(np.uint8 if bits <= 8 else np.uint16)


KINDS = [
    "noise", "sparse", "sparse small", "periodic", "columns", "stripes", "constant", "middle", "gradient",
    "normal",
]  # fmt: skip


def stored_blocks(stream: bytes) -> tuple[list[Stored], int]:
    """The code-blocks of a stream of one tile, one component and no decomposition; and their style."""
    header = jpeg2000.parse(stream)
    # Without decomposition and quantization Mb is guard bits + exponent - 1 (E-2) in its one sub-band.
    planes = jpeg2000.bit_planes(stream, header)
    found: dict[tuple[int, int], Stored] = {}
    ends: dict[tuple[int, int], bool] = {}
    style = header.cod.blocks.style
    for packet in jpeg2000.packets(stream, header):
        for part in packet.contributions:
            area = part.blocks.block(part.number)
            place = area.x0, area.y0
            if place not in found:
                size = area.x1 - area.x0, area.y1 - area.y0
                found[place] = [], [], planes - part.zero_bit_planes, *size, place
                ends[place] = True
            chunks, segments = found[place][:2]
            offset = packet.body[0] + part.offset
            passed = part.passes_before
            for length, passes in part.segments:
                chunks.append((offset, length))
                offset += length
                if ends[place]:
                    segments.append((length, passes))
                else:
                    before = segments.pop()
                    segments.append((before[0] + length, before[1] + passes))
                passed += passes
                ends[place] = is_terminated(style, passed)
    return list(found.values()), style


def is_terminated(style: int, passed: int) -> bool:
    """Whether a codeword segment ends behind so many passes (T.800 table D.9)."""
    return bool(style & 4) or (bool(style & 1) and passed >= 10 and passed % 3 != 2)


def tables(blocks: list[Stored], style: int, stride: int, orientation: int = 0) -> tuple[Table, Table, Table]:
    """The arguments of the kernel."""
    rows, chunks, segments = [], [], []
    for pieces, parts, planes, width, height, (x, y) in blocks:
        first_chunk, first_segment = len(chunks), len(segments)
        chunks += pieces
        segments += parts
        pieces_and_parts = first_chunk, len(chunks), first_segment, len(segments)
        rows.append((*pieces_and_parts, planes, orientation, width, height, style, y * stride + x, stride, 0))
    return (
        np.array(rows, np.int64).reshape(-1, kernels.FIELDS),
        np.array(chunks, np.int64).reshape(-1, 2),
        np.array(segments, np.int64).reshape(-1, 2),
    )


def decoded(
    data: bytes,
    blocks: list[Stored],
    style: int,
    shape: tuple[int, int],
    orientation: int = 0,
    lowest: int = 0,
    expected: int = kernels.DECODED,
) -> NDArray[np.int32]:
    """What the kernel makes of them in an image of this shape; around it nothing is written."""
    rows, chunks, segments = tables(blocks, style, shape[1], orientation)
    longest = max((sum(length for _, length in block[0]) for block in blocks), default=0)
    guarded = np.full(shape[0] * shape[1] + 64, 12345, np.int32)
    guarded[32:-32] = 0
    work = kernels.work(longest)
    for each in work:
        each.fill(170)  # what others left there
    got = kernels.decode_blocks(
        np.frombuffer(data, np.uint8), rows, chunks, segments, 0, len(rows), lowest, *work, guarded[32:-32]
    )
    assert got == expected
    assert (guarded[:32] == 12345).all()
    assert (guarded[-32:] == 12345).all()
    return guarded[32:-32].reshape(shape)


def plain(data: bytes, block: Stored, style: int, orientation: int = 0, lowest: int = 0) -> NDArray[np.int32]:
    """What the decoder of the standard's words makes of a code-block."""
    joined = b"".join(data[offset : offset + length] for offset, length in block[0])
    parts, position = [], 0
    for length, passes in block[1]:
        parts.append((joined[position : position + length], passes))
        position += length
    return ebcot.decode(parts, block[2], orientation, block[3], block[4], style, lowest)[0]


def encoded(
    tmp_path: Path, image: NDArray[Any], bits: int, style: int, size: tuple[int, int], *more: str
) -> bytes:
    """A stream of `opj_compress`, with code-blocks of this width and height, and without decomposition."""
    source, made = tmp_path / "in.pgm", tmp_path / "out.j2k"
    rows, columns = image.shape
    head = f"P5\n{columns} {rows}\n{(1 << bits) - 1}\n".encode()
    source.write_bytes(head + (image.astype(">u2") if bits > 8 else image).tobytes())
    options = [
        *("-i", source, "-o", made),
        *("-n", "1", "-b", f"{size[0]},{size[1]}", *(["-M", str(style)] if style else []), *more),
    ]
    subprocess.run(["opj_compress", *options], check=True, capture_output=True, timeout=60)
    return made.read_bytes()


@pytest.fixture
def encode(
    tmp_path: Path, peer: Callable[[str], str]
) -> Callable[..., tuple[bytes, list[Stored], NDArray[np.int32]]]:
    """Makes a stream; returns it with its code-blocks and the coefficients that it must give."""
    peer("opj_compress")

    def make(
        image: NDArray[Any], bits: int, style: int, size: tuple[int, int] = (64, 64), *more: str
    ) -> tuple[bytes, list[Stored], NDArray[np.int32]]:
        stream = encoded(tmp_path, image, bits, style, size, *more)
        blocks, stored = stored_blocks(stream)
        assert stored == style
        (component,) = jpeg2000.parse(stream).components  # it takes up to 8 bits for 8
        return stream, blocks, image.astype(np.int32) - (1 << component.precision - 1)

    return make


def halved(doubled: NDArray[np.int32]) -> NDArray[np.int32]:
    """Without the fractional bit, towards 0."""
    return np.sign(doubled) * (np.abs(doubled) >> 1)


@pytest.mark.peer
@pytest.mark.parametrize("style", STYLES)
def test_styles(style: int, encode: Any) -> None:
    """All contents, in all styles: the image is what comes out."""
    for number, kind in enumerate(KINDS):
        bits = (1, 2, 5, 7, 8, 10, 12, 13, 15, 16)[(number + style) % 10]
        image = content(kind, 61, 70, bits, style)
        stream, blocks, expected = encode(image, bits, style)
        assert (halved(decoded(stream, blocks, style, image.shape)) == expected).all(), (kind, bits)


@pytest.mark.peer
@pytest.mark.parametrize("size", [(4, 4), (4, 1024), (1024, 4), (8, 256), (512, 8), (16, 64), (32, 32)])
def test_sizes_of_code_blocks(size: tuple[int, int], encode: Any) -> None:
    for shape in ((1, 1), (3, 1030), (1030, 5), (37, 41)):
        for kind in ("normal", "sparse"):
            image = content(kind, *shape, 12, 3)
            stream, blocks, expected = encode(image, 12, 0, size)
            assert (halved(decoded(stream, blocks, 0, shape)) == expected).all(), (shape, kind)


@pytest.mark.peer
@pytest.mark.parametrize("style", [0, 1, 4, 5, 63])
def test_layers(style: int, encode: Any) -> None:
    """A code-block's bytes come in pieces, and its segments go on from one to the next."""
    image = content("normal", 50, 64, 12, 8)
    stream, blocks, expected = encode(image, 12, style, (32, 32), "-r", "30,10,5,2,1")
    assert max(len(block[0]) for block in blocks) > 2
    assert (halved(decoded(stream, blocks, style, image.shape)) == expected).all()


@pytest.mark.peer
@pytest.mark.parametrize("style", STYLES)
def test_as_the_plain_decoder_does(style: int, encode: Any) -> None:
    """Whole and cut short at every pass, in every orientation, and to every lowest plane."""
    chance = random.Random(style)
    for kind in chance.sample(["noise", "sparse", "periodic", "columns", "stripes", "constant", "normal"], 4):
        bits = chance.randint(3, 9)
        image = content(kind, chance.randint(5, 20), chance.randint(5, 20), bits, style)
        stream, (block,), _ = encode(image, bits, style)
        total = sum(passes for _, passes in block[1])
        for orientation in range(3):
            for passes in {total, *chance.sample(range(1, total + 1), min(total, 5))}:
                lowest = chance.choice([0, 0, 1, block[2] - 1])
                cut = shortened(block, passes)
                # Other orientations than the coded one make other, wrong symbols of the bytes.
                code = kernels.DECODED
                if style & 32 and not symbols_are_right(stream, cut, style, orientation, lowest):
                    code = kernels.WRONG_SYMBOL
                got = decoded(stream, [cut], style, image.shape, orientation, lowest, code)
                assert (got == plain(stream, cut, style, orientation, lowest)).all(), (kind, bits, passes)


def symbols_are_right(data: bytes, block: Stored, style: int, orientation: int, lowest: int) -> bool:
    joined = b"".join(data[offset : offset + length] for offset, length in block[0])
    parts, position = [], 0
    for length, passes in block[1]:
        parts.append((joined[position : position + length], passes))
        position += length
    return ebcot.decode(parts, block[2], orientation, block[3], block[4], style, lowest)[1]


def shortened(block: Stored, passes: int) -> Stored:
    """A code-block of fewer passes, with all the bytes of the segments that they are in."""
    kept: list[tuple[int, int]] = []
    length = 0
    for each, count in block[1]:
        if passes <= 0:
            break
        kept.append((each, min(count, passes)))
        passes -= count
        length += each
    pieces = []
    for offset, size in block[0]:
        pieces.append((offset, min(size, length)))
        length -= pieces[-1][1]
    return pieces, kept, *block[2:]


def test_random_bytes_as_the_plain_decoder_reads_them() -> None:
    """Also what no encoder makes: stuffed bits and carries anywhere, ends anywhere, every cut of it."""
    chance = random.Random(7)
    for number in range(60):
        style = chance.choice(STYLES) & ~32
        length = chance.randint(0, 40)
        special = [0, 1, 0x7F, 0x80, 0x8F, 0x90, 0xFF]
        data = bytes(chance.choice([*special, chance.randrange(256)]) for _ in range(length))
        # An MQ codeword starts below A: FF with a carry would not.
        data = bytes([chance.randrange(255)]) + data
        planes, width, height = chance.randint(1, 30), chance.randint(1, 12), chance.randint(1, 9)
        for cut in {len(data), chance.randint(1, len(data))}:
            passes = chance.randint(1, 3 * planes - 2)
            segments = [(cut, min(passes, 10) if style & 1 else passes)]
            block: Stored = ([(0, cut)], segments, planes, width, height, (0, 0))
            got = decoded(data, [block], style, (height, width), number % 3)
            assert (got == plain(data, block, style, number % 3)).all(), (number, cut)


def test_the_half_of_the_last_plane() -> None:
    """What is not decoded counts as half (E.1.1.2), with 30 planes as well."""
    for planes in (1, 12, 30):
        block: Stored = ([(0, 9)], [(9, 1)], planes, 8, 8, (0, 0))
        got = decoded(bytes(range(1, 10)), [block], 0, (8, 8))
        assert set(np.abs(got).ravel().tolist()) == {0, 3 << planes - 1}


def test_blocks_without_passes_are_zero() -> None:
    block: Stored = ([], [], 0, 5, 3, (1, 2))
    rows, chunks, segments = tables([block], 0, 9)
    out = np.full(60, 7, np.int32)
    nothing = np.empty(0, np.uint8)
    code = kernels.decode_blocks(nothing, rows, chunks, segments, 0, 1, 0, *kernels.work(0), out)
    assert code == kernels.DECODED
    written = np.zeros((6, 9), bool)
    written[2:5, 1:6] = True
    assert (out[:54].reshape(6, 9) == np.where(written, 0, 7)).all()
    assert (out[54:] == 7).all()


def test_a_wrong_segmentation_symbol_is_told(encode: Any) -> None:
    image = content("normal", 40, 40, 10, 1)
    stream, blocks, _ = encode(image, 10, 32)
    offset, length = blocks[0][0][0]
    damaged = bytearray(stream)
    damaged[offset + length // 3] ^= 0x55
    decoded(bytes(damaged), blocks, 32, image.shape, expected=kernels.WRONG_SYMBOL)


WRONG = [
    ("CHUNK", -1), ("CHUNK", 3), ("CHUNK_END", 3), ("SEGMENT", -1), ("SEGMENT_END", 2), ("PLANES", 0),
    ("PLANES", 31), ("PLANES", 1), ("ORIENTATION", 3), ("ORIENTATION", -1), ("WIDTH", 0), ("WIDTH", 1025),
    ("HEIGHT", 0), ("HEIGHT", 9), ("STYLE", 64), ("STYLE", -1), ("OUT", -1), ("OUT", 1), ("STRIDE", 7),
    ("STRIDE", 9), ("STRIDE", 1 << 62),
]  # fmt: skip


def possible() -> tuple[NDArray[np.uint8], Table, Table, Table]:
    """A code-block of 8 x 8 that fills ``out``."""
    block: Stored = ([(0, 4), (4, 5)], [(9, 5)], 3, 8, 8, (0, 0))
    return np.arange(1, 10, dtype=np.uint8), *tables([block], 0, 8)


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_impossible_rows(field: str, value: int) -> None:
    data, rows, chunks, segments = possible()
    out = np.zeros(64, np.int32)
    work = kernels.work(9)
    assert kernels.decode_blocks(data, rows, chunks, segments, 0, 1, 0, *work, out) == kernels.DECODED
    rows[0, getattr(kernels, field)] = value
    assert kernels.decode_blocks(data, rows, chunks, segments, 0, 1, 0, *work, out) == kernels.WRONG_TABLE


@pytest.mark.parametrize(
    "change",
    [
        lambda chunks, segments: chunks.__setitem__((0, 0), -1),
        lambda chunks, segments: chunks.__setitem__((1, 1), 6),
        lambda chunks, segments: chunks.__setitem__((1, 0), 1 << 62),
        lambda chunks, segments: chunks.__setitem__((0, 1), 3),
        lambda chunks, segments: segments.__setitem__((0, 0), 8),
        lambda chunks, segments: segments.__setitem__((0, 0), 1 << 62),
        lambda chunks, segments: segments.__setitem__((0, 1), 8),
        lambda chunks, segments: segments.__setitem__((0, 1), -1),
    ],
)
def test_impossible_pieces(change: Callable[[Table, Table], None]) -> None:
    data, rows, chunks, segments = possible()
    change(chunks, segments)
    out = np.zeros(64, np.int32)
    code = kernels.decode_blocks(data, rows, chunks, segments, 0, 1, 0, *kernels.work(9), out)
    assert code == kernels.WRONG_TABLE


def test_too_little_room() -> None:
    data, rows, chunks, segments = possible()
    out = np.zeros(64, np.int32)
    enough = kernels.work(9)
    for number, short in enumerate((enough[0][:-1], enough[1][:-1], enough[2][:-1])):
        work = [*enough]
        work[number] = short
        code = kernels.decode_blocks(data, rows, chunks, segments, 0, 1, 0, *work, out)
        assert code == kernels.WRONG_TABLE
    for first, end, lowest in ((-1, 1, 0), (0, 2, 0), (1, 0, 0), (0, 1, -1)):
        code = kernels.decode_blocks(data, rows, chunks, segments, first, end, lowest, *enough, out)
        assert code == kernels.WRONG_TABLE


CHECKED = """
import random
from fastdcm.kernels import code_blocks as kernels

chance = random.Random(3)
for number in range(1500):
    length = chance.randint(0, 300)
    kinds = [range(256), [0xFF], [0], [0xFF, 0x8F, 0x90, 0]]
    data = np.array([chance.choice(kinds[number % 4]) for _ in range(length)], np.uint8)
    width = chance.choice([1, 3, 4, 8, 9, 64, 1024])
    height = chance.randint(1, min(1024, 4096 // width))
    planes = chance.randint(1, 30)
    segments, left, passes = [], length, 3 * planes - 2
    style = chance.randrange(64) & ~1
    while passes and (left or not segments) and chance.random() < 0.9:
        segments.append((chance.randint(0, left), chance.randint(1, passes)))
        left, passes = left - segments[-1][0], passes - segments[-1][1]
    if segments:
        segments[-1] = (segments[-1][0] + left, segments[-1][1])
    if style & 4 and chance.random() < 0.5:  # a segment a pass, of which some are bypassed
        style |= 1
        segments = [(length, 1)] + [(0, 1)] * (3 * planes - 3)
    if not segments:
        data = data[:0]
    out = np.zeros(width * height, np.int32)
    rows = np.array([[0, 1, 0, len(segments), planes, number % 3, width, height, style, 0, width, 0]])
    code = kernels.decode_blocks(
        data, rows, np.array([[0, len(data)]]), np.array(segments, np.int64).reshape(-1, 2), 0, 1, 0,
        *kernels.work(len(data)), out,
    )
    assert code in (kernels.DECODED, kernels.WRONG_SYMBOL), code
print("done")
"""


def test_nothing_is_read_or_written_outside() -> None:
    """Any bytes, in blocks of any shape, with numba's checks of bounds."""
    assert printed_with_checks(CHECKED).strip() == "done"


def test_imagecodecs_streams() -> None:
    """As the library that the project ships with encodes."""
    image = content("normal", 100, 90, 12, 4)
    options = {"level": 0, "reversible": True, "codecformat": "j2k", "resolutions": 1}
    stream = bytes(imagecodecs.jpeg2k_encode(image, bitspersample=12, **options))
    blocks, style = stored_blocks(stream)
    assert len(blocks) == 4
    assert (halved(decoded(stream, blocks, style, image.shape)) == image.astype(np.int32) - 2048).all()
