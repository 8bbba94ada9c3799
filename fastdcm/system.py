"""What differs between operating systems, each call with its fall-back.

Nothing else in the package calls what exists on one platform only.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from contextlib import suppress
from functools import cache
from typing import Any, BinaryIO, cast


def usable_cores() -> int:
    """Cores that this process may use: by affinity and by the quota of its control group."""
    if sys.platform == "linux":
        cores = len(os.sched_getaffinity(0))
        quota = _cgroup_quota()
        return cores if quota is None else max(1, min(cores, quota))
    return os.cpu_count() or 1


def _cgroup_quota(root: str = "/sys/fs/cgroup", membership: str = "/proc/self/cgroup") -> int | None:
    """Cores by the tightest CPU quota among the process's groups, rounded up; None without one."""
    try:
        with open(membership, encoding="utf-8") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except (OSError, UnicodeDecodeError):
        return None
    quotas = []
    for line in lines:
        if len(line) != 3:
            continue
        _, controllers, path = line
        if controllers == "":
            quotas += [_quota_v2(folder) for folder in _upwards(root, path)]
        elif "cpu" in controllers.split(","):
            for mount in ("cpu", controllers):
                quotas += [_quota_v1(folder) for folder in _upwards(f"{root}/{mount}", path)]
    known = [quota for quota in quotas if quota is not None]
    return -int(-min(known) // 1) if known else None


def _upwards(root: str, path: str) -> list[str]:
    """The folders of a control group and of all that contain it."""
    parts = [part for part in path.split("/") if part]
    return ["/".join([root, *parts[:length]]) for length in range(len(parts), -1, -1)]


def _quota_v2(folder: str) -> float | None:
    try:
        with open(f"{folder}/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(folder: str) -> float | None:
    try:
        with open(f"{folder}/cpu.cfs_quota_us", encoding="ascii") as file:
            quota = int(file.read())
        with open(f"{folder}/cpu.cfs_period_us", encoding="ascii") as file:
            period = int(file.read())
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def own_process_group() -> dict[str, Any]:
    """Arguments of `subprocess.Popen` that keep a terminal's Ctrl-C from the child."""
    if sys.platform == "win32":
        import subprocess

        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}


def own_session() -> dict[str, Any]:
    """The same as `own_process_group`, in arguments that every event loop takes."""
    return own_process_group() if sys.platform == "win32" else {"start_new_session": True}


def leave(status: int) -> None:
    """End the process with what it wrote, and without taking the interpreter apart.

    That would cost as much time as the conversion of some dozen images. Returns where something
    cannot be written, for the interpreter to deal with.
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return
    os._exit(status)


def describe_exit(returncode: int) -> str:
    """How a process ended, in words: the signal's name where one ended it."""
    if returncode >= 0:
        return f"ended with status {returncode}"
    import signal

    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


def is_alive(pid: int) -> bool:
    """Whether a process of this number exists on this machine."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        # os.kill(pid, 0) would end the process here
        import ctypes

        query_limited_information = 0x1000
        handle = ctypes.windll.kernel32.OpenProcess(query_limited_information, False, pid)
        if handle:
            ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def machine_tag() -> str:
    """A short name of this machine and process namespace: what makes a process number unique."""
    if sys.platform == "win32":
        text = os.environ.get("COMPUTERNAME", "")
    else:
        text = os.uname().nodename
        with suppress(OSError):
            text += os.readlink("/proc/self/ns/pid")
    # By the largest prime of 32 bits the remainder tells names apart as a checksum does, without a library.
    return f"{int.from_bytes(text.encode('utf-8', 'surrogateescape')) % 4_294_967_291:08x}"


def create_exclusive(path: str) -> int:
    """A file descriptor of a file that did not exist before; `FileExistsError` otherwise."""
    return os.open(path, _EXCLUSIVE, 0o666)


_EXCLUSIVE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
for _name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NOINHERIT"):
    _EXCLUSIVE |= getattr(os, _name, 0)


def try_lock(path: str) -> int | None:
    """The descriptor of a file that is locked until it is closed; None where somebody else has locked it.

    None as well where there is no such place to write to.
    """
    try:
        descriptor = os.open(path, _LOCKED, 0o600)
    except OSError:
        return None
    try:
        _lock(descriptor)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked_by_others(descriptor: int) -> bool:
    """Lock an open file until it is closed; whether somebody else has, as far as its filesystem tells."""
    try:
        if sys.platform == "win32":
            # What is locked there nobody can read: a byte far behind the end.
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        _lock(descriptor)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return False


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_LOCKED_BYTE = 0xFF_FFFF_FF00
_LOCKED = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


def unnamed_file() -> BinaryIO:
    """A file for this process and its children that no folder shows, for its owner to close.

    Raises `OSError`.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # a kernel, or a sandbox, without
            return cast(BinaryIO, open(os.memfd_create("fastdcm"), "w+b", buffering=0))
    import tempfile

    return cast(BinaryIO, tempfile.TemporaryFile(buffering=0))


def sync_file(descriptor: int) -> None:
    """Have an open file's contents on the disk. Raises `OSError`."""
    if sys.platform == "darwin":
        import fcntl

        # fsync hands them to the drive there, which may keep them in its memory (fsync(2))
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_folder(folder: str) -> None:
    """Have the names in a folder on the disk, where the system and the filesystem know how."""
    if sys.platform == "win32":
        return  # folders cannot be opened; NTFS keeps a journal of names
    descriptor = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # EINVAL: a filesystem without
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename_no_replace(source: str, target: str) -> None:
    """Rename, or raise `FileExistsError` and change nothing where ``target`` exists.

    Atomic on Linux, on Windows, and wherever there are hard links; elsewhere a check and a rename.
    """
    if sys.platform == "win32":
        os.rename(source, target)
        return
    if _renameat2(source, target, _RENAME_NOREPLACE):
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # no hard links on this filesystem (FAT, some network shares)
        if os.path.lexists(target):
            raise FileExistsError(17, "File exists", target) from None
        os.rename(source, target)
    else:
        os.unlink(source)


def exchange(first: str, second: str) -> bool:
    """Swap two existing files atomically; False where the system cannot, and nothing changed."""
    return _renameat2(first, second, _RENAME_EXCHANGE)


_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100


def _renameat2(source: str, target: str, flag: int) -> bool:
    """Linux's renameat2: True when done, False when it is not to be had; errors as `OSError`."""
    function = _renameat2_function()
    if function is None:
        return False
    if function(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flag) == 0:
        return True
    import ctypes
    import errno

    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP):
        return False
    raise OSError(number, os.strerror(number), source, None, target)


@cache
def _renameat2_function() -> Any:
    """The C library's function, None where it has none."""
    if sys.platform != "linux":
        return None
    import ctypes

    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is not None:
        function.argtypes = ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint
    return function


def empty_when_large(descriptor: int, limit: int, keep: int = 0) -> None:
    """Drop an open log file's contents behind the first ``keep`` bytes, once it has more than ``limit``."""
    try:
        if os.fstat(descriptor).st_size > limit:
            os.ftruncate(descriptor, keep)
            os.lseek(descriptor, keep, os.SEEK_SET)
    except OSError:
        return


def blocks_read() -> int:
    """How often this process had to wait for a disk or a server to read; 0 where nobody counts."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_inblock


def will_need(path: str, length: int, offset: int = 0) -> None:
    """Have the system fetch bytes of a file, in the background, where it can."""
    if sys.platform != "linux":
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError):
        return  # whoever opens it in earnest will say why
    try:
        with suppress(OSError):  # a pipe
            os.posix_fadvise(descriptor, offset, length, os.POSIX_FADV_WILLNEED)
    finally:
        os.close(descriptor)


#: mallopt(3), and what it is set to: glibc takes no larger threshold than the first, and a process keeps
#: no more free memory at the end of its heap than the second.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_HEAP_BLOCK, _KEPT_FREE = 32 << 20, 128 << 20


def keep_freed_memory() -> bool:
    """Let this process keep what it frees for what it needs next; False where its C library has no such knob.

    By itself glibc hands back a frame's megabytes after each frame, and every page of the next one's is
    fetched and zeroed anew, which can cost as much as decoding it (benches/bench_workers.py). Where it is
    kept, decoders gain nothing by an array that is used again (benches/decoder_outputs.py).
    """
    if sys.platform != "linux":
        return False
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(
        mallopt(name, value)
        for name, value in ((_M_MMAP_THRESHOLD, _HEAP_BLOCK), (_M_TRIM_THRESHOLD, _KEPT_FREE))
    )


_SEEK_LOCK = threading.Lock()


def read_at(descriptor: int, offset: int, length: int) -> bytes:
    """Bytes of an open file from ``offset``, fewer at its end; threads may share the descriptor.

    Raises `OSError`.
    """
    parts: list[bytes] = []
    while length > 0:
        if sys.platform == "win32":
            with _SEEK_LOCK:
                os.lseek(descriptor, offset, os.SEEK_SET)
                data = os.read(descriptor, length)
        else:
            data = os.pread(descriptor, length, offset)
        if not data:
            break
        parts.append(data)
        offset += len(data)
        length -= len(data)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_into(descriptor: int, offset: int, buffer: memoryview) -> int:
    """`read_at` into memory that is there already; how many bytes were read. Raises `OSError`."""
    if sys.platform == "win32" or not hasattr(os, "preadv"):
        data = read_at(descriptor, offset, len(buffer))
        buffer[: len(data)] = data
        return len(data)
    done = 0
    while done < len(buffer):
        count = os.preadv(descriptor, [buffer[done:]], offset + done)
        if not count:
            break
        done += count
    return done


def open_beneath(root: str, path: str) -> int:
    """A descriptor to read the regular file at ``path``, with slashes, below the folder ``root``.

    No link on the way is followed, and nothing outside of the folder is reached, whatever is put into it in
    the meantime. Raises `OSError`; ``ELOOP`` or ``ENOTDIR`` tell of links.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise OSError(errno.EINVAL, "no path of a file in a folder")
    if os.open in os.supports_dir_fd:
        folder = os.open(root, _FOLDER)
        try:
            for part in parts[:-1]:
                inner = os.open(part, _FOLDER | _NO_LINK, dir_fd=folder)
                os.close(folder)
                folder = inner
            descriptor = os.open(parts[-1], _READ | _NO_LINK, dir_fd=folder)
        finally:
            os.close(folder)
    else:
        # What is here is looked at before it is opened: who may write to the folder could be quicker.
        place = os.path.realpath(os.path.join(root, *parts))
        if os.path.normcase(place) != os.path.normcase(os.path.join(os.path.realpath(root), *parts)):
            raise OSError(errno.ELOOP, "a link is on the way")
        descriptor = os.open(place, _READ)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no regular file")
    return descriptor


#: A pipe that nobody writes to must not keep us waiting.
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
