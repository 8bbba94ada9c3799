"""A run: sources in, images out, a report back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fastdcm.batch.alone import convert_alone
from fastdcm.batch.convert import Job
from fastdcm.batch.converting import converting
from fastdcm.batch.discovery import Task, discover, failed
from fastdcm.batch.executor import Executor, Lost, executor_of
from fastdcm.batch.lists import is_list
from fastdcm.batch.report import Outcome, Report, Watcher
from fastdcm.batch.targets import Targets, is_archive_target, resolve
from fastdcm.errors import FastdcmError, OptionError, TargetError
from fastdcm.options import FORMATS, ConvertOptions
from fastdcm.sinks.run import Run
from fastdcm.sources import Place, absolute
from fastdcm.sources.addresses import as_path, is_remote, shown
from fastdcm.sources.names import is_packed

if TYPE_CHECKING:
    from fastdcm.batch.manifested import Manifested
    from fastdcm.batch.ordered import Ordered
    from fastdcm.batch.unpacked import Unpacking
    from fastdcm.sidecars.tables import Table


class _Nobody(Watcher):
    every_file = False


_NOBODY = _Nobody()
#: Remote objects of a worker at least, so that it has some on their way; what a second does not do is given
#: back.
_TOGETHER = 32
#: Is given each outcome before it is counted; true where the run cannot go on after it.
Add = Callable[[Outcome], object]
#: Is told the name of each input that is done with, and how many parts it has.
Release = Callable[[str, int], None]


def run(
    sources: Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    options: ConvertOptions | None = None,
    *,
    jobs: int | None = None,
    first_only: bool = False,
    watcher: Watcher | None = None,
    profile: bool = False,
    places: Mapping[str, Place] | None = None,
    cluster: object = None,
) -> Report:
    """Convert files and folders.

    ``jobs`` worker processes (None: as many as there are usable cores) do the work, or a ``cluster``, as
    `fastdcm.batch.executor.executor_of` has them; a single file is converted in this process, unless there
    is a cluster. ``first_only`` writes frame 1 alone where ``output`` names one
    file. ``watcher`` sees what happens as it happens; ``profile`` counts the time of each stage.
    ``places`` are where the bytes of sources lie that are no files of their names.

    Raises `OptionError` for a request that makes no sense, before anything is written, and
    `WorkerError` where no worker can be started. Ctrl-C ends the run early and sets
    ``interrupted`` in the report.
    """
    options, watcher = options or ConvertOptions(), watcher or _NOBODY
    paths = [as_path(os.fspath(source)) for source in sources]
    target = None if output is None else as_path(os.fspath(output))
    if target is not None and is_remote(target):
        if options.shards is not None or is_archive_target(target):
            raise OptionError(
                "shards and archives are written into folders: name one, and copy them from there"
            )
        if options.sidecar.metadata in ("csv", "parquet"):
            raise OptionError(f"no table ({options.sidecar.metadata}) is written there: use --metadata json")
    with ExitStack() as closing:
        if cluster is not None:
            paths, target = _from_elsewhere(paths, target, options, places)
        executor = closing.enter_context(executor_of(jobs, cluster))
        return _run(paths, target, options, executor, first_only, watcher, profile, places or {}, closing)


def _from_elsewhere(
    paths: list[str], target: str | None, options: ConvertOptions, places: Mapping[str, Place] | None
) -> tuple[list[str], str | None]:
    """Sources and target as workers on other machines know them. Raises `OptionError` for what these cannot
    do."""
    if options.shards is not None or (target is not None and is_archive_target(target)):
        raise OptionError("shards and archives are written by one machine: leave the cluster (--dask) out")
    if places or any(map(is_packed, paths)):
        what = "standard input and packed archives are read by one machine"
        raise OptionError(
            f"{what}: leave the cluster (--dask) out, or unpack them where all machines see them"
        )
    known = [path if is_list(path) else absolute(path) for path in paths]
    return known, None if target is None else absolute(target)


def _run(
    paths: list[str],
    target: str | None,
    options: ConvertOptions,
    executor: Executor,
    first_only: bool,
    watcher: Watcher,
    profile: bool,
    places: Mapping[str, Place],
    closing: ExitStack,
) -> Report:
    template = None
    if options.name is not None:
        from fastdcm.batch.template import Template

        template = Template.parse(options.name, allow_phi=options.allow_phi_names)
        if template.has_frame and FORMATS[options.encode.format].frames:
            title = FORMATS[options.encode.format].title
            raise OptionError(f"a {title} holds all frames of an object: leave {{frame}} out of --name")
        if template.has_folders and options.flat:
            raise OptionError(f"name {options.name!r} makes folders, and flat leaves them out")
    jobs = executor.workers
    if options.shards is not None:
        from fastdcm.batch.sharded import folder_of

        target = folder_of(options.shards, target)
    in_archive = target is not None and options.shards is None and is_archive_target(target)
    if target is not None and in_archive:
        from fastdcm.batch.archived import check

        check(options, target)
    targets = resolve(paths, target, options.encode.format, in_archive=in_archive)._replace(places=places)
    if options.render.voi == "series" and targets.lists:
        # All is looked at first: what lists name is read more than once.
        targets = targets._replace(lists=tuple(names.to_read_again(closing) for names in targets.lists))
    report = Report(outputs=targets.outputs)
    run = Run.begin()
    remote = target is not None and is_remote(target)
    if executor.elsewhere and not remote:
        run = run.by_clock_of(next(iter(targets.outputs), os.getcwd()))
    job = Job(run, options, jobs, first_only, every_file=watcher.every_file, profile=profile, remote=remote)
    if targets.lists or any(map(is_remote, paths)):
        job = job._replace(together=_TOGETHER)
    table = None
    if options.sidecar.metadata is not None or options.shards is not None:
        from fastdcm.batch.metadata import sidecars_of, table_of

        job = job._replace(sidecars=sidecars_of(options, targets, target))
        table = table_of(job.sidecars, job.run, options)
    start = time.monotonic()
    # Where workers are elsewhere, what this machine unpacks is out of their sight.
    unpacking = None if executor.elsewhere else _unpacking(targets, job, closing)
    release = None if unpacking is None else unpacking.release
    if release is not None:
        job = job._replace(every_file=True, unpacks=True)  # what is done with is to be known
    found = partial(
        discover, targets, flat=options.flat, by_template=template is not None, unpacking=unpacking
    )
    inputs = found()
    if template is not None:
        from fastdcm.batch.templated import templated

        inputs = templated(inputs, targets, template, options.read, flat=options.flat)
    if options.part is not None:
        from fastdcm.batch.sharing import shared

        inputs = shared(inputs, options.part, release)
    manifest = None
    if options.manifest is not None:
        from fastdcm.batch.manifested import Manifested

        first_only = first_only and targets.exact is not None
        manifest = Manifested(options, target, job.run, first_only=first_only)
        job = job._replace(account=manifest.account, owners=manifest.owners(closing))
        inputs = manifest.left(inputs)
    items = _counted(inputs, report)
    add: Add | None = None
    if table is not None or manifest is not None:
        add = partial(_add_told, table, manifest)
    ordered = None
    if target is not None and (options.shards is not None or in_archive):
        ordered = _ordered(options, target, job.run, jobs)
        job = job._replace(every_file=True, spool=ordered.place)
        ordered.release = release or ordered.release
        items, add = ordered.begin(items, report, watcher), ordered.add
    elif target is not None and not targets.is_one_file:
        add = _until_full(report, add)
    try:
        if executor.elsewhere or not targets.is_one_file:
            job = _with_series(_with_states(job), found, executor, report, watcher, release)
            _with_workers(items, job, executor, report, watcher, add, release)
        elif (item := next(items, None)) is not None and (
            parts := _alone(item, _with_threads(job, jobs), report, watcher, add)
        ):
            job = _with_series(job, lambda: parts, executor, report, watcher)
            _with_workers(parts, job, executor, report, watcher, add)
    except KeyboardInterrupt:
        report.interrupted = True
    except BaseException:
        if manifest is not None:
            manifest.finish(report, watcher)
        if table is not None:
            table.give_up()
        if ordered is not None:
            ordered.give_up()
        raise
    cut_off = report.interrupted or bool(report.stopped) or (options.fail_fast and report.failure_count > 0)
    if ordered is not None:
        ordered.finish(report, watcher, cut_off=cut_off)
    if manifest is not None:
        manifest.finish(report, watcher)
    if table is not None:
        from fastdcm.batch.metadata import finish

        finish(table, report, watcher, cut_off=cut_off)
    report.seconds = time.monotonic() - start
    return report


def _ordered(options: ConvertOptions, target: str, run: Run, jobs: int) -> Ordered:
    """What images go through whose order counts: into shards, or an archive."""
    if options.shards is not None:
        from fastdcm.batch.sharded import Sharded

        return Sharded(options, target, run, jobs)
    from fastdcm.batch.archived import Archived

    return Archived(options, target, run, jobs)


def _unpacking(targets: Targets, job: Job, closing: ExitStack) -> Unpacking | None:
    """What unpacks archives that can be read once alone; None where there are none, nor lists with some."""
    if job.options.flat or not (targets.lists or any(is_packed(tree.source) for tree in targets.trees)):
        return None
    from fastdcm.batch.unpacked import Unpacking

    # Where names, or the grey values of series, are of all inputs, those of other parts are read, too.
    of_all = job.options.name is not None or job.options.render.voi == "series"
    unpacking = Unpacking(job.run, job.options.read.limits, None if of_all else job.options.part)
    closing.callback(unpacking.close)
    return unpacking


def _with_threads(job: Job, threads: int) -> Job:
    """The same, with so many threads at each frame: nothing else has to be done meanwhile."""
    read = replace(job.options.read, threads=threads)
    return job._replace(options=replace(job.options, read=read))


def _with_states(job: Job) -> Job:
    """The same, with the index of the presentation states, so that not every worker looks through them."""
    folder = job.options.render.presentation.presentation_states
    if folder is None:
        return job
    from fastdcm.presentation.folder import build

    return job._replace(states=build(folder))


def _with_series(
    job: Job,
    found: Callable[[], Iterable[Task | Outcome]],
    executor: Executor,
    report: Report,
    watcher: Watcher,
    release: Release | None = None,
) -> Job:
    """The same, with the ranges of its series, where images are to be shown by these."""
    render = job.options.render
    if render.voi != "series" or render.series_range is not None:
        return job
    from fastdcm.batch.series import with_series

    start = time.monotonic()
    job = with_series(job, found, executor, watcher, release)
    report.preparing = time.monotonic() - start
    return job


def _add_told(table: Table | None, manifest: Manifested | None, outcome: Outcome) -> bool:
    """Keep what an outcome tells; whether the run has to end, because that is not possible."""
    if table is not None:
        table.add(outcome.rows)
    return manifest is not None and manifest.add(outcome)


def _until_full(report: Report, add: Add | None) -> Add:
    """The same; the run ends besides where the one place of all outputs takes no more of them."""

    def added(outcome: Outcome) -> bool:
        over = add is not None and add(outcome)
        reasons = (
            failure.error.reason for failure in outcome.failures if isinstance(failure.error, TargetError)
        )
        report.stopped = report.stopped or next(reasons, "")
        return bool(over or report.stopped)

    return added


def _alone(item: Task | Outcome, job: Job, report: Report, watcher: Watcher, add: Add | None) -> list[Task]:
    """Convert the only file here; the parts of a large object are returned for workers."""
    outcome = item if isinstance(item, Outcome) else Outcome(shown(item.source))
    parts: list[Task] = []
    if isinstance(item, Task):
        try:
            parts = convert_alone(item, job, watcher, outcome)
        except KeyboardInterrupt:
            report.add_unfinished(outcome)
            raise
    if not parts:
        if isinstance(item, Task):
            outcome.number = item.number
        if add is not None:
            add(outcome)
        report.add(outcome)
        watcher.done(outcome)
    return parts


def _counted(items: Iterable[Task | Outcome], report: Report) -> Iterator[Task | Outcome]:
    for item in items:
        report.found += 1
        yield item


def _with_workers(
    items: Iterable[Task | Outcome],
    job: Job,
    executor: Executor,
    report: Report,
    watcher: Watcher,
    add: Add | None,
    release: Release | None = None,
) -> None:
    def count(result: Outcome | Lost) -> bool:
        """Whether the run ends with it."""
        outcome = _lost(result.item, result.error) if isinstance(result, Lost) else result
        over = add is not None and add(outcome)
        if release is not None:
            release(outcome.path, outcome.parts)
        report.add(outcome)
        if outcome.files == 1 and (watcher.every_file or not outcome.is_plain):
            watcher.done(outcome)
        return bool(over or (outcome.failures and job.options.fail_fast))

    execution = executor.start(converting(job), items)
    try:
        for result in execution.results():
            if result is None:
                watcher.tick(report.progress(complete=execution.complete)._replace(phase=execution.phase))
            elif count(result):
                break
    finally:
        for result in execution.stop():
            count(result)
        report.waited += execution.waited
        report.workers = executor.workers


def _lost(task: Task, error: FastdcmError) -> Outcome:
    outcome = failed(task.source, error)
    outcome.part, outcome.parts, outcome.number = task.part, task.parts, task.number
    return outcome
