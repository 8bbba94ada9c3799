"""The goals of speed, as ratios, and whether this run reached them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benches.report.figures import Results, Spread, mebibytes, number, times

Measure = Callable[[Results], Spread | None]

REACHED, MISSED, NOT_MEASURED = "reached", "not reached", "not measured"


@dataclass(frozen=True)
class Goal:
    """``case`` against ``what`` should be at most or at least ``bound``.

    ``ideal`` is what a program would reach that does nothing but the bare calls, and ``encoder_alone``
    one whose files were read, rendered and written in no time at all.
    """

    case: str
    what: str
    bound: float
    at_least: bool
    measure: Measure
    unit: str = "×"
    ideal: Callable[[Results], float | None] = lambda results: None
    encoder_alone: Callable[[Results], float | None] = lambda results: None


@dataclass(frozen=True)
class Verdict:
    """A goal, what was measured, what bare calls and the encoder alone would reach, one of three words."""

    goal: Goal
    measured: str
    ideal: str
    encoder_alone: str
    status: str

    @property
    def bound(self) -> str:
        sign = "≥" if self.goal.at_least else "≤"
        return f"{sign} {number(self.goal.bound)} {self.goal.unit}".strip()


def _floor(case: str, words: str, what: str, bound: float) -> Goal:
    def ideal(results: Results) -> float | None:
        return results.bare_ratio(case)

    return Goal(words, what, bound, False, lambda results: results.floor_ratio(case), ideal=ideal)


def _decode(case: str) -> Measure:
    return lambda results: results.decode_ratio(case)


def _kind(kind: str) -> Measure:
    return lambda results: results.kind_ratio(kind)


def _small(case: str) -> Measure:
    return lambda results: results.small_ratio(case)


def _peer(case: str, peer: str, format: str = "jpeg") -> Measure:
    def measure(results: Results) -> Spread | None:
        # A quick run has too few files for programs: it would compare their starts.
        hasty = results.data["quick"] and peer in ("dcm2jpg", "dcmj2pnm")
        return None if hasty else results.ratio(case, peer, format)

    return measure


def _against(case: str, words: str, peer: str, label: str, bound: float) -> Goal:
    def ideal(results: Results) -> float | None:
        return results.bare_peer_ratio(case, peer)

    def encoder(results: Results) -> float | None:
        return results.encoder_peer_ratio(case, peer)

    return Goal(words, label, bound, True, _peer(case, peer), ideal=ideal, encoder_alone=encoder)


def _scaling(case: str, files: int, jobs: int) -> Measure:
    def measure(results: Results) -> Spread | None:
        for found in results.data["scaling"]:
            for point in found["points"]:
                if (found["case"], found["files"], point["jobs"]) == (case, files, jobs):
                    return Spread(**point["relative"])
        return None

    return measure


def _start(label: str) -> Measure:
    """One file, as a multiple of another process: the median of each round's ratio."""

    def measure(results: Results) -> Spread | None:
        found = {row["label"]: row["times"] for row in results.data["startup"]}
        ours = found.get("fastdcm convert, one file")
        if ours is None or label not in found:
            return None
        return Spread.of([one / other for one, other in zip(ours, found[label], strict=True)])

    return measure


def _file_memory(results: Results) -> Spread | None:
    points = results.data["memory"]["files"]["points"]
    peaks = [(point["parent"] or 0) + (point["worker"] or 0) for point in points]
    # The first count is large enough that everything is loaded.
    return _one(peaks[-1] / peaks[0]) if peaks and all(peaks) else None


def _frame_memory(results: Results) -> Spread | None:
    found = results.data["memory"]["frames"]
    peaks = [peak for peak in (found["parent"], found["worker"]) if peak]
    return _one(max(peaks) / 2**20) if peaks else None


def _read(syntax: str) -> Measure:
    def measure(results: Results) -> Spread | None:
        for row in results.data["reading"]:
            if row["syntax"] == syntax:
                return _one(row["read"] / row["least"])
        return None

    return measure


def _png_size(results: Results) -> Spread | None:
    contest = results.contest("dx-native", "png")
    sizes = {peer["name"]: peer["deviation"].get("bytes") for peer in contest["peers"]} if contest else {}
    ours, pillow = sizes.get("fastdcm_worker"), sizes.get("pydicom_pillow")
    return _one(ours / pillow) if ours and pillow else None


def _untouched(case: str) -> Measure:
    def measure(results: Results) -> Spread | None:
        found = results.stages.get(case, {}).get("untouched")
        return None if found is None else _one(float(found))

    return measure


def _one(value: float) -> Spread:
    return Spread(value, value, value)


ENCODER = "the bare encoder"
CODECS = "the bare decoder and encoder"
LIBRARIES = ("OpenJPEG", "libjpeg-turbo", "CharLS")
#: A run of fewer files is too short for workers to be worth their start: it is shown, and not a goal.
_MANY = 2000


def goals(results: Results) -> Iterator[Goal]:
    """Every goal, in the order of the specification."""
    yield _floor("ct-native", "CT 512², native, one worker", ENCODER, 1.40)
    for case, words in (("cr", "CR 3.1 MP"), ("dx", "DX 5.2 MP"), ("mg", "MG 14 MP")):
        yield _floor(f"{case}-native", f"{words}, native, one worker", ENCODER, 1.20)
    for case, words in (
        ("rle", "RLE"),
        ("jpeg-lossless", "JPEG lossless"),
        ("jpeg-ls", "JPEG-LS"),
        ("htj2k", "HTJ2K"),
    ):
        yield _floor(f"cr-{case}", f"CR 3.1 MP, {words}", CODECS, 1.08)
    yield from _of_decoders(results)
    yield from _against_peers()
    # The other baseline JPEGs here have a window, or are MONOCHROME1: there is something to change.
    for case, words in (("us-jpeg-baseline", "US colour"), ("sc-jpeg-baseline", "SC gray 3.1 MP")):
        name = f"{words}, JPEG baseline to JPEG, nothing to change"
        yield Goal(name, "pydicom + Pillow", 25, True, _peer(case, "pydicom_pillow"))
        name, against = "the same, bytes of the scan", "untouched (1) or not (0)"
        yield Goal(name, against, 1, True, _untouched(case), unit="")
    for words, case, bound in (
        ("JPEG 2000", "cr-jpeg-2000-lossless", 15),
        ("HTJ2K", "cr-htj2k", 6),
        ("JPEG", "sc-jpeg-baseline", 1.5),
    ):
        yield Goal(f"{words} 3 MP to 440 pixels", "full decode, then resize", bound, True, _small(case))
    yield from _of_runs(results)


def _of_decoders(results: Results) -> Iterator[Goal]:
    j2k, turbo, charls = (f"{name}, one thread, decoding alone" for name in LIBRARIES)
    for words, case, library, bound in (
        ("CT, JPEG 2000 lossless", "ct-jpeg-2000-lossless", j2k, 2.0),
        ("CR, JPEG 2000 lossless", "cr-jpeg-2000-lossless", j2k, 2.0),
        ("CT, JPEG 2000 lossy (9/7)", "ct-jpeg-2000-lossy", j2k, 1.7),
        ("CT, JPEG-LS", "ct-jpeg-ls", charls, 1.5),
        ("CR, JPEG-LS", "cr-jpeg-ls", charls, 1.5),
    ):
        yield Goal(words, library, bound, True, _decode(case))
    for kind, library, bound in (
        ("JPEG 2000 lossless (5/3)", j2k, 2.0),
        ("JPEG 2000 lossy (9/7)", j2k, 1.7),
        ("JPEG 2000, colour", j2k, 1.8),
        ("JPEG lossless", turbo, 2.5),
        ("JPEG-LS", charls, 1.5),
    ):
        if count := len(results.decoded(kind)):
            words = f"{kind}, {count} real file{'s' if count > 1 else ''} of 512² and up"
            yield Goal(words, library, bound, True, _kind(kind))


def _against_peers() -> Iterator[Goal]:
    for peer, label, bound in (
        ("pydicom_pillow", "pydicom + Pillow", 9),
        ("dicomsdl_opencv", "dicomsdl + OpenCV", 1.15),
        ("dcm2jpg", "dcm2jpg, one JVM", 5),
        ("dcmj2pnm", "dcmj2pnm, a process a file", 40),
    ):
        yield _against("ct-native", "CT 512², native, one core", peer, label, bound)
    for peer, label, bound in (("pydicom_pillow", "pydicom + Pillow", 8), ("dcm2jpg", "dcm2jpg, one JVM", 4)):
        yield _against("dx-native", "DX 5.2 MP, native, one core", peer, label, bound)
    for peer, label, bound in (("pydicom_pillow", "pydicom + Pillow", 8), ("dcm2jpg", "dcm2jpg, one JVM", 5)):
        yield Goal("DX 5.2 MP to PNG, one core", label, bound, True, _peer("dx-native", peer, "png"))
    yield Goal("DX 5.2 MP to PNG, size of the file", "Pillow's default", 1.12, False, _png_size)


def _of_runs(results: Results) -> Iterator[Goal]:
    for found in results.data["scaling"]:
        if found["files"] < _MANY:
            continue
        for point in found["points"][1:]:
            words = f"{results.cases[found['case']]['label']}, {found['files']} files, -j {point['jobs']}"
            against = f"scaling of the bare encoder, {number(point['bare speed-up'])} ×"
            yield Goal(words, against, 0.97, True, _scaling(found["case"], found["files"], point["jobs"]))
    yield Goal(
        "one file, process start to exit", "python -c 'import numpy'", 1.5, False, _start("import numpy")
    )
    yield Goal("one file, process start to exit", "dcm2jpg's best", 1, False, _start("dcm2jpg, one file"))
    points = results.data["memory"]["files"]["points"]
    few, many = (number(points[index]["files"]) if points else "many" for index in (0, -1))
    yield Goal(f"memory after {many} files", f"after {few}", 1.05, False, _file_memory)
    frames = number(results.data["memory"]["frames"]["frames"])
    yield Goal(f"memory for an object of {frames} frames", "", 300, False, _frame_memory, unit="MiB")
    for syntax in ("native", "JPEG baseline"):
        words = f"bytes read for one of 500 frames, {syntax}"
        yield Goal(words, "header, offset table and that frame", 1.05, False, _read(syntax))


def verdicts(results: Results) -> list[Verdict]:
    """Each goal with what was measured; of a run on somebody's own files only those that were."""
    found = [_verdict(goal, results) for goal in goals(results)]
    return [verdict for verdict in found if verdict.measured] if results.data["data"] else found


def _verdict(goal: Goal, results: Results) -> Verdict:
    spread = goal.measure(results)
    words = "" if spread is None else times(spread)
    if spread is not None and goal.unit == "MiB":
        words = mebibytes(spread.median * 2**20)
    elif spread is not None and not goal.unit:
        words = number(spread.median)
    reached = spread is not None and (
        spread.median >= goal.bound if goal.at_least else spread.median <= goal.bound
    )
    status = REACHED if reached else NOT_MEASURED if spread is None else MISSED
    bounds = [None if spread is None else bound(results) for bound in (goal.ideal, goal.encoder_alone)]
    ideal, encoder = ("" if bound is None else f"{number(bound)} ×" for bound in bounds)
    return Verdict(goal, words, ideal, encoder, status)
