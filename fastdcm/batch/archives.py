"""The members of an archive as tasks: like the files of a folder that it was unpacked into."""

from __future__ import annotations

import os
from collections.abc import Iterator

from fastdcm.batch.discovery import TEMPORARY, Task, failed
from fastdcm.batch.naming import name_listing, shorten, sort_key
from fastdcm.batch.report import Outcome
from fastdcm.batch.targets import Tree
from fastdcm.errors import ArchiveError, FastdcmError, OutputError
from fastdcm.sources.members import linked, members
from fastdcm.sources.names import member_name, parts_of
from fastdcm.sources.zipped import Member

#: Longest name of a folder, in bytes.
_LONGEST = 255

#: The members of a folder, by the name that each has there.
_Folder = dict[str, Member]


def members_of(tree: Tree) -> Iterator[Task | Outcome]:
    """Tasks in the order in which a folder is walked, and outcomes of what cannot become one.

    All members are listed first, which takes half a kilobyte each.
    """
    folders: dict[tuple[str, ...], _Folder] = {}
    links: dict[str, str] = {}
    by_name: dict[str, Member] | None = None
    try:
        for member in members(tree.source):
            if not member.name:
                yield _failed(tree, member, ArchiveError(member.problem))
                continue
            if member.link:
                links[member.name] = member.link
            *above, name = parts_of(member.name)
            listed = folders.setdefault(tuple(above), {})
            if (before := listed.get(name)) is not None:
                if before.name != member.name:
                    other = member_name(tree.source, before.name)
                    message = f"its image would have the name of that of {other}: unpack the archive"
                    yield _failed(tree, member, OutputError(message))
                    continue
                # The last one counts, as it does when an archive is unpacked.
                why = "a later member of the archive has its name"
                yield Outcome(member_name(tree.source, before.name), skipped=why, is_told=True)  # by that one
            listed[name] = member
    except FastdcmError as error:
        yield failed(tree.source, error)
    if links:
        by_name = {member.name: member for listed in folders.values() for member in listed.values()}
    root = member_name(tree.source, "")
    for place in sorted(folders, key=lambda parts: [sort_key(part) for part in parts]):
        listed = folders.pop(place)
        target = os.path.join(tree.folder, *map(shortened, place))
        for name, stem in name_listing(name for name in listed if not name.startswith(TEMPORARY)):
            member = listed[name]
            if member.link and by_name is not None:
                member = _followed(member, links, by_name)
            if member.problem:
                yield _failed(tree, member, ArchiveError(member.problem))
            elif member.place is None:
                yield Outcome(root + member.name, skipped=member.skipped)
            else:
                yield Task(root + member.name, target, stem, root=root, base=tree.folder, place=member.place)


def _followed(member: Member, links: dict[str, str], by_name: dict[str, Member]) -> Member:
    """A link with the place of the member that it leads to (in TAR, another name of the same file)."""
    target = by_name.get(linked(member.link, links))
    if target is None or target.link:
        return Member(member.name, problem=f"is a link to {member.link}, which the archive does not have")
    return target._replace(name=member.name)


def _failed(tree: Tree, member: Member, error: FastdcmError) -> Outcome:
    return failed(member_name(tree.source, member.name) if member.name else tree.source, error)


def shortened(folder: str) -> str:
    """The name of a member's folder, as filesystems take it."""
    return folder if len(os.fsencode(folder)) <= _LONGEST else shorten(folder)
