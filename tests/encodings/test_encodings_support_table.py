"""docs/support.md says what is true, and leaves no cell that the codec table promises without a test."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from fastdcm.cli import cli
from fastdcm.codecs.table import LIBRARIES, SYNTAXES, Syntax
from tests.conftest import ROOT
from tests.support_table import BITS, COLOURS, SUPPORT, Cell, cells, committed, ending, grouped, short


def test_support_table_is_true() -> None:
    """In a process of its own: pytest collects the tests there."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support_table", "--check"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, f"run: python -m tests.support_table {done.stderr.decode()[-2000:]}"


@pytest.mark.parametrize(
    ("image", "columns"),
    [
        ((1, "MONOCHROME2"), {"1 bit", "gray"}),
        ((2, "MONOCHROME1"), {"2–8", "gray"}),
        ((8, "PALETTE COLOR"), {"2–8", "palette"}),
        ((9, "RGB"), {"9–16", "RGB"}),
        ((16, "YBR_FULL_422"), {"9–16", "YBR"}),
        ((17, "YBR_RCT"), {"17–64", "YBR"}),
        ((64, "MONOCHROME2"), {"17–64", "gray"}),
        (("float", "MONOCHROME2"), {"float", "gray"}),
    ],
)
def test_columns(image: tuple[int | str, str], columns: set[str]) -> None:
    assert cells("1.2", *image) == {Cell("1.2", column) for column in columns}
    assert columns <= {*BITS, *COLOURS}


def test_every_syntax_is_there_by_its_name_or_refused() -> None:
    rows, refused = SUPPORT.read_text(encoding="utf-8").split("Refused, by name:")
    for syntax in SYNTAXES.values():
        if not syntax.supported:
            assert re.search(re.escape(ending(syntax)) + r"[,)]", refused), syntax.uid
    for row in grouped():
        uids = re.escape(" ".join(ending(syntax) or "(none)" for syntax in row))
        assert re.search(rf"^\| {re.escape(short(row[0]))} \| {uids} \|", rows, re.MULTILINE)


def test_doctor_shows_the_same() -> None:
    shown = CliRunner().invoke(cli, ["doctor", "--table"]).output.splitlines()
    assert len(shown) == len(SYNTAXES)
    for line, syntax in zip(shown, SYNTAXES.values(), strict=True):
        assert line.split("  ")[0] == syntax.uid
        assert syntax.name in line
        if syntax.supported:
            assert syntax.carries in line
            assert line.endswith(LIBRARIES[syntax.family])
        else:
            assert line.endswith("not supported")


PROMISES = {
    r"\b1\b": ("1 bit",),
    r"\b8\b|[12] to": ("2–8",),
    r"\b12\b|\b16\b|10 bits": ("9–16",),
    r"\b32\b|\b64\b": ("17–64",),
    "float": ("float",),
    "gray": ("gray",),
    "palette": ("palette",),
    "colour": ("RGB", "YBR"),
}


@pytest.mark.parametrize(
    "row", [row for row in grouped() if row[0].family != "video"], ids=lambda row: row[0].uid
)
def test_what_the_codec_table_promises_is_tested(row: list[Syntax]) -> None:
    """ "8 bits; gray, palette, colour" and the like, against the cells; and the reverse."""
    counts = committed(SUPPORT.read_text(encoding="utf-8")).tests
    if row[0].carries.startswith("what"):
        return
    for words, columns in PROMISES.items():
        found = [column for column in columns if counts[Cell(row[0].uid, column)]]
        assert bool(found) == bool(re.search(words, row[0].carries)), f"{row[0].carries}: {columns}"
