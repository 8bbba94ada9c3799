"""Whole files or none, never one over another of the same run, and no litter."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import get_args

import pytest

from fastdcm import system
from fastdcm.errors import CollisionError, OutputError
from fastdcm.options import Existing
from fastdcm.sinks import run as run_module
from fastdcm.sinks.directory import DirectorySink
from fastdcm.sinks.run import PREFIX, Run, remove_stale, remove_temporaries

ALL: tuple[Existing, ...] = get_args(Existing)


@pytest.fixture
def run() -> Run:
    """A run that started a moment ago, as it has whenever something is written."""
    begun = Run.begin()
    return Run(begun.tag, begun.started - 0.2)


def _old(path: Path, data: bytes = b"old") -> Path:
    path.write_bytes(data)
    before = time.time() - 60
    os.utime(path, (before, before))
    return path


@pytest.mark.parametrize("existing", ALL)
def test_writes_and_makes_folders(tmp_path: Path, run: Run, existing: Existing) -> None:
    sink = DirectorySink(run, existing)
    folder = tmp_path / "a" / "b"
    assert not sink.leaves(str(folder), "x.jpg")
    assert sink.put(str(folder), "x.jpg", b"data")
    assert sink.put(str(folder), os.path.join("c", "y.jpg"), b"more")
    assert (folder / "x.jpg").read_bytes() == b"data"
    assert (folder / "c" / "y.jpg").read_bytes() == b"more"
    assert sorted(os.listdir(folder)) == ["c", "x.jpg"]


@pytest.mark.parametrize("existing", ALL)
def test_what_is_there_from_before(tmp_path: Path, run: Run, existing: Existing) -> None:
    path = _old(tmp_path / "x.jpg")
    sink = DirectorySink(run, existing)
    replaced = existing == "overwrite"
    assert sink.leaves(str(tmp_path), "x.jpg") is not replaced
    assert sink.put(str(tmp_path), "x.jpg", b"new") is replaced
    assert path.read_bytes() == (b"new" if replaced else b"old")
    assert os.listdir(tmp_path) == ["x.jpg"]


@pytest.mark.parametrize("existing", ["keep", "skip"])
def test_what_came_since_the_folder_was_looked_at(tmp_path: Path, run: Run, existing: Existing) -> None:
    """The list of what was there is a help, not a proof."""
    sink = DirectorySink(run, existing)
    assert not sink.leaves(str(tmp_path), "x.jpg")
    path = _old(tmp_path / "x.jpg")
    assert not sink.leaves(str(tmp_path), "x.jpg")
    assert not sink.put(str(tmp_path), "x.jpg", b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x.jpg"]


def test_folders_of_too_many_files_are_not_listed(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "_MANY", 2)
    for name in "abcx":
        _old(tmp_path / f"{name}.jpg")
    assert remove_stale(str(tmp_path)) is None
    sink = DirectorySink(run, "keep")
    assert sink.leaves(str(tmp_path), "x.jpg")
    assert not sink.leaves(str(tmp_path), "y.jpg")


@pytest.mark.parametrize("existing", ALL)
def test_never_over_an_image_of_the_same_run(tmp_path: Path, run: Run, existing: Existing) -> None:
    DirectorySink(run, existing).put(str(tmp_path), "x.jpg", b"first")
    other = DirectorySink(run, existing)
    with pytest.raises(OutputError, match=r"x\.jpg.*another input of this run"):
        other.put(str(tmp_path), "x.jpg", b"second")
    if existing != "overwrite":
        with pytest.raises(OutputError, match="another input of this run"):
            other.leaves(str(tmp_path), "x.jpg")
    assert (tmp_path / "x.jpg").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["x.jpg"]


@pytest.mark.parametrize("existing", ALL)
def test_a_second_try_replaces_its_own_image(tmp_path: Path, run: Run, existing: Existing) -> None:
    sink = DirectorySink(run, existing)
    sink.put(str(tmp_path), "x.jpg", b"first")
    assert not sink.leaves(str(tmp_path), "x.jpg", own=True)
    assert sink.put(str(tmp_path), "x.jpg", b"second", own=True)
    assert (tmp_path / "x.jpg").read_bytes() == b"second"
    _old(tmp_path / "y.jpg")
    assert sink.put(str(tmp_path), "y.jpg", b"new", own=True) is (existing == "overwrite")


@pytest.mark.parametrize("existing", ALL)
def test_a_run_tells_outputs_of_the_run_just_before(tmp_path: Path, existing: Existing) -> None:
    DirectorySink(Run.begin(), "keep").put(str(tmp_path), "x.jpg", b"first")
    next_sink = DirectorySink(Run.begin(), existing)
    assert next_sink.put(str(tmp_path), "x.jpg", b"second") is (existing == "overwrite")


def test_overwriting_by_two_workers_at_once_keeps_one_and_tells_the_other(tmp_path: Path, run: Run) -> None:
    for attempt in range(50):
        name = f"{attempt}.jpg"
        _old(tmp_path / name)
        barrier = threading.Barrier(2)
        results: list[str] = []

        def write(
            data: bytes, name: str = name, barrier: threading.Barrier = barrier, results: list[str] = results
        ) -> None:
            sink = DirectorySink(run, "overwrite")
            sink._prefix += f"{threading.get_ident()}-"
            barrier.wait()
            try:
                sink.put(str(tmp_path), name, data)
                results.append(data.decode())
            except OutputError:
                results.append("told")

        threads = [threading.Thread(target=write, args=(data,)) for data in (b"a", b"b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert "told" in results
        kept = (tmp_path / name).read_bytes().decode()
        assert kept in results
    assert not [name for name in os.listdir(tmp_path) if name.startswith(PREFIX)]


def test_without_renameat2_the_same(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_renameat2", lambda *_: False)
    test_never_over_an_image_of_the_same_run(tmp_path, run, "keep")
    (tmp_path / "x.jpg").unlink()
    test_what_is_there_from_before(tmp_path, run, "overwrite")


def test_without_hard_links_the_same(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    test_without_renameat2_the_same(tmp_path, run, monkeypatch)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_at_the_place_is_replaced_not_followed(tmp_path: Path, run: Run) -> None:
    target = _old(tmp_path / "precious")
    (tmp_path / "x.jpg").symlink_to(target)
    os.utime(tmp_path / "x.jpg", (0, 0), follow_symlinks=False)
    assert not DirectorySink(run, "keep").put(str(tmp_path), "x.jpg", b"new")
    assert DirectorySink(run, "overwrite").put(str(tmp_path), "x.jpg", b"new")
    assert target.read_bytes() == b"old"
    assert not (tmp_path / "x.jpg").is_symlink()


@pytest.mark.parametrize("existing", ALL)
def test_a_folder_at_the_place_is_an_error(tmp_path: Path, run: Run, existing: Existing) -> None:
    (tmp_path / "x.jpg").mkdir()
    with pytest.raises(OutputError, match="a folder of that name"):
        DirectorySink(run, existing).put(str(tmp_path), "x.jpg", b"data")


def test_a_file_where_the_folder_should_be_is_an_error(tmp_path: Path, run: Run) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(OutputError, match="it is no folder"):
        DirectorySink(run, "keep").put(str(tmp_path / "out"), "x.jpg", b"data")


def test_a_full_disk_leaves_nothing(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def write(descriptor: int, data: bytes) -> int:
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(real(descriptor, data[:2]))
        return written[0]

    real = os.write
    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OutputError, match="No space left"):
        DirectorySink(run, "keep").put(str(tmp_path), "x.jpg", b"data")
    assert os.listdir(tmp_path) == []


def test_short_writes_are_continued(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:3]))
    DirectorySink(run, "keep").put(str(tmp_path), "x.jpg", b"0123456789")
    assert (tmp_path / "x.jpg").read_bytes() == b"0123456789"


def test_temporaries_of_dead_runs_go_and_others_stay(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    machine = system.machine_tag()
    dead = _old(tmp_path / f"{PREFIX}{machine}-{child.pid}-abc-{child.pid}-1")
    alive = tmp_path / f"{PREFIX}{machine}-{os.getpid()}-abc-1-1"
    elsewhere = tmp_path / f"{PREFIX}00000000-{child.pid}-abc-1-1"
    forgotten = tmp_path / f"{PREFIX}00000000-{os.getpid()}-abc-1-2"
    foreign = tmp_path / f"{PREFIX}notes"
    for path in (alive, elsewhere, forgotten, foreign):
        path.touch()
    os.utime(forgotten, (0, 0))
    DirectorySink(Run.begin(), "keep").put(str(tmp_path), "x.jpg", b"data")
    assert not dead.exists()
    assert not forgotten.exists()
    assert alive.exists()
    assert elsewhere.exists()
    assert foreign.exists()


def test_what_one_worker_left_is_removed_by_its_number(tmp_path: Path, run: Run) -> None:
    mine, others = tmp_path / f"{run.prefix(12)}1", tmp_path / f"{run.prefix(123)}1"
    mine.touch()
    others.touch()
    remove_temporaries(str(tmp_path), run.prefix(12))
    assert os.listdir(tmp_path) == [others.name]
    remove_temporaries(str(tmp_path / "nowhere"), run.prefix(12))
    remove_stale(str(tmp_path / "nowhere"))


def test_temporary_names_are_those_that_are_cleaned_up(run: Run) -> None:
    assert re.fullmatch(run_module._NAME, f"{run.prefix(os.getpid())}17")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is synchronised and renamed, by name, in order."""
    calls: list[str] = []
    names: dict[int, str] = {}
    rename, create, real_open = system.rename_no_replace, system.create_exclusive, os.open

    def noted_open(path: str, *arguments: int) -> int:
        descriptor = real_open(path, *arguments)
        names[descriptor] = os.path.basename(path)
        return descriptor

    def noted_create(path: str) -> int:
        descriptor = create(path)
        names[descriptor] = "image"
        return descriptor

    def noted_rename(source: str, target: str) -> None:
        calls.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "open", noted_open)
    monkeypatch.setattr(os, "fsync", lambda descriptor: calls.append(names[descriptor]))
    monkeypatch.setattr(system, "create_exclusive", noted_create)
    monkeypatch.setattr(system, "rename_no_replace", noted_rename)
    return calls


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="synchronises otherwise")
def test_fsync_has_the_image_on_the_disk_before_its_name(tmp_path: Path, run: Run, log: list[str]) -> None:
    """Else a crash of the machine could leave an empty file under the image's name."""
    sink = DirectorySink(run, "keep", fsync=True)
    assert sink.put(str(tmp_path / "new" / "deep"), "x.jpg", b"data")
    assert log == ["new", tmp_path.name, "image", "rename", "deep"]
    log.clear()
    assert sink.put(str(tmp_path / "new" / "deep"), os.path.join("below", "y.jpg"), b"data")
    assert log == ["deep", "image", "rename", "below"]


def test_nothing_waits_for_the_disk_unasked(tmp_path: Path, run: Run, log: list[str]) -> None:
    assert DirectorySink(run, "overwrite").put(str(tmp_path / "new"), "x.jpg", b"data")
    assert log == ["rename"]


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="synchronises otherwise")
def test_what_cannot_be_synchronised_is_not_written(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OutputError, match="Input/output error"):
        DirectorySink(run, "keep", fsync=True).put(str(tmp_path), "x.jpg", b"data")
    assert os.listdir(tmp_path) == []


# Files that are made bit by bit


@pytest.mark.parametrize("existing", ALL)
def test_a_file_that_is_made(tmp_path: Path, run: Run, existing: Existing) -> None:
    seen: list[str] = []

    def make(path: str) -> None:
        seen.append(path)
        assert os.path.getsize(path) == 0
        assert os.path.basename(path).startswith(PREFIX)
        Path(path).write_bytes(b"whole")

    _old(tmp_path / "y.gif")
    sink = DirectorySink(run, existing, fsync=True)
    assert sink.put_made(str(tmp_path), os.path.join("deep", "x.gif"), make) == (True, 5)
    assert sink.put_made(str(tmp_path), "y.gif", make) == (existing == "overwrite", 5)
    assert (tmp_path / "deep" / "x.gif").read_bytes() == b"whole"
    assert (tmp_path / "y.gif").read_bytes() == (b"whole" if existing == "overwrite" else b"old")
    assert sorted(os.listdir(tmp_path)) == ["deep", "y.gif"]
    assert len(set(seen)) == 2


class _Ends(BaseException):
    """As a run that is cancelled."""


@pytest.mark.parametrize(
    ("error", "raised"),
    [(OSError(errno.ENOSPC, "full"), OutputError), (OutputError("x"), OutputError), (_Ends(), _Ends)],
)
def test_what_making_raises_leaves_nothing(
    tmp_path: Path, run: Run, error: BaseException, raised: type[BaseException]
) -> None:
    def make(path: str) -> None:
        Path(path).write_bytes(b"half")
        raise error

    with pytest.raises(raised):
        DirectorySink(run, "overwrite").put_made(str(tmp_path), "x.gif", make)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_link_under_the_temporary_name_is_not_followed(tmp_path: Path, run: Run) -> None:
    victim = _old(tmp_path / "victim")
    folder = tmp_path / "out"
    folder.mkdir()
    sink = DirectorySink(run, "overwrite")
    (folder / f"{run.prefix(os.getpid())}1").symlink_to(victim)
    with pytest.raises(OutputError):
        sink.put_made(str(folder), "x.gif", lambda path: Path(path).write_bytes(b"new"))
    assert victim.read_bytes() == b"old"


def test_processes_of_several_machines_have_names_of_their_own(run: Run, tmp_path: Path) -> None:
    """Process numbers are one machine's; of all of them it is known to which run they belong."""
    there = run.elsewhere()
    assert there.prefix(7) != run.prefix(7)
    for name in (f"{run.prefix(7)}1", f"{there.prefix(7)}1"):
        assert name.startswith(run.all_prefix)
        assert re.fullmatch(run_module._NAME, name)
        (tmp_path / name).write_bytes(b"")
    remove_temporaries(str(tmp_path), there.prefix(7))
    assert os.listdir(tmp_path) == [f"{run.prefix(7)}1"]


@pytest.mark.parametrize("existing", ALL)
def test_the_start_of_a_run_by_the_clock_of_its_filesystem(tmp_path: Path, existing: Existing) -> None:
    """The monotonic clock of another machine tells nothing."""
    _old(tmp_path / "before.jpg")
    run = Run.begin().by_clock_of(str(tmp_path / "not" / "there"))
    assert sorted(os.listdir(tmp_path)) == ["before.jpg"]
    assert run.written_from == pytest.approx(time.time(), abs=5)
    time.sleep(0.1)
    elsewhere = run._replace(started=run.started + 1e6).elsewhere()
    one, other = DirectorySink(elsewhere, existing), DirectorySink(elsewhere, existing)
    assert one.put(str(tmp_path), "before.jpg", b"new") == (existing == "overwrite")
    assert one.put(str(tmp_path), "x.jpg", b"new")
    with pytest.raises(CollisionError):
        other.put(str(tmp_path), "x.jpg", b"newer")
    assert other.put(str(tmp_path), "x.jpg", b"newer", own=True)


def test_where_nothing_can_be_written_this_machine_tells_the_time() -> None:
    run = Run.begin().by_clock_of("/proc/nothing/here")
    assert run.written_from == pytest.approx(time.time(), abs=5)
