"""A full or read-only target, and a source that goes away: said clearly, and gone on from."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.resume.kills import digests, make_inputs
from tests.scaling.obstacles import OBSTACLES, convert, mounted, refused, told


def _may_mount(place: Path) -> bool:
    try:
        with mounted(place / "probe", "size=1m"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@pytest.mark.skipif(shutil.which("mount") is None, reason="mounts filesystems")
@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_obstacles_are_told_and_gone_on_from(obstacle: str, tmp_path: Path) -> None:
    if "target" in obstacle and not _may_mount(tmp_path):
        pytest.skip("mounting filesystems needs root")
    source = tmp_path / "in"
    make_inputs(source, 400)
    convert(source, tmp_path / "expected")

    met = OBSTACLES[obstacle](tmp_path, source, digests(tmp_path / "expected"))

    assert met.right, "\n".join(told(met))
    if "target" in obstacle:  # others would meet the same: the run has not tried them all
        assert any(line.startswith("stopped after") for line in met.first.lines)
        assert any("--resume goes on" in line for line in met.first.lines)


@pytest.mark.skipif(shutil.which("mount") is None, reason="mounts filesystems")
def test_what_takes_nothing_at_all(tmp_path: Path) -> None:
    if not _may_mount(tmp_path):
        pytest.skip("mounting filesystems needs root")
    make_inputs(tmp_path / "in", 3)
    for obstacle, ended in refused(tmp_path, tmp_path / "in").items():
        assert ended.status == 1, (obstacle, ended.lines)
        assert any("Read-only file system" in line for line in ended.lines), (obstacle, ended.lines)
        assert not any("Usage" in line for line in ended.lines), (obstacle, ended.lines)
