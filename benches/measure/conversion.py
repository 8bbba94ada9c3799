"""``python -m benches.measure.conversion SOURCE TARGET JOBS``: one call of fastdcm.convert, and what it took.

``parent`` are the seconds of processor that this process took for it, while its workers worked:
discovery, feeding, results. ``waited`` is the share of the workers' time in which they were ready and had
no file to work at: what is serial. Peaks are the most memory of this process and of the largest of its
workers, in bytes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


def measure(source: str, target: str, jobs: int) -> dict[str, Any]:
    """The call's wall time, this process' own work, and the peaks."""
    import fastdcm
    import fastdcm.batch

    before = time.process_time()
    start = time.perf_counter()
    report = fastdcm.convert([source], os.path.join(target, "out"), jobs=jobs)
    seconds = time.perf_counter() - start
    result: dict[str, Any] = {
        "seconds": seconds,
        "parent": time.process_time() - before,
        "waited": report.waited / (jobs * seconds),
        "images": report.images,
        "failures": len(report.failures),
    }
    try:
        import resource
    except ImportError:  # Windows
        return result
    from benches.measure.children import peak_bytes

    result["parent peak"] = _own_peak() or peak_bytes(resource.getrusage(resource.RUSAGE_SELF))
    result["worker peak"] = peak_bytes(resource.getrusage(resource.RUSAGE_CHILDREN))
    return result


def _own_peak() -> int | None:
    """The most memory of this program; Linux counts that of whoever started it into ru_maxrss."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return None


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
