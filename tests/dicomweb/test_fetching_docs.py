"""What docs/fetching.md says is true."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.dicomweb.archive import Archive

TEXT = (ROOT / "docs" / "fetching.md").read_text(encoding="utf-8")


def test_the_example_runs(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOKEN", "geheim")
    one = archive.add("rtdose.dcm", series="4.5.6")
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    code = code.replace("https://server/dicom-web", archive.url).replace('"7.8.9"', repr(one.uids[2]))
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["hounsfield"].shape == (10, 10)
    assert (len(names["image"]), names["indexes"]) == (2, (0, 1))
    assert capsys.readouterr().out == "4.5.6\nrendered \n"
    assert {asked.headers["authorization"] for asked in archive.requests} == {"Bearer geheim"}


def test_options_are_there() -> None:
    from click.testing import CliRunner

    from fastdcm.cli import cli

    shown = CliRunner().invoke(cli, ["get", "--help"]).output
    option = r"(?<![\w-])--[a-z][a-z-]+"
    named = set(re.findall(option, TEXT))
    assert len(named) > 15
    assert named <= set(re.findall(option, shown))
