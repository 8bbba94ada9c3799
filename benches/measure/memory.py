"""The most memory that a run takes, of the parent and of its largest worker, as the run gets longer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from benches.corpus import Case
from benches.measure.children import empty_folder, run_module


def of_files(case: Case, counts: list[int], folder: Path) -> dict[str, Any]:
    """One worker, so many files."""
    points = []
    for count in counts:
        with empty_folder(folder) as target:
            found = run_module("benches.measure.conversion", case.of(count), target, "1")
        points.append(
            {"files": count, "parent": found.get("parent peak"), "worker": found.get("worker peak")}
        )
    return {"case": case.id, "points": points}


def of_frames(frames: int, folder: Path) -> dict[str, Any]:
    """One object of so many frames of 64 x 64, one worker."""
    from benches.measure.frames import native

    place = folder / f"frames-{frames}"
    place.mkdir(exist_ok=True)
    native(place / "object.dcm", frames, 64)
    with empty_folder(folder) as target:
        found = run_module("benches.measure.conversion", str(place), target, "1")
    shutil.rmtree(place)
    return {"frames": frames, "parent": found.get("parent peak"), "worker": found.get("worker peak")}
