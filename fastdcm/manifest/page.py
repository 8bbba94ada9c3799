"""A page of what a manifest tells: one file, for browsers without a network, light and dark."""

from __future__ import annotations

import base64
import html
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from fastdcm.codecs.table import SYNTAXES
from fastdcm.errors import OptionError, SourceError, cannot_write
from fastdcm.manifest.reading import THERE, Row, latest
from fastdcm.manifest.rows import output_path
from fastdcm.manifest.sums import Sums
from fastdcm.sources.addresses import is_remote
from fastdcm.sources.reading import bytes_of

#: Pictures of the sheet, and their longest side.
_PICTURES, _SIDE = 60, 160
#: Points of the curve.
_POINTS = 240
#: By which a page is known again.
_OURS = '<meta name="generator" content="fastdcm report">'
_STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --raised: #fff; --line: #d5d9e0; --text: #1b1f27;
  --quiet: #5d6675; --accent: #0b62c4; --alarm: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171c; --raised: #1d2128; --line: #343b47;
  --text: #e7eaf0; --quiet: #9aa4b4; --accent: #74b1ff; --alarm: #ff8a80; } }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem; background: var(--ground); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } .quiet { color: var(--quiet); }
.cards { display: flex; flex-wrap: wrap; gap: .8rem; }
.cards div, figure { background: var(--raised); border: 1px solid var(--line); border-radius: 8px; }
.cards div { padding: .6rem 1rem; }
.cards b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
.alarm { color: var(--alarm); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; background: var(--raised); border: 1px solid var(--line); }
th, td { padding: .35rem .7rem; text-align: left; border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; } td:first-child, th { overflow-wrap: normal; white-space: nowrap; }
th { color: var(--quiet); } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; background: var(--raised); border: 1px solid var(--line); }
svg text { fill: var(--quiet); font: 12px system-ui, sans-serif; }
svg .grid { stroke: var(--line); }
svg .curve { fill: none; stroke: var(--accent); stroke-width: 1.5; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: .7rem; }
figure { margin: 0; overflow: hidden; }
figure span { display: flex; height: 10rem; align-items: center; justify-content: center; background: #000; }
figcaption { padding: .3rem .6rem; font-size: .85em; overflow-wrap: anywhere; }
"""


def write_page(manifest: str, output: str | None = None, *, overwrite: bool = False) -> str:
    """Write the page, beside the manifest unless ``output`` names it; its path.

    A page of before is replaced, something else with ``overwrite`` only. Raises `OptionError` where that is
    no manifest, `OutputError` where the page cannot be written.
    """
    path = output or os.path.splitext(manifest)[0] + ".html"
    if not overwrite and _is_foreign(path):
        raise OptionError(f"{path} is there, and no page of fastdcm: name another one, or --overwrite")
    sums = Sums.of(latest(manifest))
    pictures = _sheet(manifest, sums.images)
    parts = [
        _head(manifest, sums),
        _cards(sums),
        _groups(sums),
        _failures(sums),
        _others(sums),
        _curve(sums),
        *pictures,
    ]
    text = f"<!doctype html>\n{''.join(parts)}</body></html>\n"
    temporary = f"{path}.part"
    try:
        with open(temporary, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        raise cannot_write(path, error) from error
    return path


def _is_foreign(path: str) -> bool:
    """Whether something is there that is no page of ours."""
    try:
        with open(path, "rb") as file:
            return _OURS.encode() not in file.read(1000)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _head(manifest: str, sums: Sums) -> str:
    name = html.escape(os.path.basename(manifest))
    start = sums.times.start
    when = "" if start is None else datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f'<html lang="en"><head><meta charset="utf-8">{_OURS}'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{name}</title><style>{_STYLE}</style></head><body><h1>{name}</h1>"
        f'<p class="quiet">{when}</p>'
    )


def _cards(sums: Sums) -> str:
    seconds = sums.times.seconds
    cards = [
        (f"{sums.images:,}", "images"),
        (_size(sums.bytes), "written"),
        (f"{sums.failed:,}", "failed"),
        (f"{sums.skipped:,}", "without an image"),
    ]
    if sums.copied:
        cards.append((f"{sums.copied:,}", "JPEG frames copied"))
    if seconds > 0:
        cards.append((_rate(sums.times.images / seconds), "images a second"))
        pauses = len(sums.times.spans()) - 1
        cards.append(
            (_duration(seconds), "at work, pauses left out" if pauses else "from the first to the last")
        )
    alarm = ' class="alarm"'
    made = [
        f"<div><b{alarm if words == 'failed' and sums.failed else ''}>{number}</b>{words}</div>"
        for number, words in cards
    ]
    return f'<div class="cards">{"".join(made)}</div>'


def _groups(sums: Sums) -> str:
    rows = []
    for group, count in sums.groups.most_common():
        uid = group.transfer_syntax_uid
        name = SYNTAXES[uid].name if uid in SYNTAXES else uid or "unknown"
        took = sums.group_milliseconds[group] / count
        rows.append([group.modality, name, f"{count:,}", f"{took:,.1f}" if took else ""])
    head = ["Modality", "Transfer syntax", "Images", "ms an image"]
    return f"<h2>What was converted</h2>{_table(head, rows, numbers=2)}" if rows else ""


def _failures(sums: Sums) -> str:
    rows = [
        [error, message, sums.examples[error, message], f"{count:,}"]
        for (error, message), count in sums.failures.most_common()
    ]
    head = ["Error", "Why", "For example", "How many"]
    return f"<h2>What failed</h2>{_table(head, rows, numbers=1)}" if rows else ""


def _others(sums: Sums) -> str:
    parts = []
    for title, counts in (("Files without an image", sums.reasons), ("Notices", sums.notices)):
        if counts:
            rows = [[words, f"{count:,}"] for words, count in counts.most_common()]
            parts.append(f"<h2>{title}</h2>{_table(['What', 'How many'], rows, numbers=1)}")
    return "".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int) -> str:
    """A table whose last columns are ``numbers``."""

    def cells(tag: str, row: Sequence[str]) -> str:
        first = len(row) - numbers
        marks = [' class="n"' if place >= first else "" for place in range(len(row))]
        return "".join(
            f"<{tag}{mark}>{html.escape(cell)}</{tag}>" for mark, cell in zip(marks, row, strict=True)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    head_row = f"<thead><tr>{cells('th', head)}</tr></thead>"
    return f'<div class="wide"><table>{head_row}<tbody>{body}</tbody></table></div>'


def _curve(sums: Sums) -> str:
    width, counts = sums.times.curve(_POINTS)
    if len(counts) < 2:
        return ""
    rates = [count / width for count in counts]
    top = _round_up(max(rates))
    left, right, bottom, height = 60, 980, 230, 200
    step = (right - left) / (len(rates) - 1)
    points = " ".join(
        f"{left + place * step:.1f},{bottom - rate / top * height:.1f}" for place, rate in enumerate(rates)
    )
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * height
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{top * share:,.4g}</text>')
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        words = _duration(share * len(rates) * width)
        x = left + share * (right - left)
        parts.append(f'<text x="{x}" y="{bottom + 20}" text-anchor="{anchor}">{words}</text>')
    parts.append(f'<polyline class="curve" points="{points}"/>')
    label = "Images a second over the time of the run"
    return (
        f"<h2>Images a second, over time</h2>"
        f'<svg viewBox="0 0 1000 260" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )


def _round_up(value: float) -> float:
    """The next number of one digit that is 1, 2 or 5."""
    power = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return next(step * power for step in (1, 2, 5, 10, 100) if step * power >= value)


def _sheet(manifest: str, images: int) -> list[str]:
    """A sheet of pictures, some of each modality, spread over the run."""
    folder = os.path.dirname(os.path.abspath(manifest))
    step = max(1, images // (4 * _PICTURES))
    taken: Counter[str] = Counter()
    chosen: list[Row] = []
    for place, row in enumerate(row for row in latest(manifest) if row["status"] in THERE):
        modality = row.get("modality") or "unknown"
        if place % step == 0 or not taken[modality]:
            taken[modality] += 1
            chosen.append(row)
    chosen = sorted(chosen, key=lambda row: row.get("modality") or "unknown")
    spread = max(1.0, len(chosen) / _PICTURES)
    figures = []
    for place in range(min(len(chosen), _PICTURES)):
        row = chosen[int(place * spread)]
        picture = _thumbnail(output_path(row["output"], folder))
        if picture is not None:
            words = html.escape(f"{row.get('modality') or 'unknown'}: {row['output']}")
            figures.append(
                f'<figure><span><img src="{picture}" alt=""></span><figcaption>{words}</figcaption></figure>'
            )
    return ["<h2>Some of the images</h2>", f'<div class="sheet">{"".join(figures)}</div>'] if figures else []


def _thumbnail(path: str) -> str | None:
    """A small JPEG as an address of data; None where Pillow does not read the image, or it is gone."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(bytes_of(path)) if is_remote(path) else path) as image:
            image.draft("RGB", (_SIDE, _SIDE))
            picture: Any = image
            if image.mode.startswith(("I", "F")):
                picture = image.convert("F").point(lambda value: value / 257).convert("L")
            elif image.mode not in ("L", "RGB"):
                picture = image.convert("RGB")
            picture.thumbnail((_SIDE, _SIDE))
            data = BytesIO()
            picture.save(data, "JPEG", quality=80)
    except (OSError, SourceError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode('ascii')}"


def _size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
