"""Which operand is the output, and the command that was meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fastdcm.cli.operands import split_operands
from fastdcm.errors import OptionError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``a.dcm IM b.jpg in/x empty/ images/y.jpg pics.jpg/x``, as the current folder."""
    for name in ("in/x", "images/y.jpg", "pics.jpg/x", "a.dcm", "IM", "b.jpg", "empty/below/z.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "new").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("operands", "output", "expected"),
    [
        (["a.dcm"], None, (["a.dcm"], None)),
        (["a.dcm", "out.jpg"], None, (["a.dcm"], "out.jpg")),
        (["a.dcm", "out.PNG"], None, (["a.dcm"], "out.PNG")),
        (["a.dcm", "b.jpg"], None, (["a.dcm"], "b.jpg")),
        (["missing.dcm", "out.jpg"], None, (["missing.dcm"], "out.jpg")),
        (["a.dcm", "IM"], None, (["a.dcm", "IM"], None)),
        (["a.dcm", "in"], None, (["a.dcm", "in"], None)),
        (["a.dcm", "missing.dcm"], None, (["a.dcm", "missing.dcm"], None)),
        (["a.dcm", "pics.jpg"], None, (["a.dcm", "pics.jpg"], None)),
        (["a.dcm", "IM", "b.jpg"], None, (["a.dcm", "IM", "b.jpg"], None)),
        (["a.dcm", "nothing"], "out", (["a.dcm", "nothing"], "out")),
        (["nothing"], None, (["nothing"], None)),
    ],
)
def test_operands(operands: list[str], output: str | None, expected: object) -> None:
    assert split_operands(operands, output) == expected


@pytest.mark.parametrize(
    ("operands", "meant"),
    [
        (["a.dcm", "nothing"], "fastdcm convert a.dcm -o nothing"),
        (["in", "nothing"], "fastdcm convert in -o nothing"),
        (["in", "new"], "fastdcm convert in -o new"),
        (["in", "images"], "fastdcm convert in -o images"),
        (["in", "empty"], "fastdcm convert in -o empty"),
        (["a.dcm", "a b"], "fastdcm convert a.dcm -o 'a b'"),
        (["a.dcm", "IM", "in", "nothing"], "fastdcm convert a.dcm IM ... -o nothing"),
        (["in", "x.jpg"], "fastdcm convert in -o FOLDER"),
        (["a.dcm", "IM", "x.jpg"], "fastdcm convert a.dcm IM -o FOLDER"),
    ],
)
def test_what_can_only_be_an_output_is_a_usage_error(operands: list[str], meant: str) -> None:
    with pytest.raises(OptionError, match=re.escape(meant) + "$"):
        split_operands(operands, None)
