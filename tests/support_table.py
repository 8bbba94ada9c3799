"""README's table of transfer syntaxes from the codec table: ``python -m tests.support_table`` rewrites it."""

from __future__ import annotations

from fastdcm.codecs.table import LIBRARIES, SYNTAXES
from tests.conftest import ROOT

START, END = "<!-- support-table -->\n", "<!-- /support-table -->"
README = ROOT / "README.md"


def table() -> str:
    """The table as Markdown."""
    rows = ["| transfer syntax | | carries | decoded by |", "| --- | --- | --- | --- |"]
    rows += [
        f"| {syntax.name} | {syntax.uid} | {syntax.carries} | {LIBRARIES[syntax.family]} |"
        for syntax in SYNTAXES.values()
        if syntax.supported
    ]
    return "\n".join(rows) + "\n"


def with_table(readme: str) -> str:
    """``readme`` with the table between its two marks."""
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{table()}{END}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
