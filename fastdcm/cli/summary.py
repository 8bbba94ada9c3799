"""What ``convert`` says at the end, and its exit status."""

from __future__ import annotations

from fastdcm.batch.report import Report
from fastdcm.cli.messages import counted, printable, rate
from fastdcm.options import Existing

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def exit_status(report: Report, existing: Existing, *, of_part: bool = False) -> int:
    """0 all converted, 1 something failed, was left alone, or nothing was to convert; 130 Ctrl-C.

    The share of a run that is one ``of_part`` may be empty.
    """
    if report.interrupted:
        return INTERRUPTED
    left_alone = report.existing > 0 and existing == "keep"
    nothing = not (report.images or report.existing or report.kept or (of_part and not report.found))
    failed = report.failure_count or report.failed_before
    return FAILED if failed or left_alone or nothing else DONE


def summary(report: Report, existing: Existing) -> list[str]:
    """The lines of the summary."""
    told = report.seconds > 0 and report.images
    speed = f" ({rate(report.images, report.seconds)} images/s)" if told else ""
    where = f", in {printable(', '.join(report.outputs[:3]))}" if report.images and report.outputs else ""
    if len(report.outputs) > 3 and report.images:
        where += f" and {len(report.outputs) - 3} more"
    total = report.converted + report.failed + report.unchanged
    files = counted(total, "file")
    if report.converted < total:
        files = f"{report.converted} of {files}"
    images = counted(report.images, "image")
    if report.passed_through:
        of = "" if report.passed_through == report.images else f"{report.passed_through} of them "
        images += f" ({of}copied without re-encoding)"
    lines = [f"{images} from {files} in {report.seconds:.1f} s{speed}{where}"]
    if report.interrupted:
        lines[0] = f"interrupted after {report.files} of {counted(report.found, 'file')} found: {lines[0]}"
    elif report.stopped:
        lines[0] = f"stopped after {report.files} of {counted(report.found, 'file')} found: {lines[0]}"
    if report.failure_count:
        failed = f"{counted(report.failed, 'file')} failed"
        if report.failure_count != report.failed:
            failed += f" ({report.failure_count} failures)"
        lines.append(failed)
    if report.skipped_count:
        ordered = sorted(report.skipped_by_reason.items(), key=lambda item: (-item[1], item[0]))
        reasons = [printable(f"{number} {reason}") for reason, number in ordered]
        skipped = f"{counted(report.skipped_count, 'file')} skipped:"
        lines += (
            [f"{skipped} {', '.join(reasons)}"]
            if len(reasons) < 3
            else [skipped, *(f"  {r}" for r in reasons)]
        )
    if report.kept:
        where = "of the run" if report.manifest is not None else "in whole shards of a run"
        lines.append(f"{counted(report.kept, 'image')} more {where} before this one")
    if report.failed_before and report.manifest is not None:
        failed = counted(report.failed_before, "file")
        lines.append(f"{failed} failed in the run before this one: --retry-failed tries again")
    if report.existing:
        lines.append(_existing_line(report.existing, existing))
    elif not (report.images or report.kept or report.failure_count or report.interrupted):
        lines.append("nothing to convert")
    if report.stopped:
        goes_on = "--resume" if report.manifest is not None else "--skip-existing"
        lines.append(f"{report.stopped}: no output was possible any more; once one is, {goes_on} goes on")
    return lines


def _existing_line(number: int, existing: Existing) -> str:
    existed = f"{counted(number, 'output')} existed and {'was' if number == 1 else 'were'} left alone"
    if existing == "skip":
        return existed
    return f"{existed}: --overwrite replaces them, --skip-existing accepts them"
