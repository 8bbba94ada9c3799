"""What ``convert`` shows while it runs: failures and notices as lines, a bar on a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from fastdcm.batch.report import Outcome, Progress, Watcher
from fastdcm.cli.messages import counted, error_line, printable, rate

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

#: A run that is over sooner shows no bar.
_BAR_AFTER_SECONDS = 0.3
#: Without a terminal, a line every so often.
_LINE_SECONDS = 10.0
#: Notices of one code that are shown one by one.
_SHOWN_NOTICES = 20


class Display(Watcher):
    """Shows a run on standard error.

    ``quiet`` leaves failures only, ``verbose`` adds every file and what was skipped. ``things`` are what
    is counted.
    """

    def __init__(self, *, quiet: bool, verbose: bool, things: str = "files") -> None:
        self._quiet, self._verbose, self._things = quiet, verbose, things
        self.every_file = verbose
        self._start = self._last_line = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._bar: Bar | None = None
        self._task: Any = None
        self._notices: dict[str, int] = {}
        self._phase = ""

    def done(self, outcome: Outcome) -> None:
        for failure in outcome.failures:
            self._say(f"failed: {failure}")
            if self._verbose:
                for note in getattr(failure.error, "__notes__", ()):
                    for line in note.splitlines():
                        self._say(f"    {line}")
        if self._quiet:
            return
        for notice in outcome.notices:
            self._notices[notice.code] = self._notices.get(notice.code, 0) + 1
            if self._notices[notice.code] <= _SHOWN_NOTICES:
                self._say(f"notice: {notice}")
        if self._verbose:
            self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        if outcome.skipped is not None:
            self._say(f"skipped: {outcome.path}: {outcome.skipped}")
        elif outcome.images:
            self._say(f"converted: {outcome.path}: {counted(outcome.images, 'image')}")
        elif outcome.existing:
            self._say(f"left alone: {outcome.path}: {counted(outcome.existing, 'output')} existed")

    def tick(self, progress: Progress) -> None:
        if self._quiet:
            return
        now = time.monotonic()
        if progress.phase != self._phase:
            self._phase, self._start = progress.phase, now
        if not self._terminal:
            if now - self._last_line >= _LINE_SECONDS:
                self._last_line = now
                error_line(_plain(progress, now - self._start, self._things))
        elif self._bar is not None or now - self._start >= _BAR_AFTER_SECONDS:
            self._update(progress, now - self._start)

    def _update(self, progress: Progress, seconds: float) -> None:
        if self._bar is None:
            self._bar, self._task = _new_bar()
        self._bar.update(
            self._task,
            completed=progress.files,
            total=progress.found if progress.complete else None,
            text=_counts(progress, self._things),
            rate="" if progress.phase else f"{rate(progress.images, seconds)}/s",
            left=_time_left(progress, seconds),
        )
        self._bar.refresh()

    def close(self) -> None:
        """Take the bar away and say how many notices were not shown."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        for code, number in self._notices.items():
            if number > _SHOWN_NOTICES:
                error_line(f"notice: {number - _SHOWN_NOTICES} more of {code}")

    def _say(self, text: str) -> None:
        if self._bar is None:
            error_line(text)
        else:
            self._bar.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)


def _new_bar() -> tuple[Bar, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as RichProgress

    bar = RichProgress(
        TextColumn("{task.fields[text]}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[left]}"),
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
        expand=True,
    )
    task = bar.add_task("", total=None, text="", rate="", left="")
    bar.start()
    return bar, task


def _counts(progress: Progress, things: str) -> str:
    if progress.compiling:
        return "compiling kernels, once on this machine"
    of = f"/{progress.found}" if progress.complete else f" of {progress.found}+"
    if progress.phase:
        return f"{progress.phase}: {progress.files}{of} {things}"
    failures = f", {progress.failures} failed" if progress.failures else ""
    return f"{progress.files}{of} {things}, {progress.images} images{failures}"


def _time_left(progress: Progress, seconds: float) -> str:
    if not progress.complete or not progress.files:
        return ""
    left = round(seconds * (progress.found - progress.files) / progress.files)
    minutes, rest = divmod(max(0, left), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} left" if hours else f"{minutes}:{rest:02d} left"


def _plain(progress: Progress, seconds: float, things: str) -> str:
    left = _time_left(progress, seconds)
    speed = "" if progress.phase else f", {rate(progress.images, seconds)} images/s"
    return _counts(progress, things) + speed + (f", {left}" if left else "")
