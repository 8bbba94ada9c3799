"""The same files as a folder, archives of all kinds, a list, parts: the same images; through the script."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest
import zstandard

from tests.resume.kills import are_there, digests, killed

ROOT = Path(__file__).parents[2]
NAMES = [
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_jp2klossless.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "MR_small_RLE.dcm",
    "rtdose.dcm",
]
POSIX = pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX's")


def fastdcm(*arguments: object, cwd: Path, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "fastdcm", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False, env=environment, input=input)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, pydicom_files: Path) -> Path:
    """``in/`` with 60 files in nested folders, and ``whole/`` with their images."""
    place = tmp_path_factory.mktemp("alike")
    for number in range(60):
        path = place / "in" / ("", "a", "a/b c", "é")[number % 4] / f"{number:03}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pydicom_files / NAMES[number % len(NAMES)], path)
    done = fastdcm("convert", "in", "-o", "whole", "-j", "2", cwd=place)
    assert done.returncode == 0, done.stderr
    return place


def files_of(folder: Path) -> list[Path]:
    found = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    random.Random(4).shuffle(found)  # archives have any order
    return found


def make_zip(place: Path, name: str, method: int) -> None:
    with zipfile.ZipFile(place / name, "w", method) as archive:
        for path in files_of(place / "in"):
            archive.write(place / "in" / path, path)


def make_tar(place: Path, name: str, mode: str) -> None:
    with tarfile.open(place / name, mode) as archive:  # type: ignore[call-overload]
        for path in files_of(place / "in"):
            archive.add(place / "in" / path, path)


def make_zst(place: Path, name: str) -> None:
    make_tar(place, "for-zst.tar", "w")
    (place / name).write_bytes(zstandard.compress((place / "for-zst.tar").read_bytes()))


SOURCES: dict[str, Callable[[Path, str], None]] = {
    "stored.zip": lambda place, name: make_zip(place, name, zipfile.ZIP_STORED),
    "deflated.zip": lambda place, name: make_zip(place, name, zipfile.ZIP_DEFLATED),
    "plain.tar": lambda place, name: make_tar(place, name, "w"),
    "packed.tar.gz": lambda place, name: make_tar(place, name, "w:gz"),
    "packed.tgz": lambda place, name: make_tar(place, name, "w:gz"),
    "packed.tar.zst": make_zst,
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("jobs", [1, 2])
def test_archives_give_the_images_of_the_folder(place: Path, tmp_path: Path, name: str, jobs: int) -> None:
    SOURCES[name](place, name)
    done = fastdcm("convert", name, "-o", tmp_path / "out", "-j", jobs, cwd=place)
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "out") == digests(place / "whole")


@pytest.mark.parametrize("name", ["deflated.zip", "plain.tar", "packed.tar.gz"])
@pytest.mark.parametrize(
    "more", [("--voi", "series"), ("--name", "{path}-x"), ("--frames", "1", "--profile")]
)
def test_options_that_look_before(place: Path, tmp_path: Path, name: str, more: tuple[str, ...]) -> None:
    SOURCES[name](place, name)
    for source in ("in", name):
        done = fastdcm(
            "convert", source, "-o", tmp_path / f"of-{source}".replace(".", "-"), "-j", "2", *more, cwd=place
        )
        assert done.returncode == 0, done.stderr
    assert digests(tmp_path / f"of-{name}".replace(".", "-")) == digests(tmp_path / "of-in")


@pytest.mark.parametrize("name", ["deflated.zip", "packed.tar.gz"])
def test_shards_of_archives_are_made_and_gone_on_from(place: Path, tmp_path: Path, name: str) -> None:
    SOURCES[name](place, name)
    shards = ("--shards", "s-%d.tar", "--shard-size", "100K")
    arguments = ("convert", name, "-o", tmp_path / "out", *shards, "-j", "2")
    assert fastdcm(*arguments, cwd=place).returncode == 0
    before = digests(tmp_path / "out")
    last = max(tmp_path.glob("out/s-*.tar"), key=lambda path: int(path.stem[2:]))
    last.unlink()
    assert fastdcm(*arguments, cwd=place).returncode == 0
    assert digests(tmp_path / "out") == before
    assert len(before) > 5


def test_the_program_zip_s_archives_beside_what_unzip_makes_of_them(
    place: Path, tmp_path: Path, peer: Callable[[str], str]
) -> None:
    subprocess.run([peer("zip"), "-qr", tmp_path / "a.zip", "."], cwd=place / "in", check=True)
    subprocess.run([peer("unzip"), "-q", tmp_path / "a.zip", "-d", tmp_path / "unpacked"], check=True)
    for source in ("a.zip", "unpacked"):
        assert fastdcm("convert", source, "-o", f"{source}-out", "-j", "2", cwd=tmp_path).returncode == 0
    assert digests(tmp_path / "a.zip-out") == digests(tmp_path / "unpacked-out") == digests(place / "whole")


@pytest.mark.parametrize("end", [b"\n", b"\0"])
def test_names_on_standard_input(place: Path, tmp_path: Path, end: bytes) -> None:
    names = [os.fsencode(Path("in") / path) for path in files_of(place / "in")]
    text = b"".join(name + end for name in names)
    done = fastdcm("convert", "-", "-o", tmp_path / "out", "-j", "2", cwd=place, input=text)
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "out" / "in") == digests(place / "whole")
    done = fastdcm("convert", "-", "-o", tmp_path / "again", "--voi", "series", cwd=place, input=text)
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "again" / "in").keys() == digests(place / "whole").keys()


def test_parts_are_the_whole(place: Path, tmp_path: Path) -> None:
    SOURCES["plain.tar"](place, "plain.tar")
    for part, source in ((1, "in"), (2, "plain.tar"), (3, "in")):
        arguments = ("-o", tmp_path / "out", "--part", f"{part}/3", "-j", "2")
        assert fastdcm("convert", source, *arguments, cwd=place).returncode == 0
    assert digests(tmp_path / "out") == digests(place / "whole")


def test_an_empty_part_is_no_failure(place: Path, tmp_path: Path) -> None:
    statuses = [
        fastdcm("convert", "in/000.dcm", "-o", tmp_path / "out", "--part", f"{n}/40", cwd=place).returncode
        for n in (1, 2, 3)
    ]
    assert statuses == [0, 0, 0]


@POSIX
@pytest.mark.parametrize("name", ["deflated.zip", "packed.tar.gz"])
def test_a_run_of_an_archive_that_is_killed_is_gone_on_from(place: Path, tmp_path: Path, name: str) -> None:
    many = tmp_path / "many"
    for number in range(300):
        path = many / "in" / f"{number % 7}" / f"{number:04}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place / "in" / _first(number % 5), path)
    SOURCES[name](many, name)
    assert fastdcm("convert", "in", "-o", "whole", "-j", "2", cwd=many).returncode == 0
    arguments = ["convert", name, "-o", "out", "--manifest", "run.jsonl", "--resume", "-j", "2", "--quiet"]
    program = f"import os, runpy; os.chdir({str(many)!r}); runpy.run_module('fastdcm', run_name='__main__')"
    command = [sys.executable, "-c", program, *arguments]
    kills = [killed(command, partial(are_there, many / "out", images)) for images in (1, 60, 120)]
    assert sum(kills) > 0
    done = fastdcm(*arguments, cwd=many)
    assert done.returncode == 0, done.stderr
    assert digests(many / "out") == digests(many / "whole")
    assert fastdcm("verify", "run.jsonl", cwd=many).returncode == 0
    again = fastdcm(*arguments, cwd=many)
    assert again.returncode == 0
    assert again.stdout == b""


def _first(number: int) -> Path:
    return Path(("", "a", "a/b c", "é")[number % 4]) / f"{number:03}.dcm"


@POSIX
def test_a_run_into_an_archive_that_is_killed_leaves_none(place: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fastdcm", "convert", str(place / "in"), "-o", str(tmp_path / "out.zip")]
    process = subprocess.Popen([*command, "-j", "2"], cwd=ROOT, start_new_session=True, stderr=-1)
    while not list(tmp_path.glob(".fastdcm-*-spool/*")) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "out.zip").exists()
    done = fastdcm("convert", place / "in", "-o", tmp_path / "out.zip", cwd=place)
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == ["out.zip"]  # nor is anything left of the one before
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    assert digests(tmp_path / "unpacked") == digests(place / "whole")


def test_bad_members_do_not_stop_others(place: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(6):
            archive.write(place / "in" / _first(0), f"{number}.dcm")
        archive.writestr("7.dcm", b"x" * 1000, zipfile.ZIP_LZMA)
        archive.writestr("notes.txt", "hello")
    done = fastdcm("convert", "a.zip", "-o", "out", "--manifest", "run.jsonl", "-v", cwd=tmp_path)
    assert done.returncode == 1
    assert b"failed: a.zip!7.dcm: is packed by LZMA" in done.stderr
    assert b"skipped: a.zip!notes.txt: not a DICOM file" in done.stderr
    assert len(digests(tmp_path / "out")) == 6
    assert f"{tmp_path}/a.zip!3.dcm" in (tmp_path / "run.jsonl").read_text()
    done = fastdcm("info", "a.zip!3.dcm", cwd=tmp_path)
    assert done.returncode == 0
    assert b"CT" in done.stdout


class TestStreams:
    """``--stdin`` and ``-o -``."""

    def test_an_object_becomes_an_image(self, place: Path, tmp_path: Path) -> None:
        data = (place / "in" / "000.dcm").read_bytes()
        done = fastdcm("convert", "--stdin", "-o", "-", cwd=tmp_path, input=data)
        assert (done.returncode, done.stdout) == (0, (place / "whole" / "000.jpg").read_bytes())
        assert b"1 image from 1 file" in done.stderr
        assert os.listdir(tmp_path) == []

    def test_through_pipes(self, place: Path, tmp_path: Path) -> None:
        if os.name == "nt":
            pytest.skip("needs a shell")
        program = f"{sys.executable} -m fastdcm convert --stdin -o - -F png"
        command = f"cat '{place}/in/000.dcm' | {program} | cat > x.png"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, check=False)
        assert done.returncode == 0
        assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / "x.png").read_bytes().endswith(b"IEND\xaeB`\x82")

    def test_into_a_file_or_a_folder(self, place: Path, tmp_path: Path) -> None:
        data = (place / "in" / "000.dcm").read_bytes()
        for output, image in (("out", "out/stdin.jpg"), ("x.jpg", "x.jpg")):
            done = fastdcm("convert", "--stdin", "-o", output, cwd=tmp_path, input=data)
            assert done.returncode == 0, done.stderr
            assert (tmp_path / image).read_bytes() == (place / "whole" / "000.jpg").read_bytes()

    def test_a_file_goes_to_standard_output(self, place: Path) -> None:
        done = fastdcm("convert", "in/000.dcm", "-o", "-", "--quiet", cwd=place)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == (place / "whole" / "000.jpg").read_bytes()

    def test_of_many_frames_one_goes(self, place: Path) -> None:
        frames = sorted((place / "whole" / "a").glob("005_*.jpg"))
        assert len(frames) > 2
        done = fastdcm("convert", "in/a/005.dcm", "-o", "-", cwd=place)
        assert (done.returncode, done.stdout) == (0, frames[0].read_bytes())
        assert b"--frames all for the rest" in done.stderr
        done = fastdcm("convert", "in/a/005.dcm", "-o", "-", "--frames", "3", cwd=place)
        assert (done.returncode, done.stdout) == (0, frames[2].read_bytes())
        done = fastdcm("convert", "in/a/005.dcm", "-o", "-", "--frames", "all", cwd=place)
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"standard output holds one" in done.stderr
        assert b"in standard output" not in done.stderr
        done = fastdcm("convert", "in/a/005.dcm", "-o", "-", "-F", "gif", cwd=place)
        assert (done.returncode, done.stdout[:6]) == (0, b"GIF89a")

    def test_what_is_called_stdin_is_not_taken_for_it(self, place: Path, tmp_path: Path) -> None:
        (tmp_path / "stdin").mkdir()
        shutil.copyfile(place / "in" / "004.dcm", tmp_path / "stdin" / "other.dcm")
        data = (place / "in" / "000.dcm").read_bytes()
        done = fastdcm("convert", "--stdin", "-o", "x.jpg", cwd=tmp_path, input=data)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "x.jpg").read_bytes() == (place / "whole" / "000.jpg").read_bytes()

    @pytest.mark.parametrize("data", [b"", b"hello" * 100])
    def test_what_is_no_object(self, tmp_path: Path, data: bytes) -> None:
        done = fastdcm("convert", "--stdin", "-o", "-", cwd=tmp_path, input=data)
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"failed: stdin: not a DICOM file" in done.stderr

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--stdin", "in/000.dcm", "-o", "x"), b"reads one object"),
            (("--stdin",), b"say with -o"),
            (("--stdin", "-o", "x", "--manifest", "m.jsonl"), b"no --manifest"),
            (("--stdin", "-o", "x", "--part", "1/2"), b"no --part"),
            (
                ("in", "-o", "x", "--manifest", "m.jsonl", "--resume", "--metadata", "csv"),
                b"table of all images",
            ),
            (("in", "-o", "-"), b"one file"),
            (("in/000.dcm", "in/004.dcm", "-o", "-"), b"one file"),
            (("-", "-o", "-"), b"one file"),
            (("in/000.dcm", "-o", "-", "--metadata", "json"), b"no --metadata"),
            ((), b"Missing argument 'SRC...'"),
        ],
    )
    def test_what_makes_no_sense(self, place: Path, arguments: Iterable[str], message: bytes) -> None:
        done = fastdcm("convert", *arguments, cwd=place, input=b"")
        assert done.returncode == 2
        assert message in done.stderr
