"""The contact sheet of a small folder: who shows what, how much it differs, what is said of the rest."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from benches.gallery import __main__ as program
from benches.gallery import pictures
from benches.gallery.pictures import DCMTK, OTHERS, OURS, SIDE, Entry, Gallery, Shown, alike, difference
from benches.gallery.sheet import SECTIONS, page, section_of
from benches.peers import Absent, dcmj2pnm
from tests.conftest import PYDICOM_FILES

pytestmark = pytest.mark.filterwarnings("ignore")


class Parser(HTMLParser):
    """Anchors, where links lead, and pictures of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.images: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.ids |= {found["id"]} if "id" in found else set()
        self.links += [found["href"]] if tag == "a" else []
        self.images += [found["src"]] if tag == "img" else []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gray image, its copy with padding (which others count in), a colored one, a cut one, a report."""
    place = tmp_path_factory.mktemp("data")
    for name in ("MR_small.dcm", "SC_rgb_small_odd.dcm", "test-SR.dcm"):
        (place / name).write_bytes((PYDICOM_FILES / name).read_bytes())
    padded = pydicom.dcmread(PYDICOM_FILES / "CT_small.dcm")
    pixels = padded.pixel_array.copy()
    pixels[:20] = padded.PixelPaddingValue
    padded.PixelData = pixels.tobytes()
    padded.save_as(place / "padded.dcm")
    (place / "cut.dcm").write_bytes((PYDICOM_FILES / "MR_small.dcm").read_bytes()[:5000])
    return place


def test_sheet(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "gallery"
    monkeypatch.setattr("sys.argv", ["gallery", str(out), "--data", str(folder)])
    program.main()
    text = (out / "index.html").read_text(encoding="utf-8")
    parser = Parser()
    parser.feed(text)
    assert "script" not in parser.tags
    assert not re.findall(r"https?://", text), "nothing of it is elsewhere"
    assert {link[1:] for link in parser.links if link.startswith("#")} == {*SECTIONS, "none"} <= parser.ids
    for place in {*parser.images, *(link for link in parser.links if not link.startswith("#"))}:
        with Image.open(out / place) as image:
            assert max(image.size) <= SIDE
    assert "test-SR.dcm" in text.partition('id="none"')[2]
    failed = text.partition('id="failed"')[2].partition("<h2")[0]
    assert "cut.dcm" in failed
    assert "padded.dcm" not in failed
    if not isinstance(dcmj2pnm.available(), Absent):
        assert "padded.dcm" in text.partition('id="dcmtk"')[2].partition("<h2")[0]
        assert "MR_small.dcm" in text.partition('id="near"')[2].partition("<h2")[0]


def test_entry(folder: Path, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path, tmp_path)
    try:
        found = gallery.entry(folder / "padded.dcm", "padded.dcm")
        colored = gallery.entry(folder / "SC_rgb_small_odd.dcm", "x")
        report = gallery.entry(folder / "test-SR.dcm", "y")
    finally:
        gallery.close()
    assert isinstance(found, Entry)
    assert found.what == "CT, 128 x 128, 16 bits, MONOCHROME2"
    assert "minimum to maximum" in found.rule
    assert found.ours.thumbnail
    pydicom_shows = found.others[OTHERS.index("pydicom_documented")]
    assert pydicom_shows.most > 20
    assert pydicom_shows.difference
    assert found.worst >= (pydicom_shows.most, pydicom_shows.mean)
    assert isinstance(colored, Entry)
    assert {shown.most for shown in colored.others} == {0}
    assert isinstance(report, str)


def shown(most: float | None) -> Shown:
    deviation = {} if most is None else {"most": most, "mean": most / 2}
    return Shown("x", "" if most is None else "x.png", deviation=deviation)


@pytest.mark.parametrize(
    ("ours", "dcmtk", "other", "section"),
    [
        (None, 0, 0, "failed"),
        (0, 1, 1, "near"),
        (0, 2, 0, "dcmtk"),
        (0, 0, 2, "pydicom"),
        (0, None, 200, "pydicom"),
        (0, None, 0, "near"),
        (0, None, None, "alone"),
    ],
)
def test_sections(ours: float | None, dcmtk: float | None, other: float | None, section: str) -> None:
    by_name = {DCMTK: dcmtk}
    others = [shown(by_name.get(name, other)) for name in OTHERS]
    assert section_of(Entry("x", "", "", [], shown(ours), others)) == section


def test_largest_deviations_come_first() -> None:
    entries = [Entry(f"file{most}", "", "", [], shown(0), [shown(most)] * 2) for most in (3, 200, 50)]
    names = re.findall(r"<h3>(\w+)</h3>", page(entries, {}, "data"))
    assert names == ["file200", "file50", "file3"]


def test_no_pixel_of_a_difference_gets_lost() -> None:
    ours = np.zeros((1000, 700), np.uint8)
    theirs = ours.copy()
    theirs[501, 333] = 1
    seen = difference(ours, theirs)
    assert max(seen.shape) <= SIDE
    assert np.count_nonzero(seen) == 1
    assert seen.max() > 40


def test_gray_and_color_are_compared() -> None:
    gray, color = np.full((2, 3), 7, np.uint8), np.full((2, 3, 3), 9, np.uint8)
    assert [pixels.shape for pixels in alike(color, gray)] == [(2, 3, 3)] * 2
    assert [pixels.shape for pixels in alike(gray, color)] == [(2, 3, 3)] * 2


def test_names_of_peers() -> None:
    assert OURS == "fastdcm_worker"
    assert pictures.by_dcmtk("nothing.dcm", "x.png") != ""
