"""pydicom's pixel arrays with our plug-in and without: ``python -m benches.bench_plugin [FILE...]``.

Every compressed file of the corpus and of pydicom's wheel, or those named, read once; both ways decode it in
turn, so that both see the same machine. A line a transfer syntax: files, milliseconds of medians in sum, and
which of pydicom's plug-ins it was.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.pixels import get_decoder, pixel_array
from pytest_benchmark.fixture import BenchmarkFixture

from fastdcm.integrations import pydicom as plugin
from tests.conftest import PYDICOM_FILES
from tests.peers.plugin import compressed_files


class Row(NamedTuple):
    """Files of a transfer syntax, milliseconds with pydicom's plug-ins and with ours."""

    files: int
    theirs: float
    ours: float

    def __str__(self) -> str:
        return f"{self.files:>6} {self.theirs:>10.1f} {self.ours:>10.1f} {self.theirs / self.ours:>7.2f}"


def measured(data_set: pydicom.Dataset) -> tuple[float, float]:
    """Milliseconds of a pixel array without the plug-in and with it; medians."""
    spent: dict[Callable[[], None], list[float]] = {plugin.uninstall: [], plugin.install: []}
    rounds = 0
    for number in range(1000):
        for prepare, times in spent.items():
            prepare()
            start = time.perf_counter()
            pixel_array(data_set)
            if number:  # not the first, which imports and compiles
                times.append(1000 * (time.perf_counter() - start))
        rounds = number
        if rounds >= 3 and (rounds >= 21 or sum(map(sum, spent.values())) > 1500):
            break
    plugin.uninstall()
    theirs, ours = (median(times) for times in spent.values())
    return theirs, ours


def rows(files: Iterable[tuple[Path, str]]) -> dict[str, Row]:
    """A row a transfer syntax, of files that both ways can decode."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for path, uid in files:
        data_set = pydicom.dcmread(path)
        try:
            pixel_array(data_set)
        except Exception:  # pydicom's plug-ins raise errors of many kinds; the comparison tells of those
            continue
        found[uid].append(measured(data_set))
    return {
        uid: Row(len(times), sum(one for one, _ in times), sum(two for _, two in times))
        for uid, times in found.items()
    }


def main() -> None:
    """Print the table."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    warnings.simplefilter("ignore")
    named = [Path(name) for name in sys.argv[1:]]
    files = [(path, str(pydicom.dcmread(path).file_meta.TransferSyntaxUID)) for path in named]
    print(f"{'transfer syntax':<75} {'files':>6} {'pydicom':>10} {'fastdcm':>10} {'ratio':>7}  (ms in sum)")
    for uid, row in sorted(rows(files or compressed_files()).items()):
        decoder = get_decoder(uid)
        print(
            f"{pydicom.uid.UID(uid).name:<75.75} {row}  beside {next(iter(decoder._available))}", flush=True
        )


@pytest.mark.parametrize("installed", [True, False], ids=["fastdcm", "pydicom"])
@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "examples_ybr_color.dcm"])
def bench_pixel_array(benchmark: BenchmarkFixture, installed: bool, name: str) -> None:
    data_set: Any = pydicom.dcmread(PYDICOM_FILES / name)
    benchmark.group = name

    def decoded() -> NDArray[Any]:
        array: NDArray[Any] = pixel_array(data_set)
        return array

    (plugin.install if installed else plugin.uninstall)()
    try:
        benchmark.pedantic(decoded, rounds=5, warmup_rounds=1)
    finally:
        plugin.uninstall()


if __name__ == "__main__":
    main()
