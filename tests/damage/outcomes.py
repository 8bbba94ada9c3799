"""What becomes of a damaged frame: an error, the right pixels, or wrong ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np

import fastdcm
from fastdcm.errors import FastdcmError
from tests.damage.subject import Array, Subject

Outcome = Literal["error", "right", "WRONG"]
#: A kind of damage: a subject to the parts that are left of its stream, or None where it does not apply.
Damage = Callable[[Subject], Sequence[bytes] | None]


def read(subject: Subject, parts: Sequence[bytes]) -> Array:
    """Stored values as they are coded. Raises `FastdcmError`."""
    with fastdcm.open(subject.file(parts)) as image:
        return image.pixels(0, raw=True).copy()


def outcome(subject: Subject, parts: Sequence[bytes]) -> Outcome:
    """Compared with what the undamaged stream gives."""
    try:
        found = read(subject, parts)
    except FastdcmError:
        return "error"
    return "right" if np.array_equal(found, read(subject, [subject.stream])) else "WRONG"


def tally(subjects: Iterable[Subject], damage: Damage) -> Counter[str]:
    """Outcome -> how many subjects of one codec had it; empty where the damage does not apply."""
    found: Counter[str] = Counter()
    for subject in subjects:
        parts = damage(subject)
        if parts is not None:
            found[outcome(subject, parts)] += 1
    return found


def cell(counts: Counter[str]) -> str:
    """A cell of a table: the outcome that all had, or how many had which."""
    if not counts:
        return "-"
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{counts[name]} {name}" for name in ("error", "right", "WRONG") if counts[name])


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they must be."""
    lines = [list(heads), *map(list, rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(heads))]
    padded = (
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)
