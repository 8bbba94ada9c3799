"""The report's tables as rows of text, for both pages."""

from __future__ import annotations

from typing import Any

from benches.report.figures import BARE, Results, Spread, deviation_words, mebibytes, number, times
from benches.report.goals import verdicts
from fastdcm.batch.stages import STAGES

Table = list[list[str]]


def contest(results: Results, found: dict[str, Any]) -> Table:
    """Everybody with a case; below, who could not, and why."""
    head = [
        "",
        "images/s",
        "megapixels/s",
        "ours is faster by (spread)",
        "picture, against ours",
        "files a round",
        "memory",
    ]
    rows = [
        [
            row.label,
            number(row.rate.median),
            number(row.megapixels),
            times(row.ratio),
            "" if row.is_ours else deviation_words(row.deviation),
            number(row.files),
            mebibytes(row.peak),
        ]
        for row in results.rows(found)
    ]
    failed = [
        [peer["label"], "cannot", "", "", peer["failed"][:90], "", ""]
        for peer in found["peers"]
        if peer["failed"]
    ]
    return [head, *rows, *failed]


def stages(results: Results) -> Table:
    """Microseconds an image of each stage, beside the floor."""
    head = [
        "µs an image",
        *STAGES,
        "whole",
        "bare read",
        "bare decoder",
        "kernel",
        "bare encoder",
        "bare write",
        "beyond codecs and kernel",
        "beyond all that is bare",
        "whole / floor (spread)",
    ]
    rows = []
    for case, found in results.stages.items():
        seconds = found["seconds"]
        figures = [_micro(seconds.get(name)) for name in [*STAGES, "total", *BARE]]
        # A stream that is copied needs no codec, of which there could be anything beyond.
        copied = found["untouched"] is not None
        beyond = ["", ""] if copied else [_micro(results.overhead(case)), _micro(results.handling(case))]
        rows.append([results.cases[case]["label"], *figures, *beyond, times(results.floor_ratio(case))])
    return [head, *rows]


def decoding(results: Results) -> Table:
    """Each real file that decoders were compared on, by kind, the slowest for us first."""
    head = ["", "file", "library, ms", "ours, ms", "ours is faster by (spread)"]
    found = sorted(results.data["decoding"], key=lambda one: (one["kind"], one["ratio"]["median"]))
    rows = [
        [
            one["kind"],
            results.cases[one["case"]]["label"] if one["case"] else one["file"],
            number(one["library"] * 1e3),
            number(one["own"] * 1e3),
            times(Spread(**one["ratio"])),
        ]
        for one in found
    ]
    return [head, *rows]


def _micro(seconds: float | None) -> str:
    return "" if seconds is None else number(seconds * 1e6)


def goals(results: Results) -> Table:
    """Every goal and whether it was reached."""
    head = ["case", "against", "goal", "measured (spread)", "bare calls alone", "encoder alone", ""]
    rows = (
        [v.goal.case, v.goal.what, v.bound, v.measured, v.ideal, v.encoder_alone, v.status]
        for v in verdicts(results)
    )
    return [head, *rows]


def scaling(results: Results) -> Table:
    """Ours and the bare encoder's, at each number of jobs."""
    head = [
        "",
        "files",
        "-j",
        "seconds",
        "times as fast",
        "bare encoder",
        "of its scaling (spread)",
        "start-up, seconds",
        "without it (spread)",
        "workers ready, and without a file",
        "parent's processor time",
    ]
    rows = []
    for found in results.data["scaling"]:
        for point in found["points"]:
            of_scaling, once_started = (
                f"{share['median']:.3f} ({share['least']:.3f} – {share['most']:.3f})"
                for share in (point["relative"], point["once started"])
            )
            more = point["jobs"] > 1
            rows.append(
                [
                    results.cases[found["case"]]["label"], str(found["files"]), str(point["jobs"]),
                    number(point["seconds"]), f"{point['speed-up']:.2f}", f"{point['bare speed-up']:.2f}",
                    of_scaling if more else "", f"{point['start']:.2f}", once_started if more else "",
                    f"{100 * point['waited']:.2f} %",
                    f"{100 * point['parent share']:.1f} %",
                ]
            )  # fmt: skip
    return [head, *rows]


def memory(results: Results) -> Table:
    """Peaks as a run gets longer."""
    found = results.data["memory"]
    rows = [
        [f"{number(point['files'])} files", mebibytes(point["parent"]), mebibytes(point["worker"])]
        for point in found["files"]["points"]
    ]
    frames = found["frames"]
    words = f"one object of {number(frames['frames'])} frames"
    return [
        ["", "parent", "worker"],
        *rows,
        [words, mebibytes(frames["parent"]), mebibytes(frames["worker"])],
    ]


def peers(results: Results) -> Table:
    """Who was there, and how to get who was not."""
    rows = []
    for peer in results.data["peers"]:
        absent = f"absent: {peer['how']}" if "how" in peer else ""
        rows.append([peer["label"], peer.get("version", ""), peer.get("kind", ""), absent])
    return [["peer", "version", "kind", ""], *rows]


def cases(results: Results) -> Table:
    """What was converted."""
    head = ["case", "files", "images", "megapixels an image", "MiB a file", "made of"]
    return [
        head,
        *(
            [
                case["label"], str(case["files"]), str(case["frames"]),
                number(case["pixels"] / case["frames"] / 1e6), number(case["bytes"] / case["files"] / 2**20),
                case["source"],
            ]
            for case in results.cases.values()
        ),
    ]  # fmt: skip


def guard(results: Results) -> Table:
    """The floor's ratios beside the committed ones."""
    rows = [
        [
            results.cases[row["case"]]["label"],
            f"{row['ratio']:.2f}",
            "" if row["reference"] is None else f"{row['reference']:.2f}",
            row["verdict"],
        ]
        for row in results.data["guard"]
    ]
    return [["whole / floor", "now", "reference", ""], *rows]


def benches(results: Results) -> list[tuple[str, Table]]:
    """pytest-benchmark's figures, a table a group; its first row is what the others are compared with."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for bench in results.data["benches"]:
        groups.setdefault(bench["group"] or "", []).append(bench)
    tables = []
    for group, found in groups.items():
        rows = [
            [
                _bench_name(bench, group),
                number(bench["least"] * 1e3),
                number(bench["median"] * 1e3),
                str(bench["rounds"]),
                f"{bench['median'] / found[0]['median']:.2f}",
            ]
            for bench in found
        ]
        tables.append((group, [["ms", "least", "median", "rounds", "ratio"], *rows]))
    return tables


def _bench_name(bench: dict[str, Any], group: str) -> str:
    """The bench's function, its parameter where the group does not say it, what it noted."""
    function, _, parameter = bench["name"].removeprefix("bench_").rstrip("]").partition("[")
    parts = [function.replace("_", " ")]
    if parameter and parameter not in group:
        parts.append(parameter)
    return ", ".join([*parts, *(f"{count} {unit}" for unit, count in bench["notes"].items())])
