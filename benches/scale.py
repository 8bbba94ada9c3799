"""``python -m benches.scale``: what 10^5, 10^7 and 10^9 objects take on 1, 16 and 1000 cores, by calculation.

Each step of a run has a rate; steps go on side by side, so that the slowest one decides. What is measured
here (`benches.stores`, `benches.scheduling`, `bench_workers.py`) stands beside what a store's maker says of
it. The table of docs/scaling.md is what this prints.
"""

from __future__ import annotations

from dataclasses import dataclass

OBJECTS, CORES = (10**5, 10**7, 10**9), (1, 16, 1000)


@dataclass(frozen=True)
class Costs:
    """Of a CT slice of 512 x 512, native, to JPEG; ``listed``, ``handed_out`` and ``chunks`` are a second."""

    #: Seconds of a core an image, all in all.
    image: float = 2.4e-3
    #: Bytes of an object, and of its image.
    read: int = 527_000
    written: int = 60_000
    #: Bytes a second that 16 cores have between them and a store: 10 Gbit/s.
    network: float = 1.25e9
    #: Names a second of a listing of S3 (1000 a page, 0.15 s each).
    listed_store: float = 6_500
    #: Items a second that the process of a run finds, hands out and counts.
    handed_out: float = 40_000
    #: Chunks a second that a Dask scheduler does at most.
    chunks: float = 300
    #: Requests a second of S3 for each prefix (Amazon's documentation), to read and to write.
    gets: float = 5_500
    puts: float = 3_500


@dataclass(frozen=True)
class Step:
    """A step of a run, and the seconds that it takes by itself."""

    name: str
    seconds: float


def chunk_seconds(cores: int) -> float:
    """How long a chunk takes, as `fastdcm.batch.dask.executor` has it."""
    from fastdcm.batch.dask.executor import _CHUNK_SECONDS, _TASKS_A_SECOND

    return max(_CHUNK_SECONDS, cores / _TASKS_A_SECOND)


def steps(objects: int, cores: int, costs: Costs, *, parts: int = 1, prefixes: int = 1) -> list[Step]:
    """The steps of a run from a store to a store, as ``parts`` runs (--part) over so many prefixes each."""
    from fastdcm.batch.dask.executor import _CHUNK_ITEMS

    items = max(1.0, min(_CHUNK_ITEMS, chunk_seconds(cores // parts or 1) / costs.image))
    return [
        Step("converting", objects * costs.image / cores),
        Step("network", objects * (costs.read + costs.written) / (costs.network * max(1, cores / 16))),
        Step("listing", objects / costs.listed_store / min(parts, prefixes)),
        Step("handing out", objects / costs.handed_out / parts),
        Step("scheduler", objects / items / costs.chunks / parts),
        Step("requests", objects * max(1 / costs.gets, 1 / costs.puts) / prefixes),
    ]


def in_words(seconds: float) -> str:
    """A time, for people."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return (
                f"{seconds / length:.0f} {unit}"
                if seconds >= 10 * length
                else f"{seconds / length:.1f} {unit}"
            )
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def table(costs: Costs, *, parts: int = 1, prefixes: int = 1) -> list[str]:
    """Rows of a table in Markdown: what each takes, by which step, and what the next one takes."""
    rows = ["| objects | cores | takes | because of | next |", "| ---: | ---: | ---: | --- | --- |"]
    for objects in OBJECTS:
        for cores in CORES:
            found = sorted(
                steps(objects, cores, costs, parts=min(parts, cores), prefixes=prefixes), key=_seconds
            )
            slowest, following = found[-1], found[-2]
            exponent = len(str(objects)) - 1
            rows.append(
                f"| 10^{exponent} | {cores} | {in_words(slowest.seconds)} | {slowest.name} "
                f"| {following.name}, {in_words(following.seconds)} |"
            )
    return rows


def _seconds(step: Step) -> float:
    return step.seconds


def main() -> None:
    costs = Costs()
    print("One run, one prefix:\n")
    print("\n".join(table(costs)))
    print("\n100 runs (--part I/100) over 100 prefixes:\n")
    print("\n".join(table(costs, parts=100, prefixes=100)))


if __name__ == "__main__":
    main()
