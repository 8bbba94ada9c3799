"""What the figures of results.json say: ratios with their spread, and words for numbers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benches.measure.speed import OURS

#: What nobody can leave out, as `benches.measure.stages` calls it: the codecs' and the kernel's; all of it.
CODECS = ("bare decode", "kernel", "bare encode")
BARE = ("bare read", *CODECS, "bare write")


@dataclass(frozen=True)
class Spread:
    """The median of several rounds, and their ends."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Row:
    """A peer in a contest: images a second, and how many times ours is faster; ``ratio`` of ours is None."""

    name: str
    label: str
    kind: str
    rate: Spread
    megapixels: float
    ratio: Spread | None
    deviation: dict[str, Any]
    files: int
    peak: int | None

    @property
    def is_ours(self) -> bool:
        return self.name in OURS.values()


#: What a run that was ended early has not measured.
_NOTHING: dict[str, Any] = {
    **{
        part: []
        for part in (
            "stages",
            "speed",
            "decoding",
            "small",
            "scaling",
            "startup",
            "reading",
            "benches",
            "guard",
        )
    },
    "memory": {"files": {"points": []}, "frames": {"frames": 0, "parent": None, "worker": None}},
}


class Results:
    """results.json, asked by case, format and peer."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data = {**_NOTHING, **data}
        self.cases: dict[str, dict[str, Any]] = {case["id"]: case for case in data["cases"]}
        self.stages: dict[str, dict[str, Any]] = {found["case"]: found for found in data["stages"]}

    def contest(self, case: str, format: str = "jpeg", *, together: bool = False) -> dict[str, Any] | None:
        """Who was measured with a case; None where nobody was."""
        for found in self.data["speed"]:
            same = (found["case"], found["format"]) == (case, format)
            if same and bool(found.get("together")) == together:
                result: dict[str, Any] = found
                return result
        return None

    def rows(self, contest: dict[str, Any]) -> list[Row]:
        """The peers that did the work, the fastest first."""
        case = self.cases[contest["case"]]
        size = case["pixels"] / case["frames"] / 1e6
        times = {peer["name"]: peer["seconds"] for peer in contest["peers"] if peer["seconds"]}
        rows = []
        for peer in contest["peers"]:
            if peer["name"] not in times:
                continue
            rates = Spread.of([1 / seconds for seconds in times[peer["name"]]])
            ours = OURS["command"] if contest.get("together") else OURS[peer["kind"]]
            ratio = None
            if peer["name"] not in OURS.values() and ours in times:
                pairs = zip(times[peer["name"]], times[ours], strict=False)
                ratio = Spread.of([theirs / own for theirs, own in pairs])
            rows.append(
                Row(
                    peer["name"], peer["label"], peer["kind"], rates, rates.median * size, ratio,
                    peer["deviation"], peer["files"], peer["peak"],
                )
            )  # fmt: skip
        return sorted(rows, key=lambda row: -row.rate.median)

    def ratio(self, case: str, peer: str, format: str = "jpeg") -> Spread | None:
        """How many times faster than a peer ours is with a case."""
        contest = self.contest(case, format)
        rows = self.rows(contest) if contest else []
        return next((row.ratio for row in rows if row.name == peer), None)

    def floor_ratio(self, case: str) -> Spread | None:
        """What a worker takes for an image, in multiples of bare decoding and encoding."""
        found = self.stages.get(case)
        return Spread(**found["ratio"]) if found else None

    def small_ratio(self, case: str) -> Spread | None:
        """How many times faster a small image is than full decoding by the library, rendering, resizing."""
        for found in self.data["small"]:
            if found["case"] == case:
                return Spread(**found["ratio"])
        return None

    def decode_ratio(self, case: str) -> Spread | None:
        """How many times faster than the library our own decoder is with the first frame of a case."""
        for found in self.data["decoding"]:
            if found["case"] == case:
                return Spread(**found["ratio"])
        return None

    def decoded(self, kind: str) -> list[dict[str, Any]]:
        """The real files of a kind that decoders were compared on."""
        return [found for found in self.data["decoding"] if found["kind"] == kind]

    def kind_ratio(self, kind: str) -> Spread | None:
        """How many times faster ours is with all of a kind together, with the ends of single files."""
        if not (files := self.decoded(kind)):
            return None
        ratios = [found["ratio"]["median"] for found in files]
        together = sum(found["library"] for found in files) / sum(found["own"] for found in files)
        return Spread(together, min(ratios), max(ratios))

    def bare_ratio(self, case: str) -> float | None:
        """`floor_ratio` of a program that only reads, decodes, renders, encodes and writes, by bare calls."""
        if case not in self.stages:
            return None
        return self._sum(case, BARE) / self._sum(case, ("bare decode", "bare encode"))

    def bare_peer_ratio(self, case: str, peer: str) -> float | None:
        """How many times faster than a peer such a program would be, to JPEG."""
        contest = self.contest(case)
        times = {found["name"]: found["seconds"] for found in contest["peers"]} if contest else {}
        if not times.get(peer) or case not in self.stages:
            return None
        return statistics.median(times[peer]) / self._sum(case, BARE)

    def encoder_peer_ratio(self, case: str, peer: str) -> float | None:
        """The same of a program that took no time but its encoder's, which took its turn with the peer."""
        contest = self.contest(case)
        times = {found["name"]: found["seconds"] for found in contest["peers"]} if contest else {}
        encoder = contest.get("encoder") if contest else None
        if not times.get(peer) or not encoder:
            return None
        pairs = zip(times[peer], encoder, strict=False)
        return statistics.median(theirs / least for theirs, least in pairs)

    def _sum(self, case: str, stages: Sequence[str]) -> float:
        seconds = self.stages[case]["seconds"]
        return float(sum(seconds.get(name, 0.0) for name in stages))

    def overhead(self, case: str) -> float:
        """Seconds an image that are neither a codec's nor the kernel's."""
        return self._beyond(case, CODECS)

    def handling(self, case: str) -> float:
        """Seconds an image beyond codecs, kernel, and the bare reading and writing of files."""
        return self._beyond(case, BARE)

    def _beyond(self, case: str, names: Sequence[str]) -> float:
        return float(self.stages[case]["seconds"]["total"]) - self._sum(case, names)


def number(value: float, digits: int = 3) -> str:
    """A figure with so many significant digits, thousands apart."""
    if value >= 10 ** (digits - 1):
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:.{digits}g}"


def times(spread: Spread | None) -> str:
    """A ratio with its spread."""
    if spread is None:
        return ""
    if spread.least == spread.most:
        return f"{number(spread.median)} ×"
    return f"{number(spread.median)} × ({number(spread.least)} – {number(spread.most)})"


def mebibytes(value: float | None) -> str:
    """Bytes of memory in words."""
    return "" if value is None else f"{value / 2**20:.0f} MiB"


def deviation_words(deviation: dict[str, Any]) -> str:
    """How a picture differs from ours, in grey levels."""
    if "words" in deviation:
        return str(deviation["words"])
    if "mean" not in deviation:
        return ""
    if deviation["most"] == 0:
        return "same pixels"
    return f"mean {deviation['mean']:.2f}, most {deviation['most']}"
