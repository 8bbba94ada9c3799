"""``python -m tests.damage.truncation``: what becomes of cut streams, codec by codec and cut by cut."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise

from tests.damage.outcomes import Damage, cell, table, tally
from tests.damage.subject import Subject
from tests.damage.subjects import subjects

#: What is left -> of so many bytes.
LENGTHS = {
    "0 bytes": lambda size: 0,
    "1 byte": lambda size: 1,
    "10 bytes": lambda size: 10,
    "50 %": lambda size: size // 2,
    "90 %": lambda size: size * 9 // 10,
    "99 %": lambda size: size * 99 // 100,
    "all but 1 byte": lambda size: size - 1,
}
FRAGMENTS = 5


def fragments(subject: Subject) -> list[bytes]:
    """The stream in `FRAGMENTS` parts of nearly one length."""
    size = len(subject.stream)
    ends = [size * number // FRAGMENTS for number in range(FRAGMENTS + 1)]
    return [subject.stream[start:end] for start, end in pairwise(ends)]


def cut(name: str) -> Damage:
    return lambda subject: [subject.stream[: LENGTHS[name](len(subject.stream))]]


def cut_and_ended(name: str) -> Damage:
    """Cut, with an end marker behind the cut."""
    return lambda subject: [*cut(name)(subject), subject.end] if subject.end else None


def ended_early(bytes_lost: int) -> Damage:
    """The last bytes before the end marker are missing."""

    def damage(subject: Subject) -> list[bytes] | None:
        if not subject.end:
            return None
        kept = subject.stream.rindex(subject.end) - bytes_lost
        return [subject.stream[:kept] + subject.end]

    return damage


def without_fragment(number: int, *, ended: bool = False) -> Damage:
    """One fragment of the frame is missing."""

    def damage(subject: Subject) -> list[bytes] | None:
        if not subject.splits or (ended and not subject.end):
            return None
        parts = fragments(subject)
        del parts[number]
        return [*parts, subject.end] if ended else parts

    return damage


#: Title -> name of a column -> the damage.
TABLES: dict[str, dict[str, Damage]] = {
    "What is left of the stream": {name: cut(name) for name in LENGTHS},
    "The same, and an end marker behind it": {name: cut_and_ended(name) for name in LENGTHS},
    "The last bytes before the end marker are missing": {
        f"{lost} byte{'s' * (lost > 1)}": ended_early(lost) for lost in (1, 2, 4, 16)
    },
    f"A frame in {FRAGMENTS} fragments, of which one is missing": {
        "the last": without_fragment(-1),
        "the last, end marker": without_fragment(-1, ended=True),
        "the second": without_fragment(1),
        "the third": without_fragment(2),
        "the fourth": without_fragment(3),
    },
}


def report() -> Iterator[str]:
    """The tables, with the number of subjects of each codec."""
    for title, damages in TABLES.items():
        rows = [
            [f"{codec} ({len(found)})", *(cell(tally(found, damage)) for damage in damages.values())]
            for codec, found in subjects().items()
        ]
        yield f"{title}\n{table(['codec (streams)', *damages], rows)}\n"


if __name__ == "__main__":
    for text in report():
        sys.stdout.write(f"{text}\n")
