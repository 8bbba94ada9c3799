"""What ``convert --profile`` says: where the workers' time went."""

from __future__ import annotations

from fastdcm.batch.report import Report
from fastdcm.batch.stages import STAGES
from fastdcm.cli.messages import rate

_WHAT = {
    "read": "open and read files",
    "header": "data set and offset tables",
    "decode": "stored values",
    "render": "display values",
    "encode": "image files",
    "write": "files under their names",
    "other": "names, checks, counting",
}


def profile(report: Report) -> list[str]:
    """A table of the stages, which together are the run's time in all its processes, and its rates."""
    seconds = report.stages or (0.0,) * len(STAGES)
    busy, wall = sum(seconds), report.seconds - report.preparing
    # Of parts that ran when the run was interrupted more may be known than the clock has seen.
    total = max(busy, wall * report.workers)
    lines = [f"{'stage':<8}{'ms/image':>10}{'share':>8}"]
    for name, spent in zip(STAGES, seconds, strict=True):
        lines.append(f"{_row(name, spent, total, report.images)}  {_WHAT[name]}")
    lines.append(
        f"{_row('waiting', total - busy, total, report.images)}  start of workers, and their idle time"
    )
    workers = "1 process" if report.workers == 1 else f"{report.workers} processes"
    lines.append(f"{_row('all', total, total, report.images)}  {wall:.2f} s of {workers}")
    if report.preparing:
        lines.append(f"{report.preparing:.2f} s before that, for the ranges of series")
    if wall > 0:
        lines.append(
            f"{rate(report.images, wall)} images/s, {_size(report.bytes_read / wall)}/s read, "
            f"{_size(report.bytes_written / wall)}/s written"
        )
    return lines


def _row(name: str, seconds: float, total: float, images: int) -> str:
    image = f"{1e3 * seconds / images:.3f}" if images else "-"
    share = f"{seconds / total:.1%}" if total else "-"
    return f"{name:<8}{image:>10}{share:>8}"


def _size(size: float) -> str:
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
