"""The table of a run, or the files beside its images: made ready before the run, finished after it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fastdcm.batch.report import Failure, Outcome, Report, Watcher
from fastdcm.batch.targets import Targets
from fastdcm.errors import OptionError
from fastdcm.model import Notice
from fastdcm.options import ConvertOptions, GeometryOptions
from fastdcm.sinks.run import Run

if TYPE_CHECKING:
    from fastdcm.sidecars.records import Sidecars
    from fastdcm.sidecars.tables import Table


def sidecars_of(options: ConvertOptions, targets: Targets, output: str | None) -> Sidecars | None:
    """What a run tells; None for most. Raises `OptionError`."""
    asked = options.sidecar
    if asked.metadata is None and options.shards is None:
        return None
    from fastdcm.sidecars.records import COLUMNS, Sidecars

    mapped = options.render.geometry != GeometryOptions()
    if asked.metadata is None:
        return Sidecars("json", mapped=mapped, brief=True)
    from fastdcm.sidecars.dictionary import look_up

    attributes = look_up(asked.tags)
    if asked.metadata == "json":
        return Sidecars(asked.metadata, attributes, mapped=mapped)
    if options.manifest is not None and options.manifest.resume:
        raise OptionError(
            f"metadata {asked.metadata} is a table of all images, and a run that goes on from another makes "
            "only some: the manifest tells the same, or take json"
        )
    assert COLUMNS.keys().isdisjoint(attribute.name for attribute in attributes)  # keywords are capitalized
    return Sidecars(asked.metadata, attributes, _table_folder(targets, output), mapped)


def _table_folder(targets: Targets, output: str | None) -> str:
    if targets.exact is not None:
        return os.path.dirname(targets.outputs[0]) or "."
    if output is None and len(targets.outputs) != 1:
        raise OptionError("a table of metadata is one for the whole run: name a folder for it with -o")
    return targets.outputs[0] or "."


def table_of(sidecars: Sidecars | None, run: Run, options: ConvertOptions) -> Table | None:
    """The table of a run that has one. Raises `OptionError`."""
    if sidecars is None or sidecars.metadata == "json":
        return None
    from fastdcm.sidecars.tables import open_table

    return open_table(sidecars, run, options.existing, fsync=options.fsync)


def finish(table: Table, report: Report, watcher: Watcher, *, cut_off: bool) -> None:
    """Put a table in its place, and tell in the report where it is, or why it is not.

    A run that was ``cut_off`` does not know of all of its images; then there is none.
    """
    if cut_off:
        table.give_up()
        message = f"{table.path} was not written: the run did not come to its end"
        notice = Notice("metadata", message)
        report.notices.append(notice)
        report.notices_by_code["metadata"] = report.notices_by_code.get("metadata", 0) + 1
        watcher.done(Outcome(table.path, notices=(notice,)))
    elif table.finish():
        report.metadata = table.path
    if table.error is not None:
        outcome = Outcome(table.path, failures=[Failure(table.path, None, table.error)])
        report.add(outcome)
        watcher.done(outcome)
