"""What a row of the table of bad inputs says: an input, and the one outcome that it may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fastdcm.errors import FastdcmError

Stage = Literal["open", "frame", "render"]


@dataclass(frozen=True)
class Outcome:
    """What has to happen; made by `reads`, `notice` and `error`.

    ``values`` are the stored values of the frame as nested lists, ``shown`` its display values; None is
    not compared. ``stage`` is where the error comes: on opening, with the frame, or with its rendering
    alone.
    """

    values: Any = None
    shown: Any = None
    notices: tuple[str, ...] = ()
    error: type[FastdcmError] | None = None
    fragment: str = ""
    stage: Stage = "open"


def reads(values: Any, shown: Any = None) -> Outcome:
    """Right values, and not a word."""
    return Outcome(values, shown)


def notice(code: str, values: Any, shown: Any = None) -> Outcome:
    """Right values, and a notice of this code (several: with spaces between), no other."""
    return Outcome(values, shown, tuple(sorted(code.split())))


def error(kind: type[FastdcmError], fragment: str, stage: Stage = "open", values: Any = None) -> Outcome:
    """An error of this very type that names path and cause, and the frame unless it is about them all."""
    return Outcome(values, error=kind, fragment=fragment, stage=stage)


@dataclass(frozen=True)
class Row:
    """One input and its outcome.

    ``data`` are its bytes, or what makes them, or what makes the file in a folder (``path``). ``frame``
    counts from 1. ``options`` are those of `fastdcm.open`, ``change`` happens to the open file. It is read
    in each of these ``ways``: at once (True), as small files are, and by ranges (False), as large ones.
    """

    outcome: Outcome
    data: bytes | Callable[[], bytes] = b""
    path: Callable[[Path], Path] | None = None
    frame: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    change: Callable[[Path], None] | None = None
    ways: tuple[bool, ...] = (True, False)


def row(data: bytes | Callable[[], bytes], outcome: Outcome, **more: Any) -> Row:
    """A row of bytes."""
    return Row(outcome, data, **more)


@dataclass(frozen=True)
class Seen:
    """What did happen to an input at one stage: values, or an error."""

    values: Any = None
    error: str = ""
    message: str = ""
    path: str | None = None
    frame: int | None = None


@dataclass(frozen=True)
class Observed:
    """All stages of one reading; ``seen`` has "open" alone where that failed."""

    seen: dict[str, Seen]
    notices: tuple[tuple[str, str | None], ...] = ()


def check(row: Row, path: Path, observed: Observed) -> None:
    """Compare what happened with what the row says."""
    expected, seen = row.outcome, observed.seen
    if expected.error is None:
        failed = {stage: (one.error, one.message) for stage, one in seen.items() if one.error}
        assert not failed, f"should be read, but {failed}"
        assert seen["frame"].values == expected.values
        if expected.shown is not None:
            assert seen["render"].values == expected.shown
        assert tuple(sorted({code for code, _ in observed.notices})) == expected.notices
        assert all(where == str(path) for _, where in observed.notices)
        return
    stages = {"open": ["open"], "frame": ["frame", "render"], "render": ["render"]}[expected.stage]
    for stage, one in seen.items():
        if stage not in stages:
            assert not one.error, f"{stage} must do, but {one.error}: {one.message}"
    for stage in stages:
        assert stage in seen, f"no error at {stage}"
        one = seen[stage]
        assert one.error == expected.error.__name__, f"{one} instead of {expected.error.__name__}"
        assert expected.fragment in one.message, one.message
        assert one.path == str(path)
        assert one.frame == (None if stage == "open" else row.frame)
    if expected.values is not None:
        assert seen["frame"].values == expected.values
