"""``python -m benches.report FOLDER``: results.json to report.md and index.html."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benches.report import markdown, page, tables
from benches.report.figures import Results


def main(folder: Path) -> None:
    """Write both pages; tell where they are, and what the guard and the goals say."""
    results = Results(json.loads((folder / "results.json").read_text(encoding="utf-8")))
    (folder / "report.md").write_text(markdown.page(results), encoding="utf-8")
    (folder / "index.html").write_text(page.page(results), encoding="utf-8")
    for rows in (tables.goals(results), tables.guard(results)):
        print("\n".join(_lines(rows)), end="\n\n")
    print(f"{folder / 'index.html'}")


def _lines(rows: tables.Table) -> list[str]:
    """A table as columns of text."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
