"""Archives and DICOMDIRs as inputs: discovered as their folders would be."""

from __future__ import annotations

import errno
import gzip
import io
import os
import shutil
import tarfile
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import fastdcm
from fastdcm import system
from fastdcm.batch import unpacked
from fastdcm.batch.discovery import Task, discover
from fastdcm.batch.report import Outcome
from fastdcm.batch.sharing import shared
from fastdcm.batch.targets import Tree, resolve
from fastdcm.batch.unpacked import Unpacking
from fastdcm.errors import OptionError
from fastdcm.options import Limits
from fastdcm.options.part import Part
from fastdcm.sinks.run import Run
from fastdcm.sources import open_source

#: Names that are hard on naming: equal but for endings or case, and like numbered frames.
NAMES = ["b.dcm", "a.dcm", "a", "A.DCM", "z/c.dcm", "k/d.dcm", "k/deep/e", "k/d_0001.dcm", "k/d"]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``in/`` with `NAMES`, each holding its name, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def zipped(path: str, names: list[str] | None = None) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or reversed(NAMES):
            archive.writestr(name, name)
    return path


def tarred(path: str) -> str:
    with tarfile.open(path, "w") as archive:
        archive.add("in", ".")
    return path


def found_in(sources: list[str], output: str | None = "out") -> list[tuple[str, str, str]]:
    """(below its root, folder, stem) of tasks, and that what is found there can be read."""
    found = []
    for item in discover(resolve(sources, output, "jpeg")):
        assert isinstance(item, Task), item
        assert item.base == item.folder[: len(item.base or "")]
        data = open_source(item.source, item.place).read(0, 100)
        assert item.below.removeprefix("./") == data.decode()
        found.append((item.below.removeprefix("./"), item.folder, item.stem))
    return found


@pytest.mark.usefixtures("tree")
def test_members_are_found_named_and_ordered_as_files_of_a_folder() -> None:
    expected = found_in(["in"])
    assert len(expected) == len(NAMES)
    assert found_in([zipped("x.zip")]) == expected
    assert found_in([tarred("x.tar")]) == expected


@pytest.mark.parametrize(
    ("sources", "output", "folder"),
    [
        (["x.zip"], None, "x-jpg"),
        (["sub/x.zip"], None, "sub/x-jpg"),
        (["x.zip"], "out", "out"),
        (["x.zip", "in"], "out", "out/x"),
    ],
)
def test_where_images_go(tree: Path, sources: list[str], output: str | None, folder: str) -> None:
    (tree / "sub").mkdir()
    for source in sources:
        if source.endswith(".zip"):
            zipped(source)
    assert resolve(sources, output, "jpeg").trees[0] == Tree(sources[0], folder, "archive")


def test_an_archive_and_a_folder_with_one_place(tree: Path) -> None:
    zipped("in.zip")
    with pytest.raises(OptionError, match="would both go to"):
        resolve(["in.zip", "in"], "out", "jpeg")


@pytest.mark.usefixtures("tree")
def test_a_missing_archive_is_a_failure() -> None:
    (outcome,) = discover(resolve(["no.zip"], "out", "jpeg"))
    assert isinstance(outcome, Outcome)
    assert outcome.failures[0].error.message == "no such file or folder"


@pytest.mark.usefixtures("tree")
def test_names_that_lead_elsewhere_stay_below_the_output() -> None:
    zipped("x.zip", ["../../up", "/abs", "a/../../b/c", "..", "a/./d"])
    found = discover(resolve(["x.zip"], "out", "jpeg"))
    places = {item.source: f"{item.folder}/{item.stem}" for item in found if isinstance(item, Task)}
    assert places == {
        "x.zip!../../up": "out/up",
        "x.zip!/abs": "out/abs",
        "x.zip!a/../../b/c": "out/a/b/c",
        "x.zip!..": "out/_",
        "x.zip!a/./d": "out/a/d",
    }


@pytest.mark.usefixtures("tree")
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_members_of_one_name_the_last_one_counts() -> None:
    with zipfile.ZipFile("x.zip", "w") as archive:
        for data in ("first", "second"):
            archive.writestr("a.dcm", data)
        archive.writestr("./a.dcm", "other")
    skipped, failed, task = sorted(
        discover(resolve(["x.zip"], "out", "jpeg")), key=lambda item: isinstance(item, Task)
    )
    assert isinstance(task, Task)
    assert isinstance(skipped, Outcome)
    assert isinstance(failed, Outcome)
    assert open_source(task.source, task.place).whole == b"second"
    assert "later member" in str(skipped.skipped)
    assert "x.zip!a.dcm" in failed.failures[0].error.message


@pytest.mark.usefixtures("tree")
def test_hard_links_are_other_names_of_a_member() -> None:
    with tarfile.open("x.tar", "w") as archive:
        for name, target in (("z", "y"), ("y", "b.dcm"), ("loop", "loop"), ("lost", "nothing")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.LNKTYPE, target
            archive.addfile(member)
        archive.add("in/b.dcm", "b.dcm")
    found = list(discover(resolve(["x.tar"], "out", "jpeg")))
    tasks = [item for item in found if isinstance(item, Task)]
    assert {task.stem: open_source(task.source, task.place).whole for task in tasks} == {
        "b": b"b.dcm",
        "y": b"b.dcm",
        "z": b"b.dcm",
    }
    failures = [str(item.failures[0]) for item in found if isinstance(item, Outcome)]
    assert len(failures) == 2
    assert all("which the archive does not have" in failure for failure in failures)


@pytest.fixture
def unpacking() -> Iterator[Unpacking]:
    found = Unpacking(Run.begin(), Limits())
    yield found
    found.close()


def packed(names: list[str]) -> str:
    with tarfile.open("x.tar.gz", "w:gz") as archive:
        for name in names:
            archive.add(f"in/{name}", name)
    return "x.tar.gz"


@pytest.mark.usefixtures("tree")
def test_members_of_a_packed_archive_come_in_its_order(unpacking: Unpacking) -> None:
    """Names that collide are told apart, though what comes later is not known."""
    stems = []
    for item in unpacking.members_of(Tree(packed([*NAMES, "b.dcm"]), "out", "archive")):
        if isinstance(item, Task):
            assert open_source(item.source, item.place).whole == item.below.encode()
            stems.append(f"{item.folder}/{item.stem}")
        else:
            assert "second time" in item.failures[0].error.message
    assert stems == [
        "out/b", "out/a", "out/a-2", "out/A.DCM", "out/z/c", "out/k/d", "out/k/deep/e",
        "out/k/d_0001.dcm", "out/k/d-2",
    ]  # fmt: skip


@pytest.mark.usefixtures("tree")
def test_unpacking_waits_for_what_is_done(unpacking: Unpacking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacked, "_AHEAD", 12)  # bytes: three of these members
    monkeypatch.setattr(unpacked, "_LEAST", 0)
    taken: list[Task] = []

    def take() -> None:
        for item in unpacking.members_of(Tree(packed(NAMES), "out", "archive")):
            assert isinstance(item, Task)
            taken.append(item)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()

    def settled() -> int:
        count = -1
        while count != (count := len(taken)):
            time.sleep(0.1)
        return count

    assert settled() == 3
    there = [task.place.path for task in taken if task.place is not None]
    assert all(map(os.path.exists, there))
    unpacking.release("another", 1)
    assert settled() == 3
    unpacking.release(taken[0].source, 2)  # one of two parts
    assert settled() == 3
    unpacking.release(taken[0].source, 2)
    unpacking.release(taken[1].source)
    assert [os.path.exists(path) for path in there] == [False, False, True]
    assert settled() == 4
    unpacking.close()
    thread.join(timeout=5)
    assert not thread.is_alive()
    assert not list(Path(tempfile.gettempdir()).glob(f".fastdcm-*-{os.getpid()}-*-spool"))


def in_background(unpacking: Unpacking, tree: Tree) -> tuple[list[Task | Outcome], threading.Thread]:
    """What comes of an archive, as it comes."""
    found: list[Task | Outcome] = []

    def take() -> None:
        for item in unpacking.members_of(tree):
            found.append(item)  # noqa: PERF402  # one by one

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    return found, thread


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def packed_of(contents: dict[str, bytes]) -> str:
    with tarfile.open("x.tar.gz", "w:gz") as archive:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return "x.tar.gz"


def test_members_without_bytes_wait_as_well(
    unpacking: Unpacking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take room in memory, and files."""
    monkeypatch.chdir(tmp_path)
    most = unpacked._AHEAD // unpacked._LEAST
    names = [f"{number}.dcm" for number in range(most + 50)]
    found, thread = in_background(unpacking, Tree(packed_of(dict.fromkeys(names, b"")), "out", "archive"))
    wait_until(lambda: len(found) == most)
    time.sleep(0.2)
    assert (len(found), len(os.listdir(unpacking._folder))) == (most, most)
    for name in names[:50]:
        unpacking.release(f"x.tar.gz!{name}")
    thread.join(10)
    assert len(found) == len(names)


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary folder takes 100 000 bytes, and a part of what is too much before it says so."""
    folders = set[str]()
    create, write = system.create_exclusive, unpacked.write_all

    def created(path: str) -> int:
        folders.add(os.path.dirname(path))
        return create(path)

    def written(descriptor: int, data: bytes) -> None:
        used = sum(entry.stat().st_size for folder in folders for entry in os.scandir(folder))
        if used + len(data) > 100_000:
            os.write(descriptor, data[: max(0, 100_000 - used)])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(descriptor, data)

    monkeypatch.setattr(system, "create_exclusive", created)
    monkeypatch.setattr(unpacked, "write_all", written)


@pytest.mark.usefixtures("small_disk")
def test_a_full_temporary_folder_is_waited_for(
    unpacking: Unpacking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    contents = {f"{number}": bytes([number]) * 60_000 for number in range(4)}
    found, thread = in_background(unpacking, Tree(packed_of(contents), "out", "archive"))
    for number in range(4):
        wait_until(lambda: len(found) > number)  # noqa: B023  # at once
        task = found[number]
        assert isinstance(task, Task)
        assert open_source(task.source, task.place).whole == contents[f"{number}"]
        assert thread.is_alive() == (number < 3)
        unpacking.release(task.source)
    thread.join(10)
    assert len(found) == 4


@pytest.mark.usefixtures("small_disk")
def test_a_temporary_folder_that_is_too_small_is_told(
    unpacking: Unpacking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tree = Tree(packed_of({"small": b"1", "large": bytes(200_000)}), "out", "archive")
    found, thread = in_background(unpacking, tree)
    wait_until(lambda: found)
    time.sleep(0.1)
    assert len(found) == 1, "it may fit when the other one has gone"
    unpacking.release("x.tar.gz!small")
    thread.join(10)
    (failure,) = found[1].failures if isinstance(found[1], Outcome) else ()
    assert failure.error.path == "x.tar.gz!large"
    assert "No space left" in failure.error.message
    assert os.listdir(unpacking._folder) == []


def test_members_of_other_parts_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    contents = {f"{number}": b"%d" % number for number in range(40)}
    tree = Tree(packed_of(contents), "out", "archive")
    taken = list[str]()
    for number in (1, 2, 3):
        part = Part(number, 3)
        unpacking = Unpacking(Run.begin(), Limits(), part)
        own = [
            task
            for task in shared(unpacking.members_of(tree), part, unpacking.release)
            if isinstance(task, Task)
        ]
        assert len(os.listdir(unpacking._folder)) == len(own)
        assert [open_source(task.source, task.place).whole for task in own] == [
            contents[task.below] for task in own
        ]
        taken += [task.below for task in own]
        unpacking.close()
    assert sorted(taken) == sorted(contents)


@pytest.mark.usefixtures("tree")
def test_what_stands_in_the_way_of_unpacking_is_named(
    unpacking: Unpacking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "_folder", "nowhere/spool")
    (outcome,) = unpacking.members_of(Tree(packed(NAMES), "out", "archive"))
    assert isinstance(outcome, Outcome)
    assert "cannot be unpacked into" in outcome.failures[0].error.message


@pytest.mark.usefixtures("tree")
def test_members_above_the_limit_and_a_cut_archive() -> None:
    unpacking = Unpacking(Run.begin(), Limits(max_inflated=5))
    found = list(unpacking.members_of(Tree(packed(["b.dcm", "z/c.dcm", "a"]), "out", "archive")))
    assert [type(item).__name__ for item in found] == ["Task", "Outcome", "Task"]
    assert isinstance(found[1], Outcome)
    assert "max_inflated" in found[1].failures[0].error.message
    data = gzip.decompress(Path("x.tar.gz").read_bytes())
    Path("x.tar.gz").write_bytes(gzip.compress(data[: data.rindex(b"z/c.dcm")]))
    *rest, last = unpacking.members_of(Tree("x.tar.gz", "out", "archive"))
    assert isinstance(rest[0], Task)
    assert isinstance(last, Outcome)
    assert last.failures[0].path == "x.tar.gz"
    assert "is cut" in last.failures[0].error.message
    unpacking.close()


@pytest.mark.usefixtures("tree")
def test_the_checksum_of_a_packed_archive_is_compared(unpacking: Unpacking) -> None:
    packed(NAMES)
    data = Path("x.tar.gz").read_bytes()
    Path("x.tar.gz").write_bytes(data[:-8] + bytes(4) + data[-4:])
    *tasks, last = unpacking.members_of(Tree("x.tar.gz", "out", "archive"))
    assert len(tasks) > 5
    assert isinstance(last, Outcome)
    assert "CRC check failed" in last.failures[0].error.message


@pytest.mark.usefixtures("tree")
def test_flat_names_need_all_of_an_archive() -> None:
    zipped("x.zip")
    found = discover(resolve(["x.zip"], "out", "jpeg"), flat=True)
    stems = [item.stem for item in found if isinstance(item, Task)]
    assert len({stem.casefold() for stem in stems}) == len(stems) == len(NAMES)
    packed(NAMES)
    (outcome,) = discover(resolve(["x.tar.gz"], "out", "jpeg"), flat=True)
    assert isinstance(outcome, Outcome)
    assert "unpack it" in outcome.failures[0].error.message


def test_a_dicomdir_gives_its_files_and_misses_others(tmp_path: Path, pydicom_files: Path) -> None:
    medium = tmp_path / "CD"
    shutil.copytree(pydicom_files / "dicomdirtests", medium)
    (medium / "TINY_ALPHA").rename(medium / "tiny_alpha")
    gone = next(path for path in sorted((medium / "77654033").rglob("*")) if path.is_file())
    gone.unlink()
    report = fastdcm.convert(medium / "DICOMDIR", jobs=1)
    assert report.failure_count == 1
    assert report.failures[0].path == str(gone)
    assert report.failures[0].error.message == "is not there, and its DICOMDIR names it"
    whole = fastdcm.convert(medium, tmp_path / "whole", jobs=1)
    assert report.images == whole.images > 20
    assert files(tmp_path / "CD-jpg") == files(tmp_path / "whole")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
