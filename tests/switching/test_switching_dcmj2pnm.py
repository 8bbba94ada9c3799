"""Each row of the table for dcmj2pnm: what it writes on the left is what fastdcm writes by the middle."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from tests.switching.running import apart, converted, fastdcm, picture, run
from tests.switching.sources import made
from tests.switching.table import ABSENT, PAGE, Row, rows, rows_by_key

pytestmark = pytest.mark.filterwarnings("ignore")


class Same(NamedTuple):
    """Both are given a source, and may differ by so many grays.

    ``base`` is what dcmj2pnm needs to mean the same (it has no VOI by default), ``extra`` what fastdcm needs;
    with ``changes`` the picture must be another one than without the options of the row.
    """

    source: str
    base: str = "+Wi 1"
    extra: str = ""
    bound: float = 1
    changes: bool = True


UNCHANGED = Same("gray", changes=False)
SAME = {
    "+f": UNCHANGED,
    "-t=": UNCHANGED,
    "+F 2": Same("frames"),
    "+Rl": Same("gray"),
    "+Rr": Same("gray"),
    "+Rtd": Same("gray"),
    "+Lh": Same("gray"),
    "+Lv": Same("gray"),
    "+Lhv": Same("gray"),
    "+C 100 50 200 120": Same("gray"),
    # DCMTK takes the pixels' shape into account where it scales.
    "+a": Same("oblong", "+Wi 1 -i +Sxv 484", "--resample nearest", changes=False),
    "-a": Same("oblong", changes=False),
    # The mean of stored values, and that of their grays.
    "-a +i 2 +Sxf 0.5": Same("gray", "+Wm", "--voi minmax", bound=2),
    "-a +i 2 +Sxv 121": Same("gray", "+Wm", "--voi minmax", bound=2),
    "-a +i 2 +Syv 75": Same("gray", "+Wm", "--voi minmax", bound=2),
    "-a -i +Sxf 2": Same("gray"),
    "+cp": Same("color", "", changes=False),
    "+M": Same("ct", "+Wm", changes=False),
    "-W": Same("gray", ""),
    "+Wi 2": Same("gray", ""),
    "+Wl 2": Same("luts", ""),
    "+Wm": Same("gray", ""),
    "+Wr 100 50 64 64": Same("gray", ""),
    "+Wh 1": Same("gray", "", bound=6),
    "+Ww 300 400": Same("gray", ""),
    "+Ww 300 400 +Wfl": Same("gray", ""),
    "+Ww 300 400 +Wfs": Same("gray", ""),
    "+O 0": Same("gray"),
    "-O": UNCHANGED,
    "+O 1": Same("gray"),
    "+Omr": Same("gray", "+Wi 1 +O 0"),
    "+O 0 +Omr +Osf 0.5": Same("gray"),
    "+op": UNCHANGED,
    "+opb": UNCHANGED,
    "+ob": UNCHANGED,
    "+ot": UNCHANGED,
    "+on": UNCHANGED,
    "+on2": Same("gray", changes=False, bound=0.51),
    "-il": UNCHANGED,
    # Lossy, by two encoders of the same tables.
    "+oj": Same("gray", bound=8, changes=False),
    "+oj +Jq 75": Same("gray", extra="-F jpg", bound=12),
    "+oj +Js4": Same("color", "", extra="-F jpg", bound=24, changes=False),
    "+oj +Js2": Same("color", "", extra="-F jpg", bound=24, changes=False),
    "+oj +Js1": Same("color", "", extra="-F jpg", bound=24, changes=False),
}
ROWS = rows_by_key("dcmj2pnm")


def theirs(tool: str, path: Path, options: list[str], output: Path) -> Path:
    """The file that dcmj2pnm writes, PNG where nothing else is asked for."""
    formats = [option for option in options if re.fullmatch(r"\+o([pbtnj].*)", option)]
    overlays = [] if "+O" in options else ["-O"]
    run(tool, *([] if formats else ["+on"]), *overlays, *options, path, output)
    return output


@pytest.mark.parametrize("key", SAME)
def test_picture(key: str, peer: Callable[[str], str], tmp_path: Path) -> None:
    tool, same, row = peer("dcmj2pnm"), SAME[key], ROWS[key]
    path, base = made(same.source, tmp_path), same.base.split()
    other = theirs(tool, path, [*base, *key.split()], tmp_path / "theirs")
    ours = converted(path, [*same.extra.split(), *row.arguments], tmp_path / "ours")
    assert apart(picture(ours), picture(other)) <= same.bound
    if same.changes:
        # What the row is about is to be seen: without it the picture is another one.
        plain = picture(converted(path, ["--frames", "1", *same.extra.split()], tmp_path / "plain"))
        shown = picture(ours)
        assert shown.shape != plain.shape or apart(shown, plain) > same.bound
    with Image.open(ours) as opened, Image.open(other) as opened_other:
        if any(option.startswith("+o") for option in key.split()):
            assert opened.format == opened_other.format
            assert getattr(opened, "layer", None) == getattr(opened_other, "layer", None)  # chroma sampling
            if opened.format == "JPEG":
                # libjpeg's tables for a quality, but for what optimised coding leaves as it is.
                assert opened.quantization == opened_other.quantization


def test_chosen_frames(peer: Callable[[str], str], tmp_path: Path) -> None:
    for number, key in enumerate(("+Fr 2 2", "+Fa", "+Fa +Fn")):
        path = made("frames", tmp_path)
        place = tmp_path / f"theirs{number}"
        place.mkdir()
        run(peer("dcmj2pnm"), "+on", "-O", "+Wi", "1", *key.split(), path, place / "x")
        output = tmp_path / f"ours{number}"
        fastdcm("convert", path, "-o", output, "-F", "png", *ROWS[key].arguments)
        found, expected = (sorted(folder.iterdir()) for folder in (output, place))
        assert len(found) == len(expected) == (2 if key == "+Fr 2 2" else 3)
        for ours, other in zip(found, expected, strict=True):
            assert apart(picture(ours), picture(other)) <= 1
    assert [file.name for file in found] == ["frames.1.png", "frames.2.png", "frames.3.png"]


def test_one_named_file(peer: Callable[[str], str], tmp_path: Path) -> None:
    row, path = ROWS["FILE OUT.ppm"], made("gray", tmp_path)
    fastdcm(*(str({"FILE": path, "OUT.pnm": tmp_path / "x.pnm"}.get(word, word)) for word in row.arguments))
    other = theirs(peer("dcmj2pnm"), path, ["+op", "+Wi", "1"], tmp_path / "theirs")
    assert apart(picture(tmp_path / "x.pnm"), picture(other)) <= 1


def test_cut_stream(tmp_path: Path) -> None:
    path = made("cut", tmp_path)
    fastdcm("convert", path, "-o", tmp_path / "failed", status=1)
    shown = picture(converted(path, ROWS["+wi"].arguments, tmp_path / "shown"))
    assert shown[:30].any()
    assert not shown[-10:].any()


def test_what_is_told(tmp_path: Path) -> None:
    path = made("inverse", tmp_path)
    told = fastdcm("convert", path, "-o", tmp_path / "a", *ROWS["-v"].arguments)
    assert "inverse.dcm" in told.stdout + told.stderr
    notices = fastdcm("convert", path, "-o", tmp_path / "b").stderr
    assert "Presentation LUT Shape" in notices
    quiet = fastdcm("convert", path, "-o", tmp_path / "c", *ROWS["-q"].arguments)
    assert not quiet.stdout + quiet.stderr
    words = fastdcm(*(str(path) if word == "FILE" else word for word in ROWS["-im"].arguments)).stdout
    assert "484" in words
    assert "WINDOW1" in words


@pytest.mark.parametrize("key", ["-h", "--version"])
def test_what_it_says_of_itself(key: str) -> None:
    said = fastdcm(*ROWS[key].arguments).stdout
    assert ("--window-number" if key == "-h" else "fastdcm ") in said


#: Rows that have a test of their own.
_OTHERS = {"FILE OUT.ppm", "-h", "--version", "-q", "-v", "+Fr 2 2", "+Fa", "+Fa +Fn", "+wi", "-im"}


def test_every_row_is_tested() -> None:
    absent = {key for key, row in ROWS.items() if row.ours == ABSENT}
    assert absent | SAME.keys() | _OTHERS == ROWS.keys()
    assert not absent & (SAME.keys() | _OTHERS)
    assert all(ROWS[key].differs for key in absent), "what is absent has a reason"


def test_every_option_is_named(peer: Callable[[str], str]) -> None:
    """Short and long, as dcmj2pnm lists them."""
    said = run(peer("dcmj2pnm"), "--help")
    listed = re.findall(r"^ {2,4}([+-]\S+)? +(--[\w-]+)", said, re.MULTILINE)
    assert len(listed) > 100
    named = {word for row in _all_rows() for code in row.theirs for word in shlex.split(code)}
    missing = [short or long for short, long in listed if not {short, long} & named]
    assert not missing
    text = PAGE.read_text(encoding="utf-8")
    assert not [long for _, long in listed if f"`{long}`" not in text]


def _all_rows() -> list[Row]:
    return rows("dcmj2pnm")
