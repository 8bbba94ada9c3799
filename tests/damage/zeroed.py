"""``python -m tests.damage.zeroed``: what becomes of streams with zeros in their middle.

No codec of DICOM has a checksum: damage that leaves a stream readable cannot be seen. This table says how
much of it is seen; it promises nothing, and so is compared only where libraries are those that it was made
with.
``--write`` replaces the committed one.
"""

from __future__ import annotations

import platform
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from tests.damage.outcomes import Damage, cell, table, tally
from tests.damage.subject import Subject
from tests.damage.subjects import subjects

GOLDEN = Path(__file__).with_name("zeroed.txt")
LENGTHS = (1, 16, 256)
PLACES = (0.25, 0.5, 0.75)
#: What encodes and decodes.
_LIBRARIES = ("imagecodecs", "numpy", "pillow", "pyjpegls", "pylibjpeg-rle")


def zeroed(count: int, place: float) -> Damage:
    """So many bytes are zeros, from this part of the stream on."""

    def damage(subject: Subject) -> list[bytes]:
        start = int(len(subject.stream) * place)
        stream = bytearray(subject.stream)
        zeros = min(count, len(stream) - len(subject.end) - start)
        stream[start : start + zeros] = bytes(zeros)
        return [bytes(stream)]

    return damage


def made_with() -> str:
    """The first line of the table."""
    return f"{platform.machine()}, " + ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)


def lines() -> Iterator[str]:
    """A row a codec, a cell a number of zeros, all places together."""
    yield made_with()
    rows = []
    for codec, found in subjects().items():
        cells = []
        for count in LENGTHS:
            counts: Counter[str] = Counter()
            for place in PLACES:
                counts += tally(found, zeroed(count, place))
            cells.append(cell(counts))
        rows.append([codec, *cells])
    yield table(["codec", *(f"{count} byte{'s' * (count > 1)}" for count in LENGTHS)], rows)


if __name__ == "__main__":
    text = "\n".join(lines()) + "\n"
    if sys.argv[1:] == ["--write"]:
        GOLDEN.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
