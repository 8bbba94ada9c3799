"""The bar, the plain lines, and streams that nobody reads any more."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path

import pytest

from fastdcm.batch.report import Failure, Outcome, Progress
from fastdcm.cli import progress as module
from fastdcm.cli.messages import counted, error_line, printable, rate, write_line
from fastdcm.cli.progress import Display
from fastdcm.errors import DecodeError


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _display(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, **settings: bool) -> Display:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    display = Display(**{"quiet": False, "verbose": False, **settings})
    display._start -= 100  # the run began a while ago
    display._last_line -= 100
    return display


def test_a_short_run_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Terminal()
    display = _display(monkeypatch, stream)
    display._start = time.monotonic()
    display.tick(Progress(1, 1, 0, 5, complete=True))
    display.close()
    assert stream.getvalue() == ""


def test_the_bar_tells_and_lines_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Terminal()
    display = _display(monkeypatch, stream)
    display.tick(Progress(50, 200, 2, 100, complete=True))
    error = DecodeError("[bold]bad", path="a[/].dcm", frame=3)
    display.done(Outcome("a[/].dcm", failures=[Failure("a[/].dcm", 3, error)]))
    display.close()
    text = stream.getvalue()
    assert "50/100 files, 200 images, 2 failed" in text
    assert "left" in text
    assert "failed: a[/].dcm: frame 3: [bold]bad" in text


def test_the_bar_tells_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Terminal()
    display = _display(monkeypatch, stream)
    display.tick(Progress(0, 0, 0, 1, complete=True, compiling=True))
    display.close()
    assert "compiling kernels, once on this machine" in stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), _Terminal()])
def test_what_is_done_before_is_named(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> None:
    """With its own files and time; then those of the conversion."""
    display = _display(monkeypatch, stream)
    phase = "measuring series"
    display.tick(Progress(0, 0, 0, 0, complete=False, phase=phase))
    display._start -= 10
    display._last_line -= 100
    display.tick(Progress(50, 0, 0, 100, complete=True, phase=phase))
    assert "measuring series: 50/100 files" in stream.getvalue()
    assert "0:10 left" in stream.getvalue()
    assert "images" not in stream.getvalue()
    display._last_line -= 100
    display.tick(Progress(1, 4, 0, 100, complete=True))
    assert time.monotonic() - display._start < 5
    display._start -= 5
    display._last_line -= 100
    display.tick(Progress(1, 4, 0, 100, complete=True))
    display.close()
    assert "1/100 files, 4 images" in stream.getvalue()


def test_time_left_needs_the_end_of_discovery() -> None:
    assert module._time_left(Progress(50, 50, 0, 100, complete=False), 10) == ""
    assert module._time_left(Progress(0, 0, 0, 100, complete=True), 10) == ""
    assert module._time_left(Progress(50, 50, 0, 100, complete=True), 10) == "0:10 left"
    assert module._time_left(Progress(1, 1, 0, 7201, complete=True), 1) == "2:00:00 left"


def test_without_a_terminal_a_line_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    display = _display(monkeypatch, stream)
    for _ in range(5):
        display.tick(Progress(50, 200, 0, 100, complete=False))
    display.close()
    assert len(stream.getvalue().splitlines()) == 1
    assert "50 of 100+ files, 200 images" in stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), _Terminal()])
def test_quiet_shows_no_progress(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> None:
    display = _display(monkeypatch, stream, quiet=True)
    display.tick(Progress(50, 200, 0, 100, complete=False))
    display.close()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain ü 中.dcm", "plain ü 中.dcm"),
        ("a\nb\tc\x1b", "a\\nb\\tc\\x1b"),
        ("\udcff.dcm", "\\udcff.dcm"),
        ("\u202egpj", "\\u202egpj"),
    ],
)
def test_printable(text: str, line: str) -> None:
    assert printable(text) == line


def test_counted() -> None:
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end in another way there")
def test_a_reader_that_has_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="ascii", errors="strict") as stream:
        write_line(stream, "lost")
        write_line(stream, "lost, too, and no character of it: ü")


def test_characters_that_a_stream_has_not_are_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "log").open("w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        error_line("grün")
    assert (tmp_path / "log").read_text() == "gr\\xfcn\n"


@pytest.mark.parametrize(
    ("number", "seconds", "words"),
    [(1, 8.0, "0.12"), (0, 1.0, "0"), (19, 2.0, "9.5"), (100, 2.0, "50"), (9.96, 1.0, "10"), (3, 0.0, "0")],
)
def test_small_rates_have_digits(number: float, seconds: float, words: str) -> None:
    assert rate(number, seconds) == words
