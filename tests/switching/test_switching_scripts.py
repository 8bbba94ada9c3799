"""The scripts of docs/switching.md run, as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.switching.sources import made
from tests.switching.table import PAGE

pytestmark = pytest.mark.filterwarnings("ignore")
SCRIPTS = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0].split("\n\n")

#: The comment of a script -> the files that it makes.
MAKES = {
    "beside each file": {"scans/a.dcm.jpg", "scans/below/b.jpg"},
    "a folder to a folder": {"out/a.png", "out/below/b.png"},
    "a lung window": {"out/a.jpg"},
    "the first window": {"out/a.jpg", "out/b.jpg"},
    "thumbnails": {"thumbnails/a.jpg", "thumbnails/below/b.jpg"},
    "whether anything failed": {"out/a.jpg", "out/below/b.jpg"},
}


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.splitlines()[0])
def test_script(script: str, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    (scans / "below").mkdir(parents=True)
    for name in ("a.dcm", "below/b"):
        shutil.copy(made("gray", tmp_path / "made"), scans / name)
    program = tmp_path / "fastdcm"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fastdcm "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (line,) = (line for line in script.splitlines() if "fastdcm convert" in line)
    line = line.replace("fastdcm convert", f"{program} convert")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stdout
    made_files = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    comment = script.splitlines()[0]
    expected = next(files for words, files in MAKES.items() if words in comment)
    assert {path.relative_to(tmp_path).as_posix() for path in made_files} == expected
    for path in made_files:
        with Image.open(path) as image:
            assert image.size == ((128, 79) if "thumbnails" in line else (484, 300))
