"""index.html: one file with charts inside, that needs no network and follows the reader's light or dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from benches.report import charts, headline, markdown, tables
from benches.report.figures import Results
from benches.report.style import STYLE
from benches.report.tables import Table

_LEGEND = (
    "Each case on one core unless it says otherwise. <b class=ours>Blue</b> is fastdcm. In brackets, how "
    "many times faster ours is: one worker against libraries, the command against programs. Whiskers: "
    "slowest and fastest round."
)
_STATUSES = (
    "<i>Not measured</i>: the peer "
    "was absent, or the run was a quick one, or on your own files. <i>Bare calls alone</i>: what a program "
    "would reach that does nothing but open, read, call the decoder, the kernel and the encoder, write and "
    "rename. <i>Encoder alone</i>: what would be reached if all but the encoder took no time: no "
    "program that uses it can be faster."
)


def page(results: Results) -> str:
    """The whole page."""
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark"><title>fastdcm: benchmark report</title>',
            f"<style>{STYLE}</style></head><body><main>",
            *_parts(results),
            "</main></body></html>\n",
        ]
    )


def table(rows: Table, kind: str = "") -> str:
    """A table; figures stand right, and the first column is words."""
    head, *body = rows
    lines = [f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>"]
    lines += [f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in body]
    return f'<div class="wide"><table class="{kind}">{"".join(lines)}</table></div>'


def _cell(text: str) -> str:
    status = (
        f' class="{text.replace(" ", "-")}"' if text in ("reached", "not reached", "not measured") else ""
    )
    return f"<td{status}>{escape(text)}</td>"


def _parts(results: Results) -> Iterator[str]:
    yield "<h1>fastdcm: benchmark report</h1>"
    yield f'<p class="lead">{escape(headline.circumstances(results)[0])}</p>'
    yield '<div class="cards">'
    for card in headline.cards(results):
        yield _card(card)
    yield "</div>"
    yield "<h2>Goals</h2>"
    yield _counts(results)
    yield table(tables.goals(results), "goals")
    yield "<h2>Speed, case by case</h2>"
    yield f"<p>{_LEGEND}</p>"
    yield '<div class="grid">'
    for contest in results.data["speed"]:
        yield _contest(results, contest)
    yield "</div>"
    yield from _runs(results)
    yield from _appendix(results)


def _card(card: headline.Card) -> str:
    lines = [f"<section class=card><h3>{escape(card.case)}</h3>"]
    lines.append(f"<p class=big>{_big(card.one)}</p><p>one core, one worker</p>")
    if card.all:
        lines.append(
            f"<p class=big>{_big(card.all)}</p><p>{card.cores} cores, the command from start to exit</p>"
        )
    if card.against:
        lines.append("<p class=against>on one core faster than</p>")
    lines.append("<table>")
    for label, ratio in card.against:
        lines.append(f"<tr><td>{escape(label)}</td><td>{escape(ratio)}</td></tr>")
    return "".join([*lines, "</table></section>"])


def _big(rate: str) -> str:
    images, _, megapixels = rate.partition(", ")
    return f"<b>{escape(images)}</b> <span>{escape(megapixels)}</span>"


def _counts(results: Results) -> str:
    statuses = [row[-1] for row in tables.goals(results)[1:]]
    words = ("reached", "not reached", "not measured")
    counts = ", ".join(f"{statuses.count(word)} {word}" for word in words if word in statuses)
    return f"<p>{counts}. {_STATUSES}</p>"


def _contest(results: Results, contest: dict[str, object]) -> str:
    words = markdown.title(results, contest)
    rows = results.rows(contest)
    chart = charts.bars(rows, words) if rows else ""
    figures = table(tables.contest(results, contest))
    return (
        f"<figure><figcaption>{escape(words)}</figcaption>{chart}"
        f"<details><summary>figures, and how the pictures differ</summary>{figures}</details></figure>"
    )


def _figure(words: str, chart: str, rows: Table) -> str:
    details = f"<details><summary>figures</summary>{table(rows)}</details>"
    return f"<h2>{escape(words)}</h2><figure class=full>{chart}{details}</figure>"


def _runs(results: Results) -> Iterator[str]:
    """Stages, scaling, memory, start-up: a chart and its table each."""
    by_title = dict(markdown.sections(results))
    chart = charts.stages(results, list(results.stages))
    yield _figure("Where the time goes, one worker", chart, by_title["Stages of a conversion"])
    if results.data["decoding"]:
        words = "Decoders of our own, beside the libraries'"
        rows = table(by_title[words], "noted")
        yield f"<h2>{escape(words)}</h2><details><summary>file by file</summary>{rows}</details>"
    if results.data["scaling"]:
        yield _figure("Scaling over -j", charts.scaling(results), by_title["Scaling over -j"])
    if results.data["startup"]:
        yield _figure("Start-up", charts.startup(results), by_title["Start-up"])
    contest = next((found for found in results.data["speed"] if results.rows(found)), None)
    if contest:
        words = f"Peak memory: {markdown.title(results, contest)}; below, as a run gets longer"
        yield _figure(words, charts.memory(results, results.rows(contest)), by_title["Memory"])


def _appendix(results: Results) -> Iterator[str]:
    yield "<h2>How it was measured</h2>"
    for paragraph in headline.METHOD:
        yield f"<p>{escape(paragraph)}</p>"
    yield f"<ul>{''.join(f'<li>{escape(words)}</li>' for words in headline.circumstances(results))}</ul>"
    by_title = dict(markdown.sections(results))
    kinds = {"Peers": "noted", "Inputs": "noted", "Beside the committed reference": ""}
    for words, kind in kinds.items():
        yield f"<h2>{escape(words)}</h2>{table(by_title[words], kind)}"
    yield "<h2>Benches of the parts</h2><details><summary>by group, in milliseconds</summary>"
    for group, rows in tables.benches(results):
        yield f"<h3>{escape(group)}</h3>{table(rows)}"
    yield "</details>"
