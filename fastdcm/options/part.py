"""A part of a run, for array jobs."""

from __future__ import annotations

import re

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass


@dataclass(frozen=True)
class Part:
    """The part ``number``, from 1, of ``count``."""

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise OptionError(f"part {self.number}/{self.count}: parts are 1/N to N/N")


def parse_part(text: str) -> Part:
    """``3/16``."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", str(text))
    if not found:
        raise OptionError(f"part {text!r}: write 3/16 for the third of 16")
    return Part(int(found[1]), int(found[2]))
