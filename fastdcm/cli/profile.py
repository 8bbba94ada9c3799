"""What ``convert --profile`` says: where the workers' time went."""

from __future__ import annotations

from fastdcm.batch.report import Report
from fastdcm.batch.stages import STAGES

_WHAT = {
    "read": "open and read files",
    "header": "data set and offset tables",
    "decode": "stored values",
    "render": "display values",
    "encode": "JPEG or PNG",
    "write": "files under their names",
    "other": "names, checks, counting",
}


def profile(report: Report) -> list[str]:
    """A table of the stages, an image and in all, and the rates of the run."""
    seconds = report.stages or (0.0,) * len(STAGES)
    total = sum(seconds)
    lines = [f"{'stage':<8}{'ms/image':>10}{'share':>8}"]
    for name, spent in zip(STAGES, seconds, strict=True):
        lines.append(f"{_row(name, spent, total, report.images)}  {_WHAT[name]}")
    lines.append(_row("all", total, total, report.images))
    wall = report.seconds
    if wall > 0:
        busy = total / (wall * report.workers)
        workers = "1 process" if report.workers == 1 else f"{report.workers} processes"
        lines.append(f"{workers}, busy for {busy:.0%} of {wall:.2f} s; the rest is start-up and waiting")
        lines.append(
            f"{report.images / wall:.0f} images/s, {_size(report.bytes_read / wall)}/s read, "
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
