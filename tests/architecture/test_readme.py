"""What README says of the program is true."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from fastdcm.options import FORMATS
from tests.conftest import ROOT
from tests.support_table import README, with_table


def readme() -> str:
    return README.read_text(encoding="utf-8")


def test_support_table_is_that_of_the_codecs() -> None:
    assert readme() == with_table(readme()), "run: python -m tests.support_table"


def test_python_example_runs(pydicom_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scans").mkdir()
    for place in ("scan.dcm", "scans/1.dcm"):
        shutil.copy(pydicom_files / "CT_small.dcm", tmp_path / place)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec("".join(re.findall(r"```python\n(.*?)```", readme(), re.DOTALL)), names)
    assert names["hounsfield"].shape == names["grey"].shape == names["stored"].shape == (128, 128)
    assert (tmp_path / "images" / "1.jpg").read_bytes().startswith(b"\xff\xd8")
    assert names["jpeg"].startswith(b"\xff\xd8")
    assert names["report"].converted == 1


def test_command_line_options_are_there() -> None:
    from click.testing import CliRunner

    from fastdcm.cli import cli

    option = r"(?<![\w-])--[a-z][a-z-]+"
    shown = "".join(CliRunner().invoke(cli, [name, "--help"]).output for name in ("convert", "get"))
    assert set(re.findall(option, readme())) <= {*re.findall(option, shown), "--json", "--table"}


def test_table_of_formats_is_that_of_the_options() -> None:
    lines = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8").splitlines()
    cells = [line.strip("|").split("|") for line in lines if line.startswith("| ")]
    rows = {row[0].strip(): row for row in cells if len(row) == 7}
    for holds in FORMATS.values():
        title, names, bits, lossless, quality, frames, profile = (cell.strip() for cell in rows[holds.title])
        assert title == holds.title
        assert names == " ".join(f"`{name}`" for name in holds.names)
        assert bits == ("8, 16" if holds.deep else "8")
        assert lossless == holds.lossless
        assert bool(quality) is bool(holds.quality)
        assert frames == ("all" if holds.frames else "1")
        assert profile.partition(",")[0] == ("yes" if holds.profile else "no")


def test_files_that_are_named_exist() -> None:
    texts = [*(ROOT / "fastdcm").rglob("*.py"), *ROOT.glob("*.md")]
    named = {
        place
        for text in texts
        for place in re.findall(r"\b(?:benches|tests)/[\w/]+\.py", text.read_text(encoding="utf-8"))
    }
    assert named
    assert [place for place in sorted(named) if not (ROOT / place).is_file()] == []
