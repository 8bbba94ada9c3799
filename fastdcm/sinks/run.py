"""The names of one run's temporary files, and the removal of those that dead runs left.

``.fastdcm-MACHINE-PID-TIME-WORKER-NUMBER``: MACHINE and PID are those of the process that the run
was started in, WORKER is the process that writes.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import NamedTuple

from fastdcm import system

PREFIX = ".fastdcm-"
#: Nobody's temporary file lives longer: it is written in one go.
_STALE_SECONDS = 24 * 3600.0
#: Names of a folder that are kept at most.
_MANY = 10_000
_NAME = r"\.fastdcm-([0-9a-f]{8})-(\d+)-[0-9a-f]+-\d+-\d+"
#: Workers need longer than this to start, so that no output of the run is older; it covers the
#: coarse clock of file times (10 ms on Linux).
_HEAD_START = 0.02


#: Whether what is at a path, and was changed then (seconds since 1970), may be replaced; raises
#: `CollisionError` where it is another input's.
Claims = Callable[[str, float], bool]


class Run(NamedTuple):
    """One run: ``tag`` names its temporary files, ``started`` is its start on `time.monotonic`.

    The monotonic clock is one for all processes of a machine on Linux, macOS and Windows. ``written_from`` is
    the start on the clock of the outputs' filesystem, where processes of several machines write there;
    ``machine`` is the one that this process is on, where it is not that of the run.
    """

    tag: str
    started: float
    written_from: float | None = None
    machine: str = ""

    @classmethod
    def begin(cls) -> Run:
        """A run that starts now, in this process."""
        tag = f"{system.machine_tag()}-{os.getpid()}-{time.time_ns():x}"
        return cls(tag, time.monotonic() + _HEAD_START)

    def by_clock_of(self, folder: str) -> Run:
        """The same for processes of several machines, that write into ``folder`` or below.

        The clock is that of the filesystem; where nothing can be written there, which each output will meet,
        this machine's.
        """
        while folder and not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        probe = os.path.join(folder, f"{self.prefix(os.getpid())}0")
        try:
            os.close(system.create_exclusive(probe))
            begun = os.lstat(probe).st_mtime
        except OSError:
            begun = time.time()
        finally:
            _remove(probe)
        return self._replace(written_from=begun + _HEAD_START)

    def elsewhere(self) -> Run:
        """The same for processes of this machine, where it was begun on another one.

        A process number is one machine's, so that the names of temporary files have this one's, too.
        """
        return self._replace(machine=system.machine_tag())

    @property
    def all_prefix(self) -> str:
        """How the temporary files begin that any process of the run writes, on any machine."""
        return PREFIX + self.tag

    def prefix(self, pid: int) -> str:
        """How the temporary files begin that the process ``pid`` of this machine writes."""
        return f"{PREFIX}{self.tag}{self.machine}-{pid}-"


def remove_temporaries(folder: str, prefix: str) -> None:
    """Remove the files of a folder that begin with ``prefix``, as far as that is possible."""
    for name in _temporaries(folder):
        if name.startswith(prefix):
            _remove(os.path.join(folder, name))


def remove_stale(folder: str) -> frozenset[str] | None:
    """Remove the temporary files of runs that are no more, and give the names of all other files.

    None where these are many, or cannot be told.
    """
    names: set[str] = set()
    count = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                count += 1
                if name.startswith(PREFIX):
                    path = os.path.join(folder, name)
                    if (found := re.fullmatch(_NAME, name)) and is_stale(path, found[1], int(found[2])):
                        _remove(path)
                elif count <= _MANY:
                    names.add(name)
    except FileNotFoundError:
        return frozenset()
    except OSError:
        return None
    return frozenset(names) if count <= _MANY else None


def _temporaries(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.name.startswith(PREFIX)]
    except OSError:
        return []


def is_stale(path: str, machine: str, pid: int) -> bool:
    """Whether a temporary file or folder is of a run that is no more: its process ended, or a day passed."""
    if machine == system.machine_tag() and not system.is_alive(pid):
        return True
    try:
        return time.time() - os.lstat(path).st_mtime > _STALE_SECONDS
    except OSError:
        return False


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return  # gone already, or not ours to remove
