"""The compiled walk over plain elements finds what the walk in Python finds, also in what is broken."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fastdcm.errors import FastdcmError
from fastdcm.reader import scan as scan_module
from fastdcm.reader.scan import scan
from fastdcm.reader.source import FileSource, MemorySource, Source
from tests.builders import BIG_ENDIAN, EXPLICIT, IMPLICIT, Element, image
from tests.conftest import CORPUS, PYDICOM_FILES
from tests.payoffs import Fixed

_LARGE = 1 << 21


def outcome(source: Source, *, compiled: bool) -> object:
    """Everything that a scan tells, or the words of its error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan_module, "_PAYOFF", Fixed(compiled))
        try:
            found = scan(source)
        except FastdcmError as error:
            return type(error), error.message
    return (
        found.encoding,
        found.transfer_syntax_uid,
        found.elements,
        found.pixel_tag,
        found.pixel,
        found.notices,
    )


class Windowed(MemorySource):
    """Memory that is read by windows, as large files are."""

    ahead = Source.ahead
    part = Source.part


def same(data: bytes, words: str) -> None:
    for kind in (MemorySource, Windowed):
        expected, got = (outcome(kind(data), compiled=compiled) for compiled in (False, True))
        assert got == expected, (words, kind)


def files() -> list[Path]:
    folders = [PYDICOM_FILES, CORPUS / "files"]
    paths = [
        path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*")) if path.is_file()
    ]
    return [path for path in paths if path.stat().st_size < _LARGE]


@pytest.mark.parametrize("part", range(8))
def test_real_files(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole, cut anywhere, with bytes changed in their headers; in usual windows and in tiny ones."""
    chance = random.Random(part)
    for path in files()[part::8]:
        data = path.read_bytes()
        same(data, path.name)
        for _ in range(12):
            cut = chance.randrange(min(len(data), 8192) + 1)
            same(data[:cut], f"{path.name}, cut at {cut}")
            changed = bytearray(data)
            places = [chance.randrange(min(len(data), 4096)) for _ in range(3)]
            for place in places:
                changed[place] = chance.choice((0, 1, 0x10, 0xFE, 0xFF, chance.randrange(256)))
            same(bytes(changed), f"{path.name}, changed at {places}")
        with monkeypatch.context() as patch:
            for name in ("FIRST_WINDOW", "WINDOW"):
                patch.setattr(scan_module, name, chance.randrange(12, 200))
            same(data, f"{path.name} in tiny windows")


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
def test_all_wanted_twice(syntax: str) -> None:
    """More elements than there is room for at once: the last of each tag counts."""
    tags = [tag for tag in sorted(scan_module.WANTED) if 0x00080016 <= tag < 0x00280002]
    extra = [Element(tag, "LO", f"{number:03}x") for number in range(60) for tag in tags]
    data = image(bytes(16), syntax, rows=4, columns=4, extra=extra)
    same(data, "many")


def test_a_large_file(tmp_path: Path) -> None:
    """Values come from the windows that were read for their heads: each byte of a header is read once."""
    path = tmp_path / "large.dcm"
    data = image(bytes(1 << 20), rows=1024, columns=1024)
    path.write_bytes(data)
    for compiled in (False, True):
        import os

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scan_module, "_PAYOFF", Fixed(compiled))
            source = FileSource(os.open(path, os.O_RDONLY), len(data), str(path))
            found = scan(source)
            before = source.bytes_read
            assert before <= 3 << 10
            assert found.value(0x00280010) == b"\x00\x04"
            assert source.bytes_read == before
            source.close()


def test_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements that the kernel passes count, too."""
    monkeypatch.setattr(scan_module, "MAX_TOP_ELEMENTS", 200)
    for number in (150, 260):
        extra = [Element(0x00090000 + place, "LO", "x") for place in range(0x1000, 0x1000 + number)]
        same(image(bytes(16), EXPLICIT, rows=4, columns=4, extra=extra), f"{number} elements")
    with pytest.raises(FastdcmError, match="elements"):
        scan(MemorySource(image(bytes(16), EXPLICIT, rows=4, columns=4, extra=extra)))
