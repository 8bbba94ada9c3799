"""What is remembered of values is what would be read again, and counts for the same values only."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import fastdcm
from fastdcm.errors import DicomError, FastdcmError
from fastdcm.options import Limits, RenderOptions
from fastdcm.reader import alike, source
from fastdcm.reader.source import MemorySource, open_source
from tests.builders import EXPLICIT, IMPLICIT, Element, image
from tests.conftest import CORPUS, PYDICOM_FILES
from tests.payoffs import Fixed

#: Native, of both encodings; encapsulated.
BROKEN = (
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_implicit.dcm",
    "SC_rgb_small_odd.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
)
WORDS = bytes(range(256)) * 2


def of(**changes: object) -> bytes:
    usual = {"bits": 16, "rows": 16, "columns": 16, "center": 100, "width": 50, "sop_instance": "1.2"}
    return image(WORDS, **(usual | changes))  # type: ignore[arg-type]


def told(data: bytes | Path, **options: object) -> object:
    """All that depends on the header."""
    try:
        # Of two decoders, whose irreversible samples differ by 1, `auto` goes by what was done before.
        with fastdcm.open(data, decoder="library") as opened:
            words, shown = opened.explain(**options), opened.render(**options).tobytes()
            return opened.header, words, shown, opened.notices
    except FastdcmError as error:
        return type(error), error.message


def afresh(data: bytes | Path, **options: object) -> object:
    """The same, where nothing is remembered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alike, "_PAYOFF", Fixed(False))
        return told(data, **options)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "_PAYOFF", Fixed(True))
    monkeypatch.setattr(alike, "_known", {})


def test_real_files() -> None:
    """Each, among what is known of the others; plain files are known the second time."""
    folders = [PYDICOM_FILES, CORPUS / "files"]
    paths = [path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*"))]
    paths = [path for path in paths if path.is_file() and path.stat().st_size < 1 << 20]
    expected = {path: afresh(path) for path in paths}
    recalled = {True: 0, False: 0}
    for path in paths * 2:
        known = alike.recall(alike.digest_of(open_source(path), Limits()))
        if known is not None:
            recalled[known[1].is_native] += 1
        assert told(path) == expected[path], path
    assert min(recalled.values()) > 20


def test_broken_headers() -> None:
    """Bytes of a header changed: what is remembered of the whole file is not taken for it."""
    chance = random.Random(0)
    for name in BROKEN:
        data = (PYDICOM_FILES / name).read_bytes()
        told(data)
        for _ in range(300):
            changed = bytearray(data)
            place = chance.randrange(128, min(len(data), 4000))
            changed[place] = chance.choice((0, 1, 0x10, 0x31, 0xFE, 0xFF, chance.randrange(256)))
            assert told(bytes(changed)) == afresh(bytes(changed)), (name, place)


def test_a_cut_file() -> None:
    data = of()
    told(data)
    for length in range(100, len(data), 3):
        assert told(data[:length]) == afresh(data[:length]), length


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_plain_native_files_are_remembered(syntax: str) -> None:
    for number in range(3):
        with fastdcm.open(of(syntax=syntax, sop_instance=f"1.2.{number}")) as opened:
            opened.render()
            assert opened.header.sop_instance_uid == f"1.2.{number}"
    (known,) = alike._known.values()
    assert known.plan is not None
    digest = alike.digest_of(MemorySource(of(syntax=syntax)), Limits())
    assert alike.recall(digest) is not None
    assert alike.recall(alike.digest_of(MemorySource(of(syntax=syntax, center=1)), Limits())) is None


def test_encapsulated_files_are_remembered() -> None:
    """Their headers; each has its own fragments, which are decoded, and what is wrong with them is told."""
    path = PYDICOM_FILES / "MR_small_RLE.dcm"
    data = path.read_bytes()
    expected = afresh(data)
    assert told(data) == told(data) == expected
    known = alike.recall(alike.digest_of(MemorySource(data), Limits()))
    assert known is not None
    assert not known[1].is_native
    at = known[0].pixel[1]  # type: ignore[index]
    other = bytearray(data)
    other[at + 600] ^= 0x40
    assert told(bytes(other)) == afresh(bytes(other)) != expected
    for length in range(at, len(data), 97):
        assert told(data[:length]) == afresh(data[:length]), length


def test_long_headers_of_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first one ends behind what is read of a file, the others are read as far."""
    monkeypatch.setattr(alike._scratch, "head_bytes", alike._HEAD_BYTES)
    monkeypatch.setattr(source, "WHOLE_FILE_SIZE", 0)
    for number in range(3):
        path = tmp_path / f"{number}.dcm"
        remark = Element(0x00204000, "LT", "x" * 6000)
        path.write_bytes(of(sop_instance=f"1.2.{number}", extra=[remark]))
        with fastdcm.open(path) as opened:
            opened.render()
            assert (opened._unnamed is not None) == (number == 2)
            assert opened.header.sop_instance_uid == f"1.2.{number}"


VALUES = [
    {"center": 101},
    {"width": 51},
    {"function": "SIGMOID"},
    {"representation": 1},
    {"stored": 12},
    {"photometric": "MONOCHROME1"},
    {"slope": 2, "intercept": -7},
    {"shape": "INVERSE"},
    {"padding": 256},
    {"modality": "MR"},
    {"sop_class": "1.2.840.10008.5.1.4.1.1.2"},
    {"rows": 8, "columns": 32},
]


@pytest.mark.parametrize("changes", VALUES, ids=str)
def test_each_value_counts(changes: dict[str, object]) -> None:
    voi = "minmax" if "padding" in changes else "window"
    expected, plain = afresh(of(**changes), voi=voi), afresh(of(), voi=voi)
    assert expected != plain
    for _ in range(2):
        assert told(of(), voi=voi) == plain
        assert told(of(**changes), voi=voi) == expected


def test_names_do_not_count() -> None:
    for number in range(3):
        uid = f"1.2.{number}"
        data = of(sop_instance=uid, series_instance="3" + uid, extra=[Element(0x00200013, "IS", str(number))])
        with fastdcm.open(data) as opened:
            opened.render()
            header = opened.header
        assert header.sop_instance_uid == uid
        assert header.series_instance_uid == "3" + uid
        assert header.instance_number == str(number)
    assert len(alike._known) == 1


def test_limits_count() -> None:
    told(of())
    with pytest.raises(DicomError, match="max_pixels"):
        fastdcm.open(of(), max_pixels=100)


def test_options_count() -> None:
    """The plan is kept for the options that it was made with."""
    told(of())
    with fastdcm.open(of()) as opened:
        plain, asked = RenderOptions(), RenderOptions(voi="minmax")
        expected = [opened.render_frame(0, options).tobytes() for options in (plain, asked)]
        again = [opened.render_frame(0, options).tobytes() for options in (plain, RenderOptions(), asked)]
    assert again == [expected[0], expected[0], expected[1]]
    assert expected[0] != expected[1]


def test_what_is_odd_is_told_each_time() -> None:
    data = of(function="UNKNOWN")
    assert [len(told(data)[3]) for _ in range(3)] == [1, 1, 1]  # type: ignore[index]


def test_forgets() -> None:
    for number in range(alike._MOST + 5):
        told(of(center=number))
    assert len(alike._known) <= alike._MOST
