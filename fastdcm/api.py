"""The functions that most callers need: composition, nothing else.

`convert` needs no NumPy in this process: its workers have it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastdcm.batch import Report, Watcher, run
from fastdcm.batch.targets import named_format, named_output
from fastdcm.errors import OptionError
from fastdcm.options import (
    LIMIT_NAMES,
    ConvertOptions,
    Decoder,
    Existing,
    FrameSelection,
    Metadata,
    ReadOptions,
    SidecarOptions,
    parse_tags,
    split_options,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastdcm.options.manifest import ManifestOptions
    from fastdcm.options.part import Part
    from fastdcm.options.shards import ShardOptions
    from fastdcm.pipeline import Image
    from fastdcm.reader.source import Readable


def open(
    src: Readable,
    *,
    strict: bool = False,
    allow_partial: bool = False,
    threads: int = 1,
    decoder: Decoder = "auto",
    refuse_burned_in: bool = False,
    **limits: int,
) -> Image:
    """Open a DICOM object: a path, bytes, a binary file object, or a `fastdcm.reader.source.Source`.

    A path may be that of a member of a ZIP or TAR archive, ``ARCHIVE!MEMBER``. Reads the header only. With
    ``strict`` every notice is an error; with ``allow_partial`` a frame that is cut is given as far as it
    goes, with a notice; ``threads`` may decode one frame (JPEG 2000);
    ``decoder`` is "own" or "library" for JPEG 2000, JPEG-LS and JPEG, else what suits a frame; with
    ``refuse_burned_in`` an image whose pixels may name the patient is a `BurnedInError`.
    ``limits`` are the fields of `fastdcm.options.Limits` (``max_pixels``, ...). Use it as a context
    manager.
    Raises `SourceError`, `NotDicomError`, `NoPixelDataError`, `DicomError`, `UnsupportedError`.
    """
    from fastdcm.pipeline import open_image

    options = ReadOptions.of(
        strict=strict,
        allow_partial=allow_partial,
        threads=threads,
        decoder=decoder,
        refuse_burned_in=refuse_burned_in,
        **limits,
    )
    return open_image(src, options)


def read(src: Readable, index: int = 0, **options: Any) -> NDArray[Any]:
    """The stored values of a frame in one call; options as `Image.pixels` has them."""
    with open(src) as image:
        return image.pixels(index, **options)


def render(src: Readable, index: int = 0, **options: Any) -> NDArray[Any]:
    """The display values of a frame in one call; options as `Image.render` has them."""
    with open(src) as image:
        return image.render(index, **options)


def convert(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    jobs: int | None = 1,
    strict: bool = False,
    allow_partial: bool = False,
    decoder: Decoder = "auto",
    refuse_burned_in: bool = False,
    frames: str | None = None,
    existing: Existing = "keep",
    name: str | None = None,
    allow_phi_names: bool = False,
    flat: bool = False,
    fail_fast: bool = False,
    timeout: float = 60.0,
    fsync: bool = False,
    profile: bool = False,
    metadata: Metadata | None = None,
    tags: str | Sequence[str] = (),
    shards: str | None = None,
    shard_size: str | int = "256M",
    manifest: str | os.PathLike[str] | None = None,
    checksum: bool = False,
    resume: bool = False,
    retry_failed: bool = False,
    part: str | None = None,
    watcher: Watcher | None = None,
    dask: object = None,
    **options: Any,
) -> Report:
    """Convert files and folders to image files, as ``fastdcm convert`` does.

    ``jobs`` worker processes do the work (None: as many as there are usable cores), so that a
    crashing decoder costs one file; a single file is converted in this process. ``output`` is a
    folder, or for one file an image's name, whose extension decides where ``format`` does not.
    ``frames`` is "all" (the default but for a named image, which gets frame 1; GIF and MP4 hold all), "3",
    "2-5" or "1,7,9"; ``existing`` says what happens to outputs that are there ("keep" leaves and counts them
    as undone, "skip" leaves them, "overwrite"); ``name`` is a template, whose fields may tell who a patient
    is only with ``allow_phi_names``; ``flat`` puts the images of a folder and all below it into one;
    ``timeout`` is the least number of seconds a frame may take. ``strict``, ``allow_partial``, ``decoder``
    and ``refuse_burned_in`` are those of `open`; ``options`` those of `Image.render` and `Image.encode`,
    and the fields of `fastdcm.options.Limits`. ``voi="series"`` looks at all files first, to show those of
    a series alike. ``fsync`` waits until each image is on the disk. ``watcher`` sees what happens while it
    happens; ``profile`` fills in ``stages`` of the report. ``metadata`` and ``tags`` are the fields of
    `fastdcm.options.SidecarOptions`: what is told of images beside them. ``shards`` is a pattern of names
    like ``out-%06d.tar``, below ``output``: the images become members of tar archives for WebDataset, of
    at most ``shard_size`` bytes each, with JSON beside each image; a run that was cut off is gone on from.
    ``manifest`` is a file, .jsonl or .parquet, that gets a row for each frame, with ``checksum`` the SHA-256
    of its output; ``resume`` goes on from the one that is there, ``retry_failed`` tries again what failed.
    ``sources`` are files, folders, ZIP and TAR archives, their members as ``ARCHIVE!MEMBER``, DICOMDIR files,
    and ``@list.txt``, which names more of these. ``part``, "3/16", is a share of them, for several machines.
    ``dask`` has a Dask cluster do the work: a `distributed.Client`, or the address of a scheduler, the path
    of its file (.json), or "local"; sources and output are on storage that its workers share.

    Failures are in the report, they do not raise. Raises `OptionError` before anything is written
    where the request makes no sense, `WorkerError` where no worker can be started, and
    KeyboardInterrupt after Ctrl-C, leaving whole files only.
    """
    paths = [
        os.fspath(source) for source in ([sources] if isinstance(sources, (str, os.PathLike)) else sources)
    ]
    target = None if output is None else os.fspath(output)
    if "format" not in options and (named := named_output(paths, target)) is not None:
        options["format"] = named_format(named)
    limits = {name: options.pop(name) for name in LIMIT_NAMES & options.keys()}
    render, encode = split_options(options)
    asked = ConvertOptions(
        render=render,
        encode=encode,
        frames=FrameSelection.parse(frames or "all"),
        existing=existing,
        name=name,
        allow_phi_names=allow_phi_names,
        read=ReadOptions.of(
            strict=strict,
            allow_partial=allow_partial,
            decoder=decoder,
            refuse_burned_in=refuse_burned_in,
            **limits,
        ),
        fail_fast=fail_fast,
        timeout=timeout,
        fsync=fsync,
        sidecar=SidecarOptions(
            metadata or ("json" if shards and tags else None), parse_tags(tags) if tags else ()
        ),
        flat=flat,
        shards=None if shards is None else _shards(shards, shard_size),
        manifest=_manifest(manifest, checksum, resume, retry_failed),
        part=None if part is None else _part(part),
    )
    report = run(
        paths,
        target,
        asked,
        jobs=jobs,
        first_only=frames is None,
        watcher=watcher,
        profile=profile,
        cluster=dask,
    )
    if report.interrupted:
        raise KeyboardInterrupt
    return report


def _manifest(
    path: str | os.PathLike[str] | None, checksum: bool, resume: bool, retry_failed: bool
) -> ManifestOptions | None:
    if path is None:
        if checksum or resume or retry_failed:
            raise OptionError("checksum, resume and retry_failed are for a manifest: name it")
        return None
    from fastdcm.options.manifest import ManifestOptions  # few runs have them

    return ManifestOptions(os.fspath(path), checksum, resume, retry_failed)


def _part(text: str) -> Part:
    from fastdcm.options.part import parse_part  # few runs have one

    return parse_part(text)


def _shards(pattern: str, size: str | int) -> ShardOptions:
    from fastdcm.options.shards import ShardOptions, parse_shard_size  # few runs have them

    return ShardOptions(os.fspath(pattern), parse_shard_size(size))
