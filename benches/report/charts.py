"""Charts as SVG that lies in the page: text is text, and colours are those of the page, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benches.report.figures import Results, Row, number
from fastdcm.batch.stages import STAGES

#: Stand-ins that matplotlib draws with -> the page's CSS variables.
COLOURS = {
    "#010101": "--ink",
    "#020202": "--muted",
    "#030303": "--grid",
    "#040404": "--ours",
    "#050505": "--theirs",
    "#060606": "--floor",
    **{f"#0700{number:02x}": f"--stage-{number}" for number in range(1, 8)},
}
_BY_NAME = {variable: stand_in for stand_in, variable in COLOURS.items()}
INK, MUTED, GRID, OURS, THEIRS, FLOOR = (
    _BY_NAME[name] for name in ("--ink", "--muted", "--grid", "--ours", "--theirs", "--floor")
)


_STYLE = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GRID,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid.axis": "x",
    "grid.color": GRID,
    "axes.axisbelow": True,
}


#: Widths in inches: of a chart in a column of two, and of one across the page.
_HALF, _WIDE = 7.4, 11.0
#: How much of a wide chart's axis the words beside a bar take.
_LABEL = 0.11


def _figure(height: float, width: float = _HALF) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    return figure, axes


def _svg(figure: Figure, words: str) -> str:
    """The figure as an element of a page, described in ``words`` for those who cannot see it."""
    file = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": words, "svg.fonttype": "none"}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for stand_in, variable in COLOURS.items():
        text = text.replace(stand_in, f"var({variable})")
    label = words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>',
        rf'<svg viewBox="\1" role="img" aria-label="{label}">',
        text,
        count=1,
    )


def bars(rows: Sequence[Row], words: str) -> str:
    """Images a second of each peer, the fastest on top; whiskers from the slowest round to the fastest."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(0.75 + 0.34 * len(rows))
        places = range(len(rows))
        medians = [row.rate.median for row in rows]
        low = [row.rate.median - row.rate.least for row in rows]
        high = [row.rate.most - row.rate.median for row in rows]
        colours = [OURS if row.is_ours else THEIRS for row in rows]
        axes.barh(places, medians, color=colours, height=0.66)
        axes.errorbar(medians, places, xerr=[low, high], fmt="none", ecolor=INK, elinewidth=1, capsize=2)
        for place, row in enumerate(rows):
            ratio = f"  (ours {number(row.ratio.median)} ×)" if row.ratio else ""
            text = f"{number(row.rate.median)}{ratio}"
            axes.annotate(text, (row.rate.most, place), (6, 0), textcoords="offset points", va="center")
        axes.set_yticks(places, [row.label for row in rows])
        axes.invert_yaxis()
        axes.set_xlabel("images a second (more is better)")
        axes.set_xlim(0, max(row.rate.most for row in rows) * 1.32)
        _plain(axes)
        return _svg(figure, words)


def _plain(axes: Axes) -> None:
    axes.grid(visible=True, axis="x")
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)


def stages(results: Results, cases: Sequence[str]) -> str:
    """Where the time of a worker goes, in multiples of the floor, a bar a case."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(1.3 + 0.32 * len(cases), _WIDE)
        left = [0.0] * len(cases)
        for index, stage in enumerate(STAGES, 1):
            widths = []
            for case in cases:
                seconds = results.stages[case]["seconds"]
                widths.append(seconds.get(stage, 0.0) / floor_of(seconds))
            axes.barh(
                range(len(cases)),
                widths,
                left=left,
                height=0.66,
                color=_BY_NAME[f"--stage-{index}"],
                label=stage,
            )
            left = [start + width for start, width in zip(left, widths, strict=True)]
        totals = [results.stages[case]["seconds"] for case in cases]
        whole = [seconds["total"] / floor_of(seconds) for seconds in totals]
        axes.plot(
            whole,
            range(len(cases)),
            "|",
            color=INK,
            markersize=14,
            markeredgewidth=2,
            label="whole, as in a run",
        )
        most = max([*left, *whole]) * 1.18
        for place, seconds in enumerate(totals):
            text = f"{number(seconds['total'] * 1e6)} µs"
            at = max(left[place], whole[place])
            if at < 1 < at + _LABEL * most:
                at = 1.0  # behind the floor's line, which would go through the words
            axes.annotate(text, (at, place), (8, 0), textcoords="offset points", va="center")
        axes.axvline(1, color=FLOOR, linewidth=1.5, label="floor: bare decoder and encoder")
        axes.set_yticks(range(len(cases)), [results.cases[case]["label"] for case in cases])
        axes.invert_yaxis()
        axes.set_xlim(0, most)
        axes.set_xlabel(
            "time of an image in multiples of the floor (less is better), beside it in microseconds"
        )
        figure.legend(loc="outside upper center", ncols=5, frameon=False)
        _plain(axes)
        return _svg(figure, "Stages of a conversion")


def floor_of(seconds: dict[str, float]) -> float:
    """What decoder and encoder alone take."""
    return seconds.get("bare decode", 0.0) + seconds["bare encode"]


def scaling(results: Results) -> str:
    """Speed-up over jobs, ours and the bare encoder's; a panel a case."""
    found = results.data["scaling"]
    with mpl.rc_context({**_STYLE, "axes.grid.axis": "both"}):
        figure, panels = plt.subplots(
            1, len(found), figsize=(_WIDE, 3.3), layout="constrained", squeeze=False
        )
        for axes, case in zip(panels[0], found, strict=True):
            jobs = [point["jobs"] for point in case["points"]]
            axes.plot(jobs, jobs, ":", color=MUTED, label="ideal")
            for key, label, colour in (
                ("bare speed-up", "bare encoder", FLOOR),
                ("speed-up", "fastdcm", OURS),
            ):
                values = [point[key] for point in case["points"]]
                axes.plot(jobs, values, "o-", color=colour, label=label, linewidth=2)
            axes.set_xticks(jobs)
            axes.set_ylim(0, max(jobs) * 1.1)
            axes.set_xlim(min(jobs) - 0.2, max(jobs) + 0.2)
            axes.set_xlabel("processes (-j)")
            axes.set_ylabel("times as fast as with one")
            axes.set_title(f"{results.cases[case['case']]['label']}, {case['files']} files", fontsize=10)
            axes.grid(visible=True)
        handles, labels = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
        return _svg(figure, "Scaling over -j")


def _simple(rows: Sequence[tuple[str, float, bool]], label: str, unit: str, words: str) -> str:
    """A bar a row: label, value, whether it is ours."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(0.75 + 0.32 * len(rows), _WIDE)
        values = [value for _, value, _ in rows]
        axes.barh(
            range(len(rows)), values, color=[OURS if ours else THEIRS for *_, ours in rows], height=0.66
        )
        for place, value in enumerate(values):
            axes.annotate(
                f"{number(value)} {unit}", (value, place), (6, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
        axes.invert_yaxis()
        axes.set_xlabel(f"{label} (less is better)")
        axes.set_xlim(0, max(values) * 1.2)
        _plain(axes)
        return _svg(figure, words)


def memory(results: Results, rows: Sequence[Row]) -> str:
    """The most memory of each peer in a contest."""
    found: list[tuple[str, float, bool]] = [
        (row.label, row.peak / 2**20, row.is_ours) for row in rows if row.peak is not None
    ]
    return _simple(sorted(found, key=lambda row: row[1]), "peak memory, MiB", "MiB", "Peak memory")


def startup(results: Results) -> str:
    """One file from process start to exit, and what is beside it."""
    rows: list[dict[str, Any]] = results.data["startup"]
    found = [(row["label"], row["seconds"] * 1e3, row["label"].startswith("fastdcm")) for row in rows]
    return _simple(sorted(found, key=lambda row: row[1]), "milliseconds, start to exit", "ms", "Start-up")
