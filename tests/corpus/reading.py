"""What the tests of the corpus share: its tables, and which difference a syntax allows."""

from __future__ import annotations

import csv
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Transfer syntax -> by how much decoders may differ: lossy JPEG leaves the rounding of the inverse
#: cosine transform to them (T.81 A.3.3), irreversible JPEG 2000 that of its wavelet (T.800 F.3.8).
BOUNDS = {
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55)), 2),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{number}" for number in (91, 93, 203)), 1),
}


def bound_of(transfer_syntax_uid: str) -> int:
    """The largest difference of stored values between two right decoders; 0 for lossless ones."""
    return BOUNDS.get(transfer_syntax_uid, 0)


@dataclass(frozen=True)
class Stored:
    """A row of STORED.csv; frame 0 is a file that pydicom cannot decode."""

    file: str
    frame: int
    dtype: str
    shape: tuple[int, ...]
    sha256: str


def stored_rows(corpus: Path) -> list[Stored]:
    """STORED.csv without the files that are not there."""
    with (corpus / "STORED.csv").open(newline="") as table:
        return [
            Stored(
                row["file"],
                int(row["frame"]),
                row["dtype"],
                tuple(map(int, row["shape"].split("x"))) if row["shape"] else (),
                row["sha256"],
            )
            for row in csv.DictReader(table)
            if (corpus / "files" / row["file"]).is_file()
        ]


def files(corpus: Path) -> dict[str, Path]:
    """Every file of the corpus, by its name."""
    return {path.name: path for path in sorted((corpus / "files").iterdir()) if path.is_file()}


def hush_pydicom() -> None:
    """pydicom logs every error of every decoder that it tries."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)


def table(name: str) -> list[dict[str, Any]]:
    """The rows of a committed table beside this module, tab-separated, ``#`` before a comment."""
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader((line for line in lines if line and not line.startswith("#")), delimiter="\t"))
