"""The tables of docs/switching.md, as the tests run them."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "switching.md"
#: What stands in the middle column in place of a command line.
DEFAULT, ABSENT = "(the default)", "absent"


class Row(NamedTuple):
    """Command lines of the other program, and ours, `DEFAULT` or `ABSENT`; what differs, in words."""

    theirs: tuple[str, ...]
    ours: str
    differs: str

    @property
    def key(self) -> str:
        """The first code of the first cell, by which a test knows the row; of their default with ours."""
        return self.theirs[0] if self.theirs[0] != DEFAULT else f"{DEFAULT} {self.ours}"

    @property
    def arguments(self) -> list[str]:
        """Ours, without ``fastdcm``."""
        words = [] if self.ours == DEFAULT else shlex.split(self.ours)
        return words[1:] if words[:1] == ["fastdcm"] else words


def rows(name: str) -> list[Row]:
    """The rows between ``<!-- name -->`` and its end."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert found is not None, name
    return [_row(line) for line in found[1].strip().splitlines()[2:]]


def _row(line: str) -> Row:
    cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
    cells += [""] * (3 - len(cells))
    theirs, ours, differs = cells
    codes = tuple(re.findall(r"`([^`]+)`", theirs)) or (theirs,)
    return Row(codes, ours.strip("`"), differs.strip(" |"))


def rows_by_key(name: str) -> dict[str, Row]:
    """The same by `Row.key`, which must tell them apart."""
    found = rows(name)
    assert len({row.key for row in found}) == len(found)
    return {row.key: row for row in found}
