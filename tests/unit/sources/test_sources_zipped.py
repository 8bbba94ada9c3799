"""ZIP archives: what Python's `zipfile` and the program ``zip`` write, and what nobody should."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fastdcm.errors import FastdcmError, SourceError
from fastdcm.options import Limits
from fastdcm.reader import source as source_module
from fastdcm.sources import members as members_module
from fastdcm.sources import open_source, section
from fastdcm.sources.members import members
from fastdcm.sources.zipped import Member

#: A member whose bytes do not pack well, one that does, an empty one.
CONTENTS = {
    "a/noise.dcm": random.Random(1).randbytes(70_000),
    "a/b/zeros": bytes(300_000),
    "empty": b"",
    "é/ü.dcm": b"umlauts",
}


def write(path: Path, method: int = zipfile.ZIP_DEFLATED, contents: dict[str, bytes] = CONTENTS) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.mkdir("a")
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


_USUAL = Limits()


def read_all(path: Path, limits: Limits = _USUAL) -> dict[str, bytes | str]:
    """The bytes of each member, or what is wrong with it."""
    found: dict[str, bytes | str] = {}
    for member in members(str(path)):
        if member.place is None:
            found[member.name] = member.problem or member.skipped
            continue
        try:
            source = open_source(f"{path}!{member.name}", member.place, limits)
            found[member.name] = source.read(0, source.size)
            source.close()
        except FastdcmError as error:
            found[member.name] = error.message
    return found


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("whole", [4 << 20, 0], ids=["at once", "by ranges"])
def test_members_are_those_that_were_written(
    tmp_path: Path, method: int, whole: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(section, "WHOLE_FILE_SIZE", whole)
    path = write(tmp_path / "a.zip", method)
    assert read_all(path) == CONTENTS
    for name, data in CONTENTS.items():  # by name alone, and by ranges in any order
        source = open_source(f"{path}!{name}")
        assert source.name == f"{path}!{name}"
        for start in (len(data) // 2, 0, len(data)):
            assert source.read(start, 1000) == data[start : start + 1000]
        buffer = memoryview(bytearray(100))
        count = source.read_into(3, buffer)
        assert bytes(buffer[:count]) == data[3:103]
        source.close()


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The archives that were listed."""
    found: list[str] = []

    def counted(archive: str) -> Iterator[Member]:
        found.append(archive)
        return members(archive)

    monkeypatch.setattr(members_module, "members", counted)
    monkeypatch.setattr(members_module, "_INDEX", members_module._Index())
    return found


def test_many_members_of_an_archive_are_one_listing(tmp_path: Path, listings: list[str]) -> None:
    contents = {f"{number}": b"%d" % number for number in range(100)}
    path = write(tmp_path / "a.zip", contents=contents)
    for name, data in contents.items():
        assert open_source(f"{path}!{name}").whole == data
    with pytest.raises(SourceError, match="no such member"):
        open_source(f"{path}!nothing")
    assert len(listings) == 1
    write(path, contents={"1": b"of another one", "2": b"2"})
    assert open_source(f"{path}!1").whole == b"of another one"
    assert open_source(f"{path}!2").whole == b"2"
    assert len(listings) == 2


def test_members_of_large_archives_are_held_in_part(
    tmp_path: Path, listings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members_module, "_MOST_HELD", 10)
    path = tmp_path / "a.zip"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")  # of names that come twice
        for number in range(100):
            archive.writestr(f"{number}", b"%d" % number)
        for number in (5, 50):
            archive.writestr(f"{number}", b"the last one")
    for number in range(100):
        data = b"the last one" if number in (5, 50) else b"%d" % number
        assert open_source(f"{path}!{number}").whole == data
        assert len(members_module._INDEX._members) <= 10
    assert len(listings) == 10


def test_a_damaged_archive_is_listed_once(tmp_path: Path, listings: list[str]) -> None:
    path = write(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)] ^= 1
    path.write_bytes(data)
    for name in CONTENTS:
        with pytest.raises(SourceError, match="list of members is damaged") as raised:
            open_source(f"{path}!{name}")
        assert raised.value.path == str(path)
    assert len(listings) == 1


def test_a_member_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip")
    with pytest.raises(SourceError, match="no such member") as raised:
        open_source(f"{path}!nothing")
    assert raised.value.path == f"{path}!nothing"


def test_what_precedes_an_archive_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip")
    path.write_bytes(b"#!/bin/sh\n" * 100 + path.read_bytes())
    assert read_all(path) == CONTENTS


def test_an_archive_may_have_a_comment_that_looks_like_an_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"PK\x05\x06" + b"x" * 40_000
    assert read_all(path) == CONTENTS


def test_members_written_as_a_stream_and_as_zip64(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in CONTENTS.items():
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(data)
    assert read_all(path) == CONTENTS


def test_more_members_than_the_old_list_can_count(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(66_000):
            archive.writestr(str(number), b"")
    assert sum(1 for _ in members(str(path))) == 66_000


@pytest.mark.parametrize("arguments", [(), ("-0",), ("-9", "-y")])
def test_what_the_program_zip_writes(
    tmp_path: Path, peer: Callable[[str], str], arguments: tuple[str, ...]
) -> None:
    for name, data in CONTENTS.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    (tmp_path / "in" / "link").symlink_to("empty")
    path = tmp_path / "a.zip"
    subprocess.run([peer("zip"), "-q", "-r", *arguments, path, "."], cwd=tmp_path / "in", check=True)
    link = {"link": "a link in an archive" if "-y" in arguments else b""}
    assert read_all(path) == {**CONTENTS, **link}


def test_encrypted_members_are_named_and_others_are_read(tmp_path: Path, peer: Callable[[str], str]) -> None:
    (tmp_path / "secret").write_bytes(b"1" * 100)
    path = write(tmp_path / "a.zip")
    subprocess.run([peer("zip"), "-q", "-P", "word", path, "secret"], cwd=tmp_path, check=True)
    found = read_all(path)
    assert "is encrypted" in str(found.pop("secret"))
    assert found == CONTENTS
    with pytest.raises(SourceError, match="is encrypted"):
        open_source(f"{path}!secret")


@pytest.mark.parametrize(("method", "name"), [(zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "LZMA")])
def test_other_packings_are_named(tmp_path: Path, method: int, name: str) -> None:
    path = write(tmp_path / "a.zip", method, {"x": b"1" * 100})
    assert f"packed by {name}" in str(read_all(path)["x"])


def test_names_with_the_separator_of_windows(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a\\b.dcm", "c/d\\e"):
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, b"1")
    assert set(read_all(path)) == {"a/b.dcm", "c/d\\e"}


def test_names_of_dos(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", contents={"xyz": b"1"})
    path.write_bytes(path.read_bytes().replace(b"xyz", b"x\x81z"))
    assert list(read_all(path)) == ["xüz"]


@pytest.mark.parametrize("whole", [4 << 20, 0], ids=["at once", "by ranges"])
def test_a_damaged_member_is_named_and_others_are_read(
    tmp_path: Path, whole: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(section, "WHOLE_FILE_SIZE", whole)
    path = write(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    place = next(member.place for member in members(str(path)) if member.name == "a/noise.dcm")
    assert place is not None
    data[place.offset + 200 : place.offset + 260] = bytes(60)
    path.write_bytes(data)
    found = read_all(path)
    assert found.pop("a/noise.dcm") != CONTENTS["a/noise.dcm"] or whole == 0
    assert found == {name: data for name, data in CONTENTS.items() if name != "a/noise.dcm"}


def test_checksums_of_small_members_are_compared(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", contents={"x": b"hello" * 100})
    data = path.read_bytes()
    crc = struct.pack("<I", zlib.crc32(b"hello" * 100))
    assert data.count(crc) == 2
    path.write_bytes(data.replace(crc, b"\1\2\3\4"))
    assert "checksum" in str(read_all(path)["x"])


def test_a_member_of_more_bytes_than_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb whose list says that it is small."""
    for whole, message in ((4 << 20, "more than the 1000 bytes"), (0, "exceeds the 1000 bytes")):
        monkeypatch.setattr(section, "WHOLE_FILE_SIZE", whole)
        path = write(tmp_path / "a.zip", contents={"x": bytes(50_000_000)})
        size = struct.pack("<I", 50_000_000)
        path.write_bytes(path.read_bytes().replace(size, struct.pack("<I", 1000)))
        member = next(members(str(path)))
        with pytest.raises(FastdcmError, match=message):  # noqa: PT012
            source = open_source(f"{path}!x", member.place)
            try:
                source.read(0, 2000)
            finally:
                source.close()


def test_a_bomb_is_inflated_as_far_as_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", contents={"x": bytes(200_000_000)})
    source = open_source(f"{path}!x")
    assert source.read(0, 100) == bytes(100)
    assert source.bytes_read < 100_000
    source.close()
    with pytest.raises(SourceError, match=r"limit is 100000000 \(max_inflated\)"):
        open_source(f"{path}!x", limits=Limits(max_inflated=100_000_000))


def test_a_member_that_cannot_be_so_large(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", contents={"x": bytes(50_000)})
    size = struct.pack("<I", 50_000)
    path.write_bytes(path.read_bytes().replace(size, struct.pack("<I", 500_000_000)))
    assert "cannot become 500000000" in str(read_all(path)["x"])


def test_members_over_each_other_are_refused(tmp_path: Path) -> None:
    """One kernel of bytes that many entries of the list point to."""
    path = write(tmp_path / "a.zip", zipfile.ZIP_STORED, {"0": b"x" * 10_000})
    data = path.read_bytes()
    start = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)  # behind that of the folder
    entry = data[start : data.index(b"PK\x05\x06")]
    entries = b"".join(entry.replace(b"0", str(number % 10).encode(), 1) for number in range(50))
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 50, 50, len(entries), start, 0)
    path.write_bytes(data[:start] + entries + end)
    with pytest.raises(SourceError, match="lie over each other"):
        list(members(str(path)))


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 100_000, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    with pytest.raises(SourceError):
        list(members(str(path)))


def test_archives_that_were_cut_or_overwritten_are_errors_of_the_source(tmp_path: Path) -> None:
    """Whatever is wrong: an error of ours, quickly, and never more than the file could hold."""
    whole = write(tmp_path / "a.zip").read_bytes()
    pick = random.Random(7)
    path = tmp_path / "b.zip"
    for _ in range(300):
        data = bytearray(whole)
        if pick.random() < 0.3:
            del data[pick.randrange(len(data)) :]
        start = pick.choice([max(0, len(data) - 600), 0])
        for _ in range(pick.randrange(1, 12)):
            if data:
                data[pick.randrange(start, len(data))] = pick.randrange(256)
        path.write_bytes(data)
        try:
            found = read_all(path, Limits(max_inflated=1 << 20))
        except SourceError:
            continue
        assert sum(map(len, found.values())) < 2 << 20


def test_parts_of_archives_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    data[end + 4 : end + 6] = b"\3\0"
    path.write_bytes(data)
    with pytest.raises(SourceError, match="several parts"):
        list(members(str(path)))


def test_an_archive_that_goes_while_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", zipfile.ZIP_STORED)
    places = [member.place for member in members(str(path)) if member.name == "a/b/zeros"]
    os.truncate(path, 100_000)
    with pytest.raises(SourceError, match="is cut"):
        open_source(f"{path}!a/b/zeros", places[0])
    path.unlink()
    with pytest.raises(SourceError, match="cannot be opened"):
        open_source(f"{path}!a/b/zeros", places[0])


def test_whole_file_size_is_that_of_files() -> None:
    assert section.WHOLE_FILE_SIZE == source_module.WHOLE_FILE_SIZE
