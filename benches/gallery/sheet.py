"""index.html: the rows in sections, those that differ most first; anchors lead to them, without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from benches.gallery.pictures import AMPLIFIED, DCMTK, OTHERS, Entry, Shown
from benches.report.style import STYLE as REPORT_STYLE

STYLE = REPORT_STYLE + (Path(__file__).parent / "sheet.css").read_text(encoding="utf-8")
#: Anchor -> heading of the section.
SECTIONS = {
    "failed": "We show nothing",
    "dcmtk": "DCMTK differs by more than one gray",
    "pydicom": "pydicom differs by more than one gray",
    "near": "Equal, or off by one",
    "alone": "Shown by us alone",
}
_DCMTK = (
    "DCMTK is asked for the first window of the file, else for its VOI LUT, else for the range of the "
    "pixels; up to 8 bits pass as they are. It does not see windows in functional groups, counts padding in "
    "(PS3.3 C.7.5.1.1.2), follows Presentation LUT Shape, and shows single bits as 0 and 128."
)
_PYDICOM = (
    "pydicom makes a picture by iter_pixels, apply_rescale and apply_voi_lut, as its documentation has it, "
    "or by apply_color_lut; what has no window is stretched from the least to the greatest value, with "
    "padding; label maps, too. It does not see functional groups."
)
_NEITHER = (
    "Neither knows supplemental palettes (C.7.6.23). dcmj2pnm has no decoder for JPEG 2000 and JPEG-LS. "
    "Lossy JPEG and YCbCr differ by a gray or two between decoders (T.81 A.3.3)."
)
_DIFFERENCES = "".join(f"<li>{words}</li>" for words in (_DCMTK, _PYDICOM, _NEITHER))


def section_of(entry: Entry) -> str:
    """The anchor of the section that a file belongs to."""
    dcmtk, pydicom = (entry.others[OTHERS.index(peer)] for peer in (DCMTK, OTHERS[1]))
    if not entry.ours.thumbnail:
        return "failed"
    if not dcmtk.thumbnail and not pydicom.thumbnail:
        return "alone"
    if dcmtk.most > 1:
        return "dcmtk"
    return "pydicom" if pydicom.most > 1 else "near"


def page(entries: Iterable[Entry], no_images: dict[str, str], data: str) -> str:
    """The whole sheet; ``no_images`` are names of files and why they have no picture."""
    sections: dict[str, list[Entry]] = {anchor: [] for anchor in SECTIONS}
    for entry in entries:
        sections[section_of(entry)].append(entry)
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark"><title>fastdcm: contact sheet</title>',
            f"<style>{STYLE}</style></head><body><main>",
            *_parts(sections, no_images, data),
            "</main></body></html>\n",
        ]
    )


def _parts(sections: dict[str, list[Entry]], no_images: dict[str, str], data: str) -> Iterator[str]:
    count = sum(map(len, sections.values()))
    yield "<h1>fastdcm: contact sheet</h1>"
    yield (
        f'<p class="lead">{count} images of {escape(data)}: the first frame of each by fastdcm, DCMTK and '
        f"pydicom with Pillow, and how much the others differ from ours in gray levels of 255. Differences "
        f"are drawn {AMPLIFIED} times as bright as they are, the largest of each area.</p>"
    )
    yield f"<details><summary>What the others do in another way</summary><ul>{_DIFFERENCES}</ul></details>"
    links = [
        f'<a href="#{anchor}">{escape(heading)} <b>{len(sections[anchor])}</b></a>'
        for anchor, heading in SECTIONS.items()
    ]
    yield f'<nav>{"".join(links)}<a href="#none">No images <b>{len(no_images)}</b></a></nav>'
    for anchor, heading in SECTIONS.items():
        yield f'<h2 id="{anchor}">{escape(heading)} ({len(sections[anchor])})</h2>'
        for entry in sorted(sections[anchor], key=lambda entry: entry.worst, reverse=True):
            yield _row(entry)
    yield f'<h2 id="none">No images ({len(no_images)})</h2><ul>'
    for name, why in no_images.items():
        yield f"<li><b>{escape(name)}</b>: {escape(why)}</li>"
    yield "</ul>"


def _row(entry: Entry) -> str:
    words = [entry.what, entry.rule]
    notices = "".join(f'<p class="notice">{escape(notice)}</p>' for notice in entry.notices)
    cells = [_picture(entry.ours)]
    for other in entry.others:
        cells += [_picture(other), _difference(other)]
    return (
        f'<section class="file"><h3>{escape(entry.name)}</h3>'
        f"<p>{'. '.join(escape(part) for part in words if part)}</p>{notices}"
        f'<div class="row">{"".join(cells)}</div></section>'
    )


def _picture(shown: Shown) -> str:
    words = f"<span>{escape(shown.words)}</span>" if shown.words else ""
    image = _image(shown.thumbnail, shown.label) if shown.thumbnail else '<p class="none">no picture</p>'
    return f"<figure>{image}<figcaption>{escape(shown.label)} {words}</figcaption></figure>"


def _difference(shown: Shown) -> str:
    if not shown.deviation:
        return "<figure></figure>"
    found = shown.deviation
    none = "another size" if "words" in found else "equal"
    image = _image(shown.difference, "the difference") if shown.difference else f'<p class="none">{none}</p>'
    words = found.get("words") or f"largest {found['most']}, mean {found['mean']:.3g}"
    return f"<figure>{image}<figcaption>{escape(words)}</figcaption></figure>"


def _image(place: str, words: str) -> str:
    return f'<a href="{place}"><img src="{place}" alt="{escape(words)}" loading="lazy"></a>'
