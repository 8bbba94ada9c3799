"""What is told of images beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, get_args

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass

Metadata = Literal["json", "csv", "parquet"]
_NUMBER = r"\(\s*[0-9A-Fa-f]{4}\s*,\s*[0-9A-Fa-f]{4}\s*\)"


@dataclass(frozen=True)
class SidecarOptions:
    """What is told of images beside them.

    ``metadata`` "json" is a file beside each image, "csv" and "parquet" are one table for the run. ``tags``
    are keywords or (gggg,eeee); those of the patient appear only where they are named here. Without
    ``tags`` JSON has all attributes that name nobody, and tables have none.
    """

    metadata: Metadata | None = None
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.metadata is not None and self.metadata not in get_args(Metadata):
            raise OptionError(f"metadata {self.metadata!r} is not one of {', '.join(get_args(Metadata))}")
        if self.tags and self.metadata is None:
            raise OptionError("tags are for metadata; ask for metadata json, csv or parquet, too")


def parse_tags(tags: str | Iterable[str]) -> tuple[str, ...]:
    """``Modality,(0020,0013)`` as a tuple, each once; or several of these."""
    texts = [tags] if isinstance(tags, str) else list(tags)
    found = []
    for text in texts:
        if not isinstance(text, str):
            raise OptionError(f"tags: {text!r} is no text; write keywords or (gggg,eeee)")
        names = re.findall(rf"{_NUMBER}|[^\s,()]+|\S", text)
        if not (names := [name for name in names if name != ","]):
            raise OptionError("tags: none is named; write keywords or (gggg,eeee), with commas between")
        found += [re.sub(r"\s", "", name) for name in names]
    return tuple(dict.fromkeys(found))
