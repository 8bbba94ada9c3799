"""What a reader takes away: a few sentences, made of the figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benches.measure.speed import OURS
from benches.report.figures import Results, Row, number, times

#: Cases that the headline speaks of, where they were measured.
_CASES = ("ct-native", "dx-native", "us-jpeg-baseline")


@dataclass(frozen=True)
class Card:
    """One case: images and megapixels a second on one core and on all, and who is how much slower."""

    case: str
    one: str
    cores: int
    all: str
    against: list[tuple[str, str]]


def cards(results: Results) -> Iterator[Card]:
    """A card for each case of the headline; for the user's own files, the commonest."""
    chosen = [case for case in _CASES if case in results.cases] or list(results.cases)[:3]
    for case in chosen:
        contest = results.contest(case)
        if contest is None:
            continue
        rows = results.rows(contest)
        together = results.contest(case, together=True)
        everywhere = _ours(results.rows(together)) if together else None
        yield Card(
            results.cases[case]["label"],
            _rate(_ours(rows)),
            together["cores"] if together else 1,
            _rate(everywhere),
            [(row.label, times(row.ratio)) for row in rows if row.ratio],
        )


def _ours(rows: list[Row]) -> Row | None:
    """The worker's row, or that of the command where there is no other."""
    by_name = {row.name: row for row in rows}
    return by_name.get(OURS["library"]) or by_name.get(OURS["command"])


def _rate(row: Row | None) -> str:
    if row is None:
        return ""
    return f"{number(row.rate.median)} images/s, {number(row.megapixels)} megapixels/s"


def circumstances(results: Results) -> list[str]:
    """The machine and the versions, a sentence each."""
    machine = results.data["machine"]
    memory = f", {machine['memory'] / 2**30:.0f} GiB of memory" if machine["memory"] else ""
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    codecs = ", ".join(machine["codecs"]["versions"].values())
    files = sum(case["files"] for case in results.cases.values())
    load = results.data["load at the end"]
    rough = " (quick: short and rough)" if results.data["quick"] else ""
    duration = f"the run took {results.data['seconds'] / 60:.1f} minutes{rough}"
    return [
        f"{machine['when']}; {machine['processor']}, {machine['cores']} cores{memory}; {machine['system']}.",
        f"Load {machine['load']} at the start, {load} at the end: other work makes times longer.",
        f"Python {machine['python']}, {packages}; {codecs}; commit {machine['commit'] or 'unknown'}.",
        f"{len(results.cases)} cases of {files} different files, on {machine['filesystem']}; {duration}.",
    ]


#: How it was measured, in the words of both pages.
METHOD = (
    (
        "Everybody converts the same files with the same window to JPEG of quality 90 (or PNG where it says "
        "so), written to the same folder in memory. Each peer has a process of its own, bound to one core; "
        "all take turns, and figures are medians of the rounds, with the slowest and fastest round as the "
        "spread of a ratio."
    ),
    (
        "Libraries are timed in a process that has imported them and has converted one file; they are "
        "compared with one of our workers. Programs are timed from start to exit, one start for all files "
        "(dcmj2pnm, which takes one file, one for each); they are compared with our command. On all cores, "
        "our command has its own workers, and of the others there is a process on each core."
    ),
    (
        "Before anything is timed, each peer's first picture is compared with ours, both decoded again. "
        "Rounding of grey levels alone makes a mean difference of about half a level, and JPEG turns single "
        "levels into up to about a dozen."
    ),
    (
        "What bare calls alone would reach is the sum of what one worker cannot leave out: the file opened "
        "and read, the library's decoder on each frame's bytes, the kernel on its samples, the encoder on "
        "its pixels, the image written and renamed; measured in turns with the worker, at another time "
        "than peers. The encoder alone has its images in memory, and takes its turn among the peers."
    ),
)
