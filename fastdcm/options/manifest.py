"""The manifest of a run: a row for each frame, by which it can be gone on from."""

from __future__ import annotations

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass


@dataclass(frozen=True)
class ManifestOptions:
    """What a run keeps account of, and in which file.

    ``path`` ends in .jsonl, or in .parquet: then the lines are in a .jsonl beside it, from which the table
    is made when the run ends. ``checksum`` gives each row the SHA-256 of its output. With ``resume`` the run
    goes on from the manifest that is there; what failed is tried again with ``retry_failed``.
    """

    path: str
    checksum: bool = False
    resume: bool = False
    retry_failed: bool = False

    def __post_init__(self) -> None:
        if not self.path.endswith((".jsonl", ".parquet")):
            raise OptionError(f"manifest {self.path!r}: name it .jsonl or .parquet")
        if "://" in self.path:
            raise OptionError(f"manifest {self.path!r}: it is appended to line by line, so that it is a file")
        if self.retry_failed and not self.resume:
            raise OptionError("retry-failed is for runs that go on: give resume, too")

    @property
    def journal(self) -> str:
        """Where the lines are."""
        return self.path.removesuffix(".parquet") + ".jsonl" if self.table else self.path

    @property
    def table(self) -> str | None:
        """The table that is made of them, if any."""
        return self.path if self.path.endswith(".parquet") else None
