"""``python benches/report.py BENCHMARKS.json REPORT.md``: pytest-benchmark's figures as a table a group."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("fastdcm", "numpy", "numba", "imagecodecs", "pydicom", "PyTurboJPEG", "pillow")


def lines(report: dict[str, Any]) -> Iterator[str]:
    """The report's lines; the first bench of a group is the one that the others are compared with."""
    cpu = report["machine_info"]["cpu"].get("brand_raw", "unknown processor")
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    yield "# Benchmarks\n"
    when = report["datetime"][:16].replace("T", " ")
    yield f"{when} UTC. {cpu}, {os.cpu_count()} cores, {platform.platform()}."
    yield f"Python {platform.python_version()}, {versions}.\n"
    yield "Times in milliseconds; *ratio* is that of the minima, to the first row of each table.\n"
    groups: dict[str, list[dict[str, Any]]] = {}
    for bench in report["benchmarks"]:
        groups.setdefault(bench["group"], []).append(bench)
    for group, benches in groups.items():
        yield f"## {group}\n"
        yield "| | min | median | rounds | ratio |\n| --- | --- | --- | --- | --- |"
        for bench in benches:
            stats = bench["stats"]
            ratio = stats["min"] / benches[0]["stats"]["min"]
            times = f"{stats['min'] * 1e3:.3f} | {stats['median'] * 1e3:.3f}"
            yield f"| {name(bench, group)} | {times} | {stats['rounds']} | {ratio:.2f} |"
        yield ""


def name(bench: dict[str, Any], group: str) -> str:
    """The bench's function, and its parameter where the group does not say it, what it noted."""
    function, _, parameter = bench["name"].removeprefix("bench_").rstrip("]").partition("[")
    parts = [function.replace("_", " ")]
    if parameter and parameter not in group:
        parts.append(parameter)
    parts += [f"{number} {unit}" for unit, number in bench["extra_info"].items()]
    return ", ".join(parts)


def main(source: Path, target: Path) -> None:
    report = json.loads(source.read_text(encoding="utf-8"))
    target.write_text("\n".join(lines(report)), encoding="utf-8")
    print(f"{len(report['benchmarks'])} benches: {target}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
