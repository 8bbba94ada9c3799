"""Archives of images: read by `zipfile`, `tarfile`, ``unzip`` and ``tar``, and whole or not there."""

from __future__ import annotations

import os
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fastdcm.sinks import archives
from fastdcm.sinks.archives import open_archive
from fastdcm.sinks.run import Run
from fastdcm.sinks.spool import Place, Spool, Spooled

IMAGES = {"x/a.jpg": b"q" * 700, "é" * 120 + ".jpg": b"z" * 512, "empty.png": b"", "large": bytes(3_000_000)}


@pytest.fixture
def spooled(tmp_path: Path) -> Iterator[tuple[int, Spooled]]:
    """`IMAGES` and the JSON of the first of them, as a worker puts them there."""
    (tmp_path / "spool").mkdir()
    spool = Spool(Place(str(tmp_path / "spool"), "out", by_key=False))
    spool.put("out/x", "a.jpg.json", b"{}")
    for name, data in IMAGES.items():
        spool.put(os.path.join("out", os.path.dirname(name)), os.path.basename(name), data)
    taken = spool.taken()
    assert taken is not None
    descriptor = os.open(taken.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    yield descriptor, taken
    os.close(descriptor)


def write(path: Path, spooled: tuple[int, Spooled], *, replace: bool = False) -> list[str]:
    descriptor, taken = spooled
    writer = open_archive(str(path), Run.begin(), fsync=True)
    offset, twice = taken.offset, []
    for length in (*taken.lengths, taken.lengths[0]):
        at = offset if len(twice) < len(taken.lengths) else taken.offset
        twice.append(writer.append(descriptor, at, length))
        offset += length
    assert not path.exists() or replace
    writer.close(replace=replace)
    return twice


def read(path: Path) -> dict[str, bytes]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


EXPECTED = {**IMAGES, "x/a.jpg.json": b"{}"}


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_what_is_written_is_read(tmp_path: Path, spooled: tuple[int, Spooled], name: str) -> None:
    twice = write(tmp_path / name, spooled)
    assert twice == ["", "", "", "", "x/a.jpg"]  # the last one is there already
    assert read(tmp_path / name) == EXPECTED
    assert list(read(tmp_path / name))[:2] == ["x/a.jpg", "x/a.jpg.json"]


@pytest.mark.parametrize(("name", "tool", "how"), [("a.zip", "unzip", "-q"), ("a.tar", "tar", "-xf")])
def test_programs_unpack_them(
    tmp_path: Path, spooled: tuple[int, Spooled], peer: Callable[[str], str], name: str, tool: str, how: str
) -> None:
    write(tmp_path / name, spooled)
    (tmp_path / "in").mkdir()
    subprocess.run([peer(tool), how, tmp_path / name], cwd=tmp_path / "in", check=True)
    found = {p.relative_to(tmp_path / "in").as_posix(): p.read_bytes() for p in (tmp_path / "in").rglob("*")
             if p.is_file()}  # fmt: skip
    assert found == EXPECTED


def test_bytes_depend_on_nothing_else(tmp_path: Path, spooled: tuple[int, Spooled]) -> None:
    for name in ("a.zip", "a.tar"):
        write(tmp_path / name, spooled)
        write(tmp_path / f"again-{name}", spooled)
        assert (tmp_path / name).read_bytes() == (tmp_path / f"again-{name}").read_bytes()


def test_large_archives_are_zip64(
    tmp_path: Path, spooled: tuple[int, Spooled], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if four gigabytes were a kilobyte: what is stated then is what readers take for it."""
    monkeypatch.setattr(archives, "_FULL_16", 3)
    write(tmp_path / "count.zip", spooled)
    data = (tmp_path / "count.zip").read_bytes()
    assert b"PK\x06\x06" in data
    end = data.rindex(b"PK\x05\x06")
    (tmp_path / "count.zip").write_bytes(data[: end + 8] + b"\xff\xff\xff\xff" + data[end + 12 :])
    assert read(tmp_path / "count.zip") == EXPECTED


def test_what_has_the_name_goes_where_it_is_replaced(tmp_path: Path, spooled: tuple[int, Spooled]) -> None:
    (tmp_path / "a.zip").write_text("before")
    writer = open_archive(str(tmp_path / "a.zip"), Run.begin(), fsync=False)
    with pytest.raises(FileExistsError):
        writer.close(replace=False)
    writer.give_up()
    assert (tmp_path / "a.zip").read_text() == "before"
    write(tmp_path / "a.zip", spooled, replace=True)
    assert read(tmp_path / "a.zip") == EXPECTED
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "spool"]


def test_what_is_given_up_leaves_nothing(tmp_path: Path, spooled: tuple[int, Spooled]) -> None:
    writer = open_archive(str(tmp_path / "a.tar"), Run.begin(), fsync=False)
    writer.append(spooled[0], spooled[1].offset, spooled[1].lengths[0])
    writer.give_up()
    assert os.listdir(tmp_path) == ["spool"]


def test_what_is_gone_from_the_spool_is_an_error(tmp_path: Path, spooled: tuple[int, Spooled]) -> None:
    for name in ("a.zip", "a.tar"):
        writer = open_archive(str(tmp_path / name), Run.begin(), fsync=False)
        with pytest.raises(OSError, match="on its way"):
            writer.append(spooled[0], spooled[1].offset, spooled[1].lengths[0] + 10_000_000)
        with pytest.raises(OSError, match="on its way"):
            writer.append(spooled[0], 1 << 40, 1024)
        writer.give_up()
