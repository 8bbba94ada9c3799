"""What a manifest tells in sums, of rows one after the other; nothing grows with their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from fastdcm.manifest.reading import THERE, Row
from fastdcm.manifest.times import Times

#: Messages of failures that are told apart; a message may quote the file.
_MOST_MESSAGES = 200


class Group(NamedTuple):
    """Images of one modality and transfer syntax."""

    modality: str
    transfer_syntax_uid: str


@dataclass
class Sums:
    """What the rows of a manifest say together. ``examples`` has a source for each message of a failure."""

    images: int = 0
    bytes: int = 0
    copied: int = 0
    failed: int = 0
    skipped: int = 0
    milliseconds: float = 0.0
    groups: Counter[Group] = field(default_factory=Counter)
    group_milliseconds: dict[Group, float] = field(default_factory=dict)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], str] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    times: Times = field(default_factory=Times)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Sums:
        """The sums of all rows."""
        sums = cls()
        for row in rows:
            sums.add(row)
        return sums

    def add(self, row: Row) -> None:
        """Count a row."""
        status = row["status"]
        if status in THERE:
            self._add_image(row)
        elif status == "failed":
            self.failed += 1
            key = (str(row.get("error")), str(row.get("message")))
            if key not in self.failures and len(self.failures) >= _MOST_MESSAGES:
                key = (key[0], "other messages")
            self.failures[key] += 1
            frame = "" if row.get("frame") is None else f", frame {row['frame']}"
            self.examples.setdefault(key, f"{row['source']}{frame}")
        else:
            self.skipped += 1
            reason = str(row.get("message"))
            self.reasons[reason if len(self.reasons) < _MOST_MESSAGES else "other reasons"] += 1

    def _add_image(self, row: Row) -> None:
        self.images += 1
        self.bytes += row.get("bytes") or 0
        self.copied += bool(row.get("copied"))
        took = row.get("milliseconds") or 0.0
        self.milliseconds += took
        group = Group(row.get("modality") or "unknown", row.get("transfer_syntax_uid") or "")
        self.groups[group] += 1
        self.group_milliseconds[group] = self.group_milliseconds.get(group, 0.0) + took
        self.notices.update(row.get("notices") or ())
        if row["status"] == "written":
            self.times.add(row["finished"], took)
