"""What is mutated: small real and made files, and which of their bytes belong to which step of reading.

The areas are found by fastdcm's own reader on the files as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import fastdcm
from fastdcm.codestream import jpeg, jpeg2000, sniff
from fastdcm.errors import FastdcmError
from tests.builders import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, encapsulated, image, offsets
from tests.conftest import CORPUS, PYDICOM_FILES
from tests.damage.subjects import subjects
from tests.property.test_prefixes import coloured, gray_with_everything
from tests.unit.codecs.decoding import UIDS

#: Larger files take longer and have nothing else in them.
LIMIT_BYTES = 200_000
_FEW_FRAMES = 4
_RLE, _DEFLATED_FRAME = UIDS["rle"], UIDS["deflated frame"]
_RLE_HEADER = 64
_XL_HEADER = 64  # box headers and image header

Range = tuple[int, int]


@dataclass(frozen=True)
class Seed:
    """A file; ``areas`` are (start, end) of its bytes by what reads them.

    Areas of a codec lie in ``fragment``, whose item tells its length.
    """

    name: str
    data: bytes
    areas: dict[str, list[Range]] = field(default_factory=dict)
    fragment: Range | None = None

    def is_in_fragment(self, area: str) -> bool:
        """Whether an area is part of a codestream."""
        if self.fragment is None:
            return False
        start, end = self.fragment
        return all(start <= first and last <= end for first, last in self.areas[area])


def describe(name: str, data: bytes) -> Seed | None:
    """The areas of a file; None where fastdcm does not read it."""
    try:
        with fastdcm.open(data) as found:
            if len(found) and found.pixels(0).size:
                return _areas(name, data, found)
    except FastdcmError:
        pass
    return None


def _areas(name: str, data: bytes, found: fastdcm.Image) -> Seed:
    if found._source.size != len(data):
        return Seed(name, data, {"deflated data set": [(132, len(data))]})
    frames = found._frames
    assert found._found.pixel is not None
    start = found._found.pixel[1]
    areas = {"data set": [(128, start)]}
    if not frames.encapsulated:
        areas["native"] = [(start, len(data))]
        return Seed(name, data, areas)
    spans = [fragment for index in range(min(len(found), _FEW_FRAMES)) for fragment in frames.span(index)[0]]
    first = spans[0][0]
    items = [(offset - 8, offset) for offset, _ in spans[1:]]
    end = spans[-1][0] + spans[-1][1]
    areas["encapsulation"] = [(start - 12, first), *items, (end, min(end + 8, len(data)))]
    offset, length = spans[0]
    if len(frames.span(0)[0]) == 1:
        stream = data[offset : offset + length]
        for area, ranges in _codec(stream, found.header.transfer_syntax_uid).items():
            areas[area] = [(offset + a, offset + b) for a, b in ranges if b > a]
    return Seed(name, data, areas, (offset, offset + length))


def _codec(stream: bytes, uid: str) -> dict[str, list[Range]]:
    """Header and entropy-coded data of a codestream."""
    size, kind = len(stream), sniff(stream)
    if kind in ("jpeg", "jpeg-ls"):
        coded = jpeg.parse(stream)
        codec = "JPEG-LS" if kind == "jpeg-ls" else f"JPEG {coded.process}"
        return _both(codec, [(scan.start, scan.end) for scan in coded.scans], size)
    if kind in ("jpeg2000", "htj2k"):
        wavelets = jpeg2000.parse(stream)
        codec = "HTJ2K" if kind == "htj2k" else "JPEG 2000"
        return _both(codec, [(part.packets, part.end) for part in wavelets.tile_parts], size)
    if kind == "jpegxl":
        return _both("JPEG XL", [(min(_XL_HEADER, size), size)], size)
    if uid == _RLE:
        return _both("RLE", [(_RLE_HEADER, size)], size)
    return {"deflated frame" if uid == _DEFLATED_FRAME else "native": [(0, size)]}


def _both(codec: str, data: list[Range], size: int) -> dict[str, list[Range]]:
    ends = [0, *(end for _, end in data)]
    starts = [*(start for start, _ in data), size]
    header = list(zip(ends, starts, strict=True))
    return {f"{codec}, header": header, f"{codec}, data": data}


def _made() -> Iterator[tuple[str, bytes]]:
    """Files of what real ones are rare or absent for."""
    for codec, found in subjects().items():
        for subject in found:
            yield f"made: {subject}", subject.file([subject.stream])
        subject = found[0]
        if subject.splits:
            # Three frames in one fragment each, and one frame in three fragments.
            frames = [subject.stream] * 3
            rows, columns = subject.pixels.shape[:2]
            several = image(
                encapsulated(frames, table=offsets([frame] for frame in frames)),
                _syntax_of(subject.file([subject.stream])),
                rows=rows,
                columns=columns,
                frames=3,
                bits=8 * subject.pixels.itemsize,
            )
            yield f"made: {codec}, frames", several
            third = len(subject.stream) // 3
            parts = [
                subject.stream[:third],
                subject.stream[third : 2 * third],
                subject.stream[2 * third :],
            ]
            yield f"made: {codec}, fragments", subject.file(parts)
    for syntax in (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN):
        yield f"made: gray with everything, {syntax}", gray_with_everything(syntax)
        yield f"made: coloured, {syntax}", coloured(syntax)


def _syntax_of(data: bytes) -> str:
    with fastdcm.open(data) as found:
        return found.header.transfer_syntax_uid


def _real(folders: list[Path]) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.stat().st_size <= LIMIT_BYTES:
                yield path.name, path.read_bytes()


@cache
def seeds(*, corpus: bool = True) -> tuple[Seed, ...]:
    """Every readable file up to `LIMIT_BYTES`: pydicom's, made ones, and with ``corpus`` the corpus'."""
    folders = [PYDICOM_FILES, *([CORPUS / "files"] if corpus and CORPUS.is_dir() else [])]
    found = (describe(name, data) for source in (_real(folders), _made()) for name, data in source)
    return tuple(seed for seed in found if seed is not None)


def by_area(found: tuple[Seed, ...]) -> dict[str, list[Seed]]:
    """Area -> the files that have it, in a fixed order of areas."""
    areas = sorted({area for seed in found for area in seed.areas})
    return {area: [seed for seed in found if seed.areas.get(area)] for area in areas}
