"""dcmj2pnm of DCMTK, which takes one file: a process each."""

from __future__ import annotations

import os
from collections.abc import Sequence

from benches.peers import (
    QUALITY,
    Absent,
    Present,
    UnsupportedJobError,
    files_of,
    find_command,
    first_line,
    run,
)

label = "dcmj2pnm (DCMTK)"


def available() -> Present | Absent:
    found = find_command("dcmj2pnm", "DCMJ2PNM")
    if found is None:
        return Absent("apt install dcmtk, or brew install dcmtk")
    return Present(first_line([found, "--version"]).replace("dcmtk: dcmj2pnm ", ""), "command")


def command(
    program: str,
    path: str,
    output: str,
    format: str,
    *,
    windowed: bool,
    frames: Sequence[str] = ("--all-frames",),
    others: Sequence[str] = (),
) -> list[str]:
    """One file, all frames, the file's first window where it has one; chroma as everybody else has it."""
    kind = (
        ["--write-png"]
        if format == "png"
        else ["--write-jpeg", "--compr-quality", str(QUALITY), "--sample-411"]
    )
    return [
        program,
        *kind,
        "--no-overlays",
        *frames,
        *(["--use-window", "1"] if windowed else []),
        *others,
        path,
        output,
    ]


def convert(source: str, target: str, format: str) -> None:
    program = find_command("dcmj2pnm", "DCMJ2PNM")
    assert program is not None
    windowed = True
    for path, stem in files_of(source):
        output = os.path.join(target, stem)
        try:
            run(command(program, path, output, format, windowed=windowed))
        except UnsupportedJobError as error:
            if not windowed or "VOI window" not in str(error):
                raise
            windowed = False  # colour has none, and so have the other files of the folder
            run(command(program, path, output, format, windowed=False))
