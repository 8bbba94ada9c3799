"""Stored values of every frame that STORED.csv knows, and the fate of every file of the corpus."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

import fastdcm
from tests.corpus import second
from tests.corpus.reading import bound_of, files, stored_rows, table

pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom says much about these files

#: Files of which STORED.csv has more frames than they declare -> how many they declare, and why.
EXCESS = {
    "pydicom.h45afb__liver_expb_1frame.dcm": (
        1,
        """no Number of Frames, one byte a pixel under Bits Allocated 1: pydicom gives the excess of Pixel
        Data as frames 2 to 8, fastdcm one frame and a notice""",
    ),
}


def compare_with_table(corpus: Path) -> tuple[Counter[str], list[str]]:
    """How many frames are equal, or within the bound of their syntax; and what is wrong."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []

    @lru_cache(maxsize=1)
    def image(name: str) -> fastdcm.Image:
        return fastdcm.open(corpus / "files" / name)

    for row in stored_rows(corpus):
        if not row.frame:
            continue
        place = f"{row.file} frame {row.frame}"
        if row.file in EXCESS and row.frame > EXCESS[row.file][0]:
            assert len(image(row.file)) == EXCESS[row.file][0]
            counts["more than the file declares"] += 1
            continue
        pixels = image(row.file).pixels(row.frame - 1, raw=True)
        if (pixels.dtype.name, pixels.shape) != (row.dtype, row.shape):
            wrong.append(f"{place}: {pixels.dtype.name} {pixels.shape}, not {row.dtype} {row.shape}")
        elif _sha256(pixels) == row.sha256:
            counts["equal"] += 1
        elif bound := bound_of(image(row.file).header.transfer_syntax_uid):
            path = corpus / "files" / row.file
            theirs = pydicom.pixels.pixel_array(path, index=row.frame - 1, raw=True)
            assert _sha256(theirs) == row.sha256, f"{place}: pydicom decodes other values than in STORED.csv"
            difference = int(np.abs(pixels.astype(np.int64) - theirs).max())
            counts[f"lossy, off by {difference}"] += 1
            if difference > bound:
                wrong.append(f"{place}: off by {difference}, the bound is {bound}")
        else:
            wrong.append(f"{place}: the values differ, and the syntax is lossless")
    return counts, wrong


def _sha256(pixels: Any) -> str:
    little = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    return hashlib.sha256(little.tobytes()).hexdigest()


def test_stored_values(corpus: Path, record_property: Callable[[str, object], None]) -> None:
    counts, wrong = compare_with_table(corpus)
    for name, count in counts.items():
        record_property(name, count)
    assert not wrong, "\n".join(wrong)
    assert counts["equal"]


def compare_with_second(corpus: Path) -> tuple[Counter[str], list[str]]:
    """The files that pydicom cannot decode, by other decoders; ``not checked`` where one is absent."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    refused = {row["file"] for row in table("failures.tsv")}
    for row in table("undecoded.tsv"):
        path = corpus / "files" / row["file"]
        if not path.is_file():
            continue
        if row["decoder"] == "fails":
            counts["an error here too"] += 1
            if path.name not in refused:
                wrong.append(f"{path.name} is not in failures.tsv")
            continue
        with fastdcm.open(path) as image:
            for index in range(len(image)):
                ours = image.pixels(index, raw=True)
                try:
                    theirs = second.DECODERS[row["decoder"]](path, index)
                except second.AbsentError as absent:
                    counts[f"not checked: {absent}"] += 1
                    continue
                difference = int(np.abs(ours.astype(np.int64) - theirs).max())
                counts["equal" if difference == 0 else f"off by {difference}"] += 1
                if difference > int(row["bound"]) or ours.shape != theirs.shape:
                    wrong.append(f"{path.name} frame {index + 1}: off by {difference} ({row['decoder']})")
    return counts, wrong


def test_files_that_pydicom_cannot_decode(
    corpus: Path, record_property: Callable[[str, object], None]
) -> None:
    counts, wrong = compare_with_second(corpus)
    for name, count in counts.items():
        record_property(name, count)
    assert not wrong, "\n".join(wrong)
    if absent := [name for name in counts if name.startswith("not checked")]:
        pytest.skip("; ".join(absent))


def test_undecoded_files_are_those_of_the_corpus(corpus: Path) -> None:
    undecoded = {row.file for row in stored_rows(corpus) if not row.frame}
    assert {row["file"] for row in table("undecoded.tsv")} & set(files(corpus)) == undecoded


def fate(path: Path) -> tuple[str, str, str] | None:
    """(frame, error class, message) of the first error in a file; None where all frames decode."""
    try:
        with fastdcm.open(path) as image:
            for index in range(len(image)):
                image.pixels(index, raw=True)
    except fastdcm.FastdcmError as error:
        return str(error.frame or ""), type(error).__name__, error.message
    return None


def test_every_file_decodes_or_fails_as_expected(
    corpus: Path, record_property: Callable[[str, object], None]
) -> None:
    expected = {row["file"]: row for row in table("failures.tsv")}
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    for name, path in files(corpus).items():
        found, row = fate(path), expected.get(name)
        counts[found[1] if found else "decoded"] += 1
        if found is None:
            if row is not None:
                wrong.append(f"{name} decodes, failures.tsv says {row['error']}")
        elif row is None or found[:2] != (row["frame"], row["error"]) or row["message"] not in found[2]:
            wrong.append(f"{name}: {found}")
    for name, count in counts.items():
        record_property(name, count)
    assert not wrong, "\n".join(wrong)
