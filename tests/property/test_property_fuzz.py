"""A short run of the fuzzer (`tests/fuzz`), over files that are always there; the long one is run by hand."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fuzz.campaign import EndedError, Report, Worker, run, save
from tests.fuzz.mutations import Mutant, mutant
from tests.fuzz.seeds import Seed, by_area, seeds
from tests.fuzz.worker import LIBRARIES, OWN

COUNT = 460  # 20 an area


@pytest.fixture(scope="module")
def found() -> tuple[Seed, ...]:
    return seeds(corpus=False)


@pytest.fixture(scope="module")
def report(found: tuple[Seed, ...]) -> Report:
    return run(0, COUNT, found)


def test_no_findings(report: Report, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No crash, no hang, no memory beyond the limit, no exception but fastdcm's."""
    assert report.inputs.total() == COUNT
    if report.findings:
        folder = tmp_path_factory.mktemp("findings")
        save(report, folder)
        pytest.fail("\n".join([*report.lines(), f"written to {folder}"]))


def test_inputs_are_spread(report: Report) -> None:
    """Each area as often as the others, each decoder reached, and errors among what came of it."""
    assert max(report.inputs.values()) - min(report.inputs.values()) <= 1
    reached = set().union(*report.reached.values())
    assert reached == {*LIBRARIES.values(), *OWN.values(), "native", "zlib"}
    for area, outcomes in report.outcomes.items():
        assert outcomes.total() > outcomes["read"], area


def test_mutations_are_repeatable(found: tuple[Seed, ...]) -> None:
    areas = by_area(found)
    one, same = (mutant(5, 17, areas) for _ in range(2))
    assert one == same
    assert len({mutant(5, number, areas).data for number in range(100)}) > 95


def test_areas_lie_in_their_files(found: tuple[Seed, ...]) -> None:
    for seed in found:
        for area, ranges in seed.areas.items():
            assert all(0 <= start <= end <= len(seed.data) for start, end in ranges), (seed.name, area)
    assert len(by_area(found)) == 23


# What the watching itself would miss


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import time; time.sleep(60)", "no answer within 1 s"),
        ("import os; os.abort()", "ended with"),
        ("raise SystemExit(3)", "ended with 3"),
    ],
)
def test_workers_that_end_or_hang(code: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.Popen

    def start(command: list[str], **options: object) -> object:
        return real([sys.executable, "-c", code], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", start)
    worker = Worker()
    with pytest.raises(EndedError, match=what):
        worker.ask(b"x", 1.0)


def test_findings_are_counted() -> None:
    report, made = Report(), Mutant(3, "native", "some.dcm", b"")
    answer = {
        "outcomes": ["read"],
        "reached": ["native"],
        "seconds": 0.1,
        "more": 0,
        "peak": 0,
        "finding": "",
    }
    for change in ({}, {"finding": "KeyError: 1"}, {"seconds": 2.5}, {"more": 600 << 20}):
        report.add(made, answer | change)
    assert [what for what, _ in report.findings] == [
        "KeyError: 1",
        "2.5 s of processor time",
        "600 MiB of memory",
    ]
    assert report.outcomes["native"] == {"read": 4}
    assert "native" in "\n".join(report.lines())
