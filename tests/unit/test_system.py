"""Core counts from control groups, renaming without replacing, and how processes end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastdcm import system


@pytest.mark.parametrize(
    ("membership", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "max 100000"}, None),
        ("0::/\n", {"cpu.max": "200000 100000"}, 2),
        ("0::/\n", {"cpu.max": "150000 100000"}, 2),
        ("0::/\n", {"cpu.max": "50000 100000"}, 1),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000"}, 3),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "800000 100000"}, 3),
        ("0::/\n", {"cpu.max": "nonsense"}, None),
        ("0::/\n", {}, None),
        ("4:cpu,cpuacct:/d\n", {"cpu,cpuacct/d/cpu.cfs_quota_us": "400000"}, None),
        (
            "4:cpu,cpuacct:/d\n2:memory:/d\n",
            {"cpu/d/cpu.cfs_quota_us": "400000", "cpu/d/cpu.cfs_period_us": "100000"},
            4,
        ),
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "100", "cpu/cpu.cfs_period_us": "0"}, None),
        ("nonsense\n", {"cpu.max": "100000 100000"}, None),
    ],
)
def test_quota_of_control_groups(
    tmp_path: Path, membership: str, files: dict[str, str], cores: int | None
) -> None:
    (tmp_path / "membership").write_text(membership)
    for name, text in files.items():
        path = tmp_path / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert system._cgroup_quota(str(tmp_path / "fs"), str(tmp_path / "membership")) == cores


def test_no_control_groups_no_quota(tmp_path: Path) -> None:
    assert system._cgroup_quota(str(tmp_path), str(tmp_path / "nothing")) is None


def test_usable_cores_is_a_number_of_cores() -> None:
    assert 1 <= system.usable_cores() <= (os.cpu_count() or 1)


def test_rename_without_replacing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    with pytest.raises(FileExistsError):
        system.rename_no_replace(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "a").read_text() == "a"
    assert (tmp_path / "b").read_text() == "b"
    system.rename_no_replace(str(tmp_path / "a"), str(tmp_path / "c"))
    assert sorted(os.listdir(tmp_path)) == ["b", "c"]
    with pytest.raises(FileNotFoundError):
        system.rename_no_replace(str(tmp_path / "a"), str(tmp_path / "d"))


def test_exchange_swaps_or_does_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    swapped = system.exchange(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "a").read_text() == ("b" if swapped else "a")
    assert (tmp_path / "b").read_text() == ("a" if swapped else "b")


def test_create_exclusive(tmp_path: Path) -> None:
    os.close(system.create_exclusive(str(tmp_path / "a")))
    with pytest.raises(FileExistsError):
        system.create_exclusive(str(tmp_path / "a"))


def test_read_at_reads_up_to_the_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    descriptor = os.open(tmp_path / "a", os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        assert system.read_at(descriptor, 3, 4) == b"3456"
        assert system.read_at(descriptor, 8, 4) == b"89"
        assert system.read_at(descriptor, 20, 4) == b""
        assert system.read_at(descriptor, 0, 0) == b""
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("status", "words"), [(0, "ended with status 0"), (3, "ended with status 3"), (-999, "signal 999")]
)
def test_how_a_process_ended(status: int, words: str) -> None:
    assert words in system.describe_exit(status)


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_signals_have_names() -> None:
    assert "SIGSEGV" in system.describe_exit(-11)
    assert "out of memory?" in system.describe_exit(-9)


def test_this_process_is_alive() -> None:
    assert system.is_alive(os.getpid())
    assert not system.is_alive(0)
    assert not system.is_alive(-1)
    assert not system.is_alive(2**22 + 12345)


def test_a_large_log_is_emptied(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        log.write(b"x" * 100)
        log.flush()
        system.empty_when_large(log.fileno(), 100)
        assert (tmp_path / "log").stat().st_size == 100
        system.empty_when_large(log.fileno(), 99)
        os.write(log.fileno(), b"next")
    assert (tmp_path / "log").read_bytes() == b"next"
    with (tmp_path / "log").open("r+b") as log:
        log.write(b"kept and dropped")
        log.flush()
        system.empty_when_large(log.fileno(), 10, keep=4)
        os.write(log.fileno(), b"!")
    assert (tmp_path / "log").read_bytes() == b"kept!"
    system.empty_when_large(10**6, 1)


def test_leaving_loses_nothing_that_was_written() -> None:
    """Both streams are pipes here, so that Python keeps what is written until it is flushed."""
    code = (
        "import atexit, sys; from fastdcm import system\n"
        "atexit.register(print, 'taken apart')\n"
        "sys.stdout.write('out'); sys.stderr.write('err'); system.leave(7)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "out", "err")


def test_leaving_is_left_to_python_where_the_reader_is_gone() -> None:
    code = (
        "import os, sys; from fastdcm import system\n"
        "reader, writer = os.pipe(); os.close(reader); sys.stdout = os.fdopen(writer, 'w')\n"
        "sys.stdout.write('lost'); system.leave(0); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9


def test_what_will_be_needed_need_not_be_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    for name in ("file", "missing", "", "nul\0"):
        system.will_need(str(tmp_path / name), 1 << 20)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        system.will_need(str(tmp_path / "pipe"), 1 << 20)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel what is in memory")
def test_what_will_be_needed_is_fetched(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(1 << 20))
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        before = system.blocks_read()
        system.will_need(str(path), 1 << 20)
        fetched = system.blocks_read() - before
        file.read()
    if fetched == 0:
        pytest.skip("this filesystem is in memory")
    assert system.blocks_read() - before == fetched == (1 << 20) // 512


def test_a_lock_is_one_holders_until_it_is_closed(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    first = system.try_lock(path)
    assert first is not None
    assert system.try_lock(path) is None
    os.close(first)
    second = system.try_lock(path)
    assert second is not None
    os.close(second)
    assert system.try_lock(str(tmp_path / "nowhere" / "lock")) is None


@pytest.mark.skipif(sys.platform == "win32", reason="kills by a signal")
def test_a_lock_is_gone_with_its_holder(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    code = (
        "import os; from fastdcm import system\n"
        f"assert system.try_lock({path!r}) is not None; os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    lock = system.try_lock(path)
    assert lock is not None
    os.close(lock)
