"""report.md: the figures as tables."""

from __future__ import annotations

from collections.abc import Iterator

from benches.report import headline, tables
from benches.report.figures import Results
from benches.report.tables import Table


def table(rows: Table) -> str:
    """A table of Markdown; the first row is its head."""
    head, *body = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(results: Results) -> str:
    """The whole page."""
    return "\n\n".join(_parts(results)) + "\n"


def _parts(results: Results) -> Iterator[str]:
    yield "# fastdcm: benchmark report"
    for card in headline.cards(results):
        lines = [f"**{card.case}**", f"- one core, one worker: {card.one}"]
        if card.all:
            lines.append(f"- {card.cores} cores, the command from start to exit: {card.all}")
        lines += [f"- on one core {ratio} as fast as {label}" for label, ratio in card.against]
        yield "\n".join(lines[:1]) + "\n\n" + "\n".join(lines[1:])
    yield "\n".join(f"- {sentence}" for sentence in headline.circumstances(results))
    yield "## Goals"
    yield table(tables.goals(results))
    yield "## How it was measured"
    yield from headline.METHOD
    yield "## Speed, case by case"
    for contest in results.data["speed"]:
        yield f"### {title(results, contest)}"
        yield table(tables.contest(results, contest))
    for words, rows in sections(results):
        yield f"## {words}"
        yield table(rows)
    yield "## Benches of the parts"
    for group, rows in tables.benches(results):
        yield f"### {group}"
        yield table(rows)


def title(results: Results, contest: dict[str, object]) -> str:
    """The case, the format, the cores of a contest."""
    format = "PNG" if contest["format"] == "png" else "JPEG"
    cores = f"{contest['cores']} cores" if contest["together"] else "one core"
    return f"{results.cases[str(contest['case'])]['label']} to {format}, {cores}"


def sections(results: Results) -> list[tuple[str, Table]]:
    """The tables behind the speeds, by their titles."""
    return [
        ("Stages of a conversion", tables.stages(results)),
        ("Decoders of our own, beside the libraries'", tables.decoding(results)),
        ("Scaling over -j", tables.scaling(results)),
        ("Memory", tables.memory(results)),
        ("Start-up", startup(results)),
        ("Beside the committed reference", tables.guard(results)),
        ("Peers", tables.peers(results)),
        ("Inputs", tables.cases(results)),
    ]


def startup(results: Results) -> Table:
    """Milliseconds of each process."""
    rows = [
        [row["label"], f"{row['seconds'] * 1e3:.0f}", f"{row['least'] * 1e3:.0f}"]
        for row in results.data["startup"]
    ]
    return [["process, start to exit", "ms, median", "ms, least"], *rows]
