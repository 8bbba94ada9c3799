"""TAR archives: what `tarfile` and the program ``tar`` write, and what is left of damaged ones."""

from __future__ import annotations

import io
import random
import subprocess
import tarfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from fastdcm.errors import FastdcmError, SourceError
from fastdcm.sources import open_source, section
from fastdcm.sources.members import members

CONTENTS = {
    "a/noise.dcm": random.Random(1).randbytes(70_000),
    "a/" + "long" * 60 + "/b": b"long",
    "é.dcm": b"umlaut",
    "empty": b"",
    "block": b"x" * 512,
}


def write(path: Path, format: int = tarfile.PAX_FORMAT, contents: dict[str, bytes] = CONTENTS) -> Path:
    with tarfile.open(path, "w", format=format) as archive:
        folder = tarfile.TarInfo("a")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def read_all(path: Path) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    for member in members(str(path)):
        if member.place is None:
            found[member.name] = member.problem or member.skipped or f"link to {member.link}"
            continue
        source = open_source(f"{path}!{member.name}", member.place)
        found[member.name] = source.read(0, source.size)
        source.close()
    return found


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("whole", [4 << 20, 0], ids=["at once", "by ranges"])
def test_members_are_those_that_were_written(
    tmp_path: Path, format: int, whole: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(section, "WHOLE_FILE_SIZE", whole)
    path = write(tmp_path / "a.tar", format)
    assert read_all(path) == CONTENTS
    for name, data in CONTENTS.items():
        source = open_source(f"{path}!{name}")
        assert source.read(len(data) // 2, 100) == data[len(data) // 2 :][:100]
        assert source.read(len(data), 1) == b""
        buffer = memoryview(bytearray(100))
        count = source.read_into(3, buffer)
        assert bytes(buffer[:count]) == data[3:103]
        source.close()


def test_old_names_with_a_prefix(tmp_path: Path) -> None:
    contents = {"p" * 90 + "/" + "n" * 90: b"1", "short": b"2"}
    assert read_all(write(tmp_path / "a.tar", tarfile.USTAR_FORMAT, contents)) == contents


@pytest.mark.parametrize("format", ["gnu", "pax", "ustar", "v7"])
def test_what_the_program_tar_writes(tmp_path: Path, peer: Callable[[str], str], format: str) -> None:
    contents = {name: data for name, data in CONTENTS.items() if format in ("gnu", "pax") or len(name) < 90}
    for name, data in contents.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    (tmp_path / "in" / "same").hardlink_to(tmp_path / "in" / "block")
    (tmp_path / "in" / "link").symlink_to("block")
    path = tmp_path / "a.tar"
    names = [*contents, "same", "link"]
    subprocess.run(
        [peer("tar"), f"--format={format}", "-cf", path, "-C", tmp_path / "in", *names], check=True
    )
    assert read_all(path) == {**contents, "same": "link to block", "link": "a link in an archive"}
    assert open_source(f"{path}!same").whole == contents["block"]
    with pytest.raises(SourceError, match="a link in an archive"):
        open_source(f"{path}!link")


def test_sparse_files_are_named(tmp_path: Path, peer: Callable[[str], str]) -> None:
    with (tmp_path / "holes").open("wb") as file:
        file.seek(10_000_000)
        file.write(b"end")
    for format in ("gnu", "pax"):
        path = tmp_path / f"{format}.tar"
        command = [peer("tar"), f"--format={format}", "-S", "-cf", path, "-C", tmp_path, "holes"]
        subprocess.run(command, check=True)
        write_more = tarfile.TarInfo("more")
        with tarfile.open(path, "a") as archive:
            archive.addfile(write_more)
        problems = list(read_all(path).values())
        assert "sparse" in str(problems[0])
        assert problems[1:] == [b""]


def test_large_members_have_binary_sizes(tmp_path: Path) -> None:
    member = tarfile.TarInfo("large")
    member.size = 1 << 34
    path = tmp_path / "a.tar"
    path.write_bytes(member.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(SourceError, match="is cut"):  # noqa: PT012
        found = iter(members(str(path)))
        assert next(found).problem == f"is cut: 0 of its {1 << 34} bytes are there"
        next(found)


def test_a_damaged_header_is_told_and_what_follows_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar")
    data = bytearray(path.read_bytes())
    at = data.index(b"empty")
    data[at + 130] ^= 1  # within its size
    path.write_bytes(data)
    found = read_all(path)
    assert "damaged" in str(found.pop(""))
    assert found == {name: data for name, data in CONTENTS.items() if name != "empty"}


def test_a_header_of_zeros_is_not_taken_for_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar")
    data = bytearray(path.read_bytes())
    at = data.index(b"a/noise.dcm")
    data[at : at + 512] = bytes(512)
    path.write_bytes(data)
    found = read_all(path)
    assert "a header at byte 512 is gone" in str(found.pop(""))
    assert found == {name: data for name, data in CONTENTS.items() if name != "a/noise.dcm"}


def test_what_is_lost_may_hold_zeros(tmp_path: Path) -> None:
    contents = {"zeros": bytes(20_000), "after": b"1"}
    path = write(tmp_path / "a.tar", contents=contents)
    data = bytearray(path.read_bytes())
    data[data.index(b"zeros") + 150] ^= 1
    path.write_bytes(data)
    found = read_all(path)
    assert "damaged" in str(found.pop(""))
    assert found == {"after": b"1"}


def test_a_cut_archive_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar")
    whole = path.read_bytes()
    for size in (0, 100, 512, 5000, 71_000, len(whole) - 10_240 + 512):
        path.write_bytes(whole[:size])
        with pytest.raises(SourceError, match=r"is cut|or cut"):
            list(members(str(path)))
    path.write_bytes(whole[:5000])
    found = iter(members(str(path)))
    member = next(found)
    assert member.name == "a/noise.dcm"
    assert "is cut" in member.problem


@pytest.mark.parametrize("data", [b"", b"x" * 512, b"PK\3\4" + bytes(10_000)])
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    with pytest.raises(SourceError, match="no TAR archive"):
        list(members(str(path)))


def test_archives_that_were_overwritten_are_errors_of_the_source(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.tar").read_bytes()
    pick = random.Random(3)
    path = tmp_path / "b.tar"
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(pick.randrange(1, 30)):
            data[pick.choice([pick.randrange(1024), pick.randrange(len(data))])] = pick.randrange(256)
        path.write_bytes(data)
        try:
            found = read_all(path)
        except FastdcmError:
            continue
        assert sum(map(len, found.values())) < 2 * len(whole)


def test_records_that_ask_for_too_much(tmp_path: Path) -> None:
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.XHDTYPE, 1 << 33
    path = tmp_path / "a.tar"
    path.write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    assert ["too long" in found.problem for found in members(str(path))] == [True]


def block(name: str, kind: bytes, data: bytes) -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, len(data)
    return member.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512)


def record(name: str, value: str) -> bytes:
    size = len(name) + len(value) + 3
    while len(str(size)) + len(name) + len(value) + 3 != size:
        size = len(str(size)) + len(name) + len(value) + 3
    return f"{size} {name}={value}\n".encode()


def found_behind(tmp_path: Path, *blocks: bytes) -> dict[str, bytes | str]:
    path = tmp_path / "records.tar"
    path.write_bytes(b"".join([*blocks, block("x", tarfile.REGTYPE, b"data"), bytes(1024)]))
    return read_all(path)


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([b"6 a=b\n" * 10_001], "more than 10000 records"),
        ([b"6 a=b\n" * 6000] * 2, "more than 10000 records"),
        ([record("comment", "c" * 600_000)] * 2, "more than 1048576 bytes"),
        ([b"9999 a=b\n"], "does not add up"),
        ([b"4 a=\n"], "does not add up"),
        ([b"+6 a=b\n"], "does not add up"),
        ([b"1" * 1000], "does not add up"),
    ],
)
@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_records_are_bounded(tmp_path: Path, records: list[bytes], words: str, kind: bytes) -> None:
    found = found_behind(tmp_path, *(block("records", kind, data) for data in records))
    assert words in str(found.pop(""))
    assert found == {"x": b"data"}


def test_records_of_all_members_do_not_pile_up(tmp_path: Path) -> None:
    """Global ones count until others come; those that nobody asks for are not held."""
    path = tmp_path / "many.tar"
    with path.open("wb") as file:
        for number in range(60):
            data = b"".join(record(f"{number}.{name}", "v" * 1000) for name in range(900))
            file.write(block("records", tarfile.XGLTYPE, data) + block(str(number), tarfile.REGTYPE, b""))
        file.write(bytes(1024))
    tracemalloc.start()
    assert len(list(members(str(path)))) == 60
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 << 20, "of 54 MB"


def test_records_take_time_by_their_number_not_by_what_follows(tmp_path: Path) -> None:
    def took(value: str) -> float:
        data = record("comment", value) * 8000
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            assert found_behind(tmp_path, block("records", tarfile.XHDTYPE, data)) == {"x": b"data"}
            seconds.append(time.perf_counter() - start)
        return min(seconds)

    assert took("c" * 100) < 5 * took(""), "20 where each one copies all that follow"


def test_global_records_and_those_of_one_member(tmp_path: Path) -> None:
    blocks = (
        block("g", tarfile.XGLTYPE, record("path", "all") + record("comment", "x")),
        block("a", tarfile.REGTYPE, b"1"),
        block("h", tarfile.XHDTYPE, record("path", "own") + record("size", "2")),
        block("b", tarfile.REGTYPE, b"22"),
    )
    path = tmp_path / "a.tar"
    path.write_bytes(b"".join(blocks) + bytes(1024))
    assert [member.name for member in members(str(path))] == ["all", "own"]


def test_links_that_lead_round_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, target in (("a", "b"), ("b", "a"), ("c", "nothing")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.LNKTYPE, target
            archive.addfile(member)
    with pytest.raises(SourceError, match="leads round"):
        open_source(f"{path}!a")
    with pytest.raises(SourceError, match="no such member"):
        open_source(f"{path}!c")
