"""Inputs whose outputs are named by a template: in which folder, and which of them would share a name.

Names must not depend on which worker is the first. So the inputs of a template that may give two the same
name are opened here, one after another in the order of the sources, before they are handed out; that reads
headers twice, and keeps a number an input.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from fastdcm.batch.discovery import Task
from fastdcm.batch.report import Outcome
from fastdcm.batch.targets import Targets
from fastdcm.batch.template import Template
from fastdcm.errors import FastdcmError
from fastdcm.options import ReadOptions
from fastdcm.sidecars.fields import read_fields

if TYPE_CHECKING:
    from fastdcm.pipeline import Image


def templated(
    found: Iterator[Task | Outcome], targets: Targets, template: Template, read: ReadOptions, *, flat: bool
) -> Iterator[Task | Outcome]:
    """The same inputs, with their folders and numbered where names would be the same.

    ``flat`` as `fastdcm.batch.discovery.discover` has it: then files of one name share a folder.
    """
    if template.has_path:
        found = _from_roots(found)
    alone = targets.is_one_file
    # Stems of a folder's files do, also with ``flat``.
    differ = _differ_by_name(targets) and not targets.lists
    told = template.tells_apart(by_name=differ and not flat, by_stem=differ)
    return found if alone or told else _numbered(found, template, read)


def _differ_by_name(targets: Targets) -> bool:
    """Whether the files that were named have other names each."""
    return len({os.path.basename(source) for source, _ in targets.files}) == len(targets.files)


def _from_roots(found: Iterable[Task | Outcome]) -> Iterator[Task | Outcome]:
    """The template makes the folders: names count from where the source's tree goes."""
    for item in found:
        if isinstance(item, Task) and item.base is not None:
            item = item._replace(folder=item.base)
        yield item


def _numbered(
    found: Iterable[Task | Outcome], template: Template, read: ReadOptions
) -> Iterator[Task | Outcome]:
    seen: dict[int, int] = {}
    for item in found:
        if isinstance(item, Task) and (name := _first_name(item, template, read)) is not None:
            # Their hashes, because there may be millions; some filesystems ignore case.
            key = hash((item.folder, name.casefold()))
            seen[key] = twin = seen.get(key, 0) + 1
            item = item._replace(twin=twin) if twin > 1 else item
        yield item


def _first_name(task: Task, template: Template, read: ReadOptions) -> str | None:
    """The name of its first frame; None where it has none, which whoever converts it will tell."""
    from fastdcm.batch.opening import open_task

    try:
        with open_task(task, read) as image:
            return template_name(task, template, image, 1, 1, read_fields(image, template.attributes))
    except FastdcmError:
        return None


def template_name(
    task: Task, template: Template, image: Image, number: int, frames: int, attributes: Mapping[str, str]
) -> str:
    """The name of a frame's output, without extension; ``attributes`` as `read_fields` gave them."""
    return template.render(
        task.stem,
        os.path.basename(task.below),
        image.header,
        number,
        frames,
        folder=os.path.dirname(task.below),
        attributes=attributes,
        twin=task.twin,
    )
