"""Who does the same work, a module each with the same three names.

``label`` is how the report calls it. ``available()`` says which version is there, or how to get it; it
imports what `convert` needs. ``convert(source, target, format)`` makes an image file of every frame of
every file in the folder ``source``, with the window of the file: ``format`` "jpeg" at quality 90, or
"png", anywhere below the folder ``target``, which is empty. Whoever cannot do that raises
`UnsupportedJobError`, in words.

Each runs in a process of its own (``python -m benches.peers NAME``), so that none profits or suffers from
what another one has imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, cast

QUALITY = 90
Kind = Literal["library", "command", "server"]

#: The modules, in the order of the report; the first two are our own.
NAMES = (
    "fastdcm_worker",
    "fastdcm_command",
    "dicomsdl_opencv",
    "dcm2jpg",
    "pydicom_pillow",
    "pydicom_documented",
    "simpleitk",
    "python_gdcm",
    "dicom2jpg",
    "orthanc",
    "dcmj2pnm",
)


class Present(NamedTuple):
    """``kind`` tells whether the start of a program is part of what `convert` takes."""

    version: str
    kind: Kind = "library"


class Absent(NamedTuple):
    """``how`` to get it."""

    how: str


class UnsupportedJobError(Exception):
    """The peer cannot do this job; the message says why."""


class Peer(Protocol):
    """What a module has."""

    label: str

    def available(self) -> Present | Absent: ...

    def convert(self, source: str, target: str, format: str) -> None: ...


def load(name: str) -> Peer:
    """The module of a name."""
    return cast("Peer", import_module(f"benches.peers.{name}"))


def files_of(source: str) -> Iterator[tuple[str, str]]:
    """Path and name, without its extension, of each file of a folder."""
    for name in sorted(os.listdir(source)):
        yield os.path.join(source, name), os.path.splitext(name)[0]


def frame_suffixes(frames: int) -> list[str]:
    """What is added to the name of each frame's file."""
    return [""] if frames == 1 else [f"_{number:04}" for number in range(1, frames + 1)]


def find_command(name: str, variable: str = "") -> str | None:
    """The path of a command: that of an environment variable, or the first of PATH, but none of our
    environment.

    The wheel of python-gdcm brings commands of GDCM's, which are not those of the system.
    """
    if variable and (named := os.environ.get(variable)):
        return named
    own = Path(sys.executable).parent
    for place in os.get_exec_path():
        found = Path(place) / name
        if Path(place) != own and found.is_file() and os.access(found, os.X_OK):
            return str(found)
    return None


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """What a command prints; `UnsupportedJobError` with the end of what it said, where it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=environment
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise UnsupportedJobError(said[-1][:200] if said else f"ended with {done.returncode}")
    return done.stdout


def first_line(command: Sequence[str]) -> str:
    """The first line that a command says."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip("$ ") if lines else ""
