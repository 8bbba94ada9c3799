"""TAR archives that are packed as a whole: read forwards, and no further than bounds."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest
import zstandard

from fastdcm.errors import SourceError, UnsupportedError
from fastdcm.options import Limits
from fastdcm.sources import kind_of, open_source, packed, stamp_of
from fastdcm.sources.packed import open_tape
from fastdcm.sources.tarred import headers
from tests.unit.sources.test_sources_tarred import CONTENTS, write


def pack(path: Path, data: bytes) -> Path:
    if path.suffix in (".gz", ".tgz"):
        path.write_bytes(gzip.compress(data))
    else:
        path.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(data))
    return path


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """gzip is unpacked by either."""
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal", None)


def drain(path: Path) -> None:
    with open_tape(str(path)) as tape:
        for _ in headers(tape):
            pass
        tape.finish()


@pytest.fixture(params=["a.tar.gz", "a.tgz", "a.tar.zst", "a.tzst"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return pack(tmp_path / request.param, write(tmp_path / "plain.tar").read_bytes())


def test_members_are_those_that_were_written(archive: Path) -> None:
    found = {}
    with open_tape(str(archive)) as tape:
        for header in headers(tape):
            found[header.name] = b"".join(tape.pieces(header.size))
    assert found == CONTENTS


def test_a_member_by_its_name(archive: Path) -> None:
    for name, data in CONTENTS.items():
        assert kind_of(f"{archive}!{name}") == "member"
        assert open_source(f"{archive}!{name}").whole == data
    assert stamp_of(f"{archive}!x") == stamp_of(str(archive))
    with pytest.raises(SourceError, match="no such member"):
        open_source(f"{archive}!nothing")
    with pytest.raises(SourceError, match=r"limit is 1000 \(max_inflated\)"):
        open_source(f"{archive}!a/noise.dcm", limits=Limits(max_inflated=1000))


def test_several_streams_behind_each_other(tmp_path: Path) -> None:
    data = write(tmp_path / "plain.tar").read_bytes()
    for name, compress in (("a.tar.gz", gzip.compress), ("a.tar.zst", zstandard.compress)):
        (tmp_path / name).write_bytes(compress(data[:9999]) + compress(data[9999:]))
        assert open_source(f"{tmp_path / name}!block").whole == CONTENTS["block"]


def test_a_cut_archive_is_told(archive: Path) -> None:
    data = archive.read_bytes()
    archive.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match=r"is cut|or cut"):
        drain(archive)
    with pytest.raises(SourceError, match=r"is cut|or cut"):
        open_source(f"{archive}!block")


def test_a_damaged_archive_is_told(archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 50] = bytes(50)
    archive.write_bytes(data)
    with pytest.raises(SourceError, match=r"damaged|is cut") as raised:
        drain(archive)
    assert raised.value.path == str(archive)


def test_what_is_no_archive(tmp_path: Path) -> None:
    for name in ("a.tar.gz", "a.tar.zst"):
        (tmp_path / name).write_bytes(b"hello, this is no archive" * 100)
        with pytest.raises(SourceError, match="damaged"), open_tape(str(tmp_path / name)) as tape:
            list(headers(tape))


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.zst"])
def test_a_bomb_is_given_up(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gigabytes of zeros, at limits that a test has time for."""
    monkeypatch.setattr(packed, "LITTLE", 20 << 20)
    monkeypatch.setattr(packed, "MOST_GROWTH", 100)
    path = pack(tmp_path / name, write(tmp_path / "b.tar", contents={"x": bytes(60 << 20)}).read_bytes())
    message = "more than 100 times as large"
    with pytest.raises(SourceError, match=message) as raised, open_tape(str(path)) as tape:
        list(headers(tape))
    assert raised.value.path == str(path)
    with pytest.raises(SourceError, match=message):
        open_source(f"{path}!x")


def test_without_zstandard_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(tmp_path / "a.tar.zst", write(tmp_path / "plain.tar").read_bytes())
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(UnsupportedError, match="pip install zstandard"):
        open_source(f"{path}!block")


@pytest.mark.parametrize(
    "behind", [bytes(700), b"garbage" * 100, b"\0"], ids=["zeros", "garbage", "one zero"]
)
def test_what_is_behind_the_end_is_nobodys(archive: Path, behind: bytes) -> None:
    """As the programs have it: it is there where archives come off tapes and blocks."""
    archive.write_bytes(archive.read_bytes() + behind)
    found = {}
    with open_tape(str(archive)) as tape:
        for header in headers(tape):
            found[header.name] = b"".join(tape.pieces(header.size))
        tape.finish()
    assert found == CONTENTS


@pytest.mark.parametrize(
    ("name", "between"),
    [("a.tar.gz", b"garbage" * 100), ("a.tar.zst", b"garbage" * 100), ("a.tar.zst", bytes(700))],
)
def test_something_else_in_the_middle_is_damage(tmp_path: Path, name: str, between: bytes) -> None:
    data = write(tmp_path / "plain.tar").read_bytes()
    compress = gzip.compress if name.endswith("gz") else zstandard.compress
    path = tmp_path / name
    path.write_bytes(compress(data[:9999]) + between + compress(data[9999:]))
    with pytest.raises(SourceError, match="is damaged after"):
        drain(path)


def test_windows_that_are_too_long_are_named(tmp_path: Path) -> None:
    asked = zstandard.ZstdCompressionParameters.from_level(3, window_log=28, enable_ldm=True)
    packing = zstandard.ZstdCompressor(compression_params=asked).compressobj()
    data = write(tmp_path / "plain.tar").read_bytes()
    path = tmp_path / "a.tar.zst"
    path.write_bytes(packing.compress(data) + packing.flush())
    with pytest.raises(UnsupportedError, match=r"zstd --long"):
        drain(path)
