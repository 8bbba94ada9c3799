"""Images in tar archives, for training."""

from __future__ import annotations

import os
import re

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_NUMBER = r"%0?(\d*)d"
#: A shard holds at least the two blocks that end it, and one image.
_LEAST = 10_240


def parse_shard_size(value: str | int) -> int:
    """Bytes: a number, or ``256M`` with K, M, G or T for powers of 1024."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", str(value), re.IGNORECASE)
    if not found:
        raise OptionError(f"shard size {value!r}: write bytes, or 256M, 1G")
    return int(float(found[1]) * _UNITS[found[2].upper()])


@dataclass(frozen=True)
class ShardOptions:
    """Images in tar archives of at most ``size`` bytes; one with a single larger image is larger.

    ``pattern`` is the path of each, with its number, from 0, for ``%d`` or ``%06d``.
    """

    pattern: str
    size: int = 256 << 20

    def __post_init__(self) -> None:
        name = os.path.basename(self.pattern)
        if not re.fullmatch(rf"[^%]*{_NUMBER}[^%]*", name) or "%" in os.path.dirname(self.pattern):
            raise OptionError(f"shards {self.pattern!r}: name them like out-%06d.tar, which is numbered")
        if not name.endswith(".tar"):
            raise OptionError(f"shards {self.pattern!r}: only .tar is written")
        if self.size < _LEAST:
            raise OptionError(f"shard size {self.size} is too small: at least {_LEAST} bytes")

    def name(self, number: int) -> str:
        """The name of a shard, without its folder."""
        return os.path.basename(self.pattern) % number

    @property
    def journal(self) -> str:
        """The name of the list of whole shards."""
        before = re.split(_NUMBER, os.path.basename(self.pattern))[0].rstrip("-_. ")
        return f"{before}.shards.jsonl" if before else "shards.jsonl"

    def number(self, name: str) -> int | None:
        """Which shard has that name; None for other files."""
        before, _, after = re.split(_NUMBER, os.path.basename(self.pattern))
        found = re.fullmatch(rf"{re.escape(before)}(\d+){re.escape(after)}", name)
        return int(found[1]) if found and self.name(int(found[1])) == name else None
