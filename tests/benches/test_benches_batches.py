"""Of the benchmark of loading: who gets how many files, and what is said of goals."""

from __future__ import annotations

from typing import Any

import pytest

from benches import bench_batches
from benches.bench_batches import Rates, files_for, goal_of, rates, row, verdict
from benches.corpus import Case


def case(syntax: str, side: int, modality: str = "CT") -> Case:
    return Case("id", "label", modality, syntax, "source", "folder", 2, 2, 2 * side * side, 100, 100)


def test_ours_get_all_others_what_they_load_in_time() -> None:
    assert files_for("fastdcm.load", 3.0, 2000, 2.0) == 2000
    assert files_for("MONAI", 3.0, 2000, 2.0) == 16
    assert files_for("MONAI", 104.0, 2000, 2.0) == 208
    assert files_for("MONAI", 5000.0, 2000, 2.0) == 2000
    assert files_for("MONAI", 5000.0, 10, 2.0) == 10


@pytest.mark.parametrize(
    ("syntax", "side", "goal"),
    [
        ("JPEG 2000 lossless", 1024, 3.0),
        ("HTJ2K", 1024, 3.0),
        ("JPEG 2000 lossless", 1000, 2.0),
        ("HTJ2K", 1000, 1.2),
        ("native", 2000, 1.2),
        ("JPEG lossless", 2000, 1.2),
    ],
)
def test_goals(syntax: str, side: int, goal: float) -> None:
    assert goal_of(case(syntax, side)) == goal


@pytest.mark.parametrize(
    ("syntax", "ours", "said"),
    [
        ("native", 130.0, ("1.3", "yes")),
        ("native", 110.0, ("1.1", "0.92 of the bare decoder")),
        ("JPEG 2000 lossless", 110.0, ("1.1", "no")),
    ],
)
def test_verdicts(syntax: str, ours: float, said: tuple[str, str]) -> None:
    found = {"fastdcm.load": ours, "MONAI": 50.0, "SimpleITK": 100.0, "bare decoder": 120.0}
    assert verdict(case(syntax, 512), found) == said
    assert verdict(case(syntax, 512), {"fastdcm.load": ours}) == ("", "")


def test_rows_tell_of_fewer_files() -> None:
    found = Rates(
        {"fastdcm.load": 90.0, "MONAI": 30.0}, {"fastdcm.load": 50, "MONAI": 16}, {"SimpleITK": "?"}, {}
    )
    told = row(case("native", 512), found, 50)
    assert told == "| label | 90 | absent | absent | absent | 30 (16) | fails | absent | 3.0 | 1.2 | yes |"


class Loader:
    """Answers as a child does: so many files a second."""

    def __init__(self, rate: float, mean: float = 100.0) -> None:
        self.rate, self.mean = rate, mean
        self.asked: list[int] = []

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        if not self.rate:
            return {"failed": "no decoder"}
        self.asked.append(len(job["paths"]))
        return {"seconds": len(job["paths"]) / self.rate, "mean": self.mean}


def test_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Case, "of", lambda self, count: "folder")
    monkeypatch.setattr(bench_batches.os, "listdir", lambda folder: [f"{n:03}" for n in range(100)])
    children: dict[str, Any] = {
        "fastdcm.load": Loader(80.0),
        "MONAI": Loader(20.0, mean=110.0),
        "SimpleITK": Loader(4.0),
        "dicomsdl + OpenCV": Loader(0.0),
    }
    found = rates(case("native", 512), children, 100, 2, 2.0)
    assert children["fastdcm.load"].asked == [16, 100, 100]
    assert children["MONAI"].asked == [16, 32, 32]
    assert children["SimpleITK"].asked == [16, 16]  # its trial counts
    assert found.found == pytest.approx({"fastdcm.load": 80.0, "MONAI": 20.0, "SimpleITK": 4.0})
    assert set(found.failed) == {"dicomsdl + OpenCV"}
    assert set(found.apart) == {"MONAI"}
