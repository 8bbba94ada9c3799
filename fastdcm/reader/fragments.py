"""Which fragments of encapsulated Pixel Data are a frame (PS3.5 A.4): by offset tables, or by themselves."""

from __future__ import annotations

import sys

from fastdcm.errors import DicomError, TruncatedError
from fastdcm.model import Header, Notice
from fastdcm.reader.elements import tag_name
from fastdcm.reader.offsets import OffsetTable
from fastdcm.reader.pixel_items import Fragment, PixelItems, Run
from fastdcm.reader.scan import DataSet
from fastdcm.reader.stream import FragmentFile


class Fragments:
    """The fragments of each frame, located on demand.

    Offset tables are believed as far as the items bear them out; else all items are gone through, once.
    """

    def __init__(
        self, found: DataSet, header: Header, notices: list[Notice], *, allow_partial: bool = False
    ) -> None:
        assert found.pixel is not None
        self._frames, self._notices = header.frames, notices
        self._items = PixelItems(found.source, found.pixel[1], header, allow_partial=allow_partial)
        self._table = OffsetTable(found, header, self._items, notices)
        self._groups: list[tuple[Fragment, ...]] | None = None
        self._scanned: Run | DicomError | None = None
        self._cut: Run | None = None
        self._unknown: DicomError | None = None
        self._uncertain = ""

    def of(self, index: int) -> tuple[Fragment, ...]:
        """(offset, length) of a frame's fragments. Raises `TruncatedError`, `DicomError`."""
        fragments = self._table.of(index)
        if fragments is None:
            fragments = self._by_group(index)
        self._table.compare_length(index, fragments)
        return fragments

    def extent(self, index: int) -> tuple[int, int] | None:
        """From where to where the frame lies with all that is read to find that out, without reading
        anything.

        None where no offset table tells.
        """
        if self._frames == 1:
            return self._items.first, self._items.source.size
        return self._table.extent(index)

    def stream(self) -> FragmentFile:
        """All fragments as one file, for frames that share one codestream (video, PS3.5 8.2.5 ff.).

        What is there of a fragment that is cut belongs to it. Several fragments that do not end with the
        sequence count as cut, too: others may be missing, and no codestream tells.
        """
        fragments, run = list(self._scan()), self._cut
        if run is not None and run.stop == "cut":
            start = run.position + 8
            fragments.append((start, self._items.source.size - start))
        cut = run is not None and (run.cut or run.stop == "other" or len(fragments) > 1)
        return FragmentFile(self._items.source, fragments, cut=cut)

    def _by_group(self, index: int) -> tuple[Fragment, ...]:
        if self._unknown is not None:
            raise type(self._unknown)(self._unknown.message)  # each its own, as each is given its frame
        if self._groups is None:
            try:
                self._groups = self._group()
            except DicomError as error:
                self._unknown = error
                raise
        if index >= len(self._groups) and self._uncertain:
            raise DicomError(self._uncertain)
        if index >= len(self._groups):
            what = "Pixel Data is cut" if self._cut else "Pixel Data has too few fragments"
            raise TruncatedError(f"{what}: {len(self._groups)} of {self._frames} frames are there")
        return self._groups[index]

    def _scan(self) -> list[Fragment]:
        """All fragments, gone through once; sets ``_cut`` where they do not end with the sequence."""
        if self._scanned is None:
            try:
                run = self._items.walk(self._items.first, sys.maxsize)
            except DicomError as error:
                self._scanned = error
                raise
            self._cut = None if run.stop == "sequence" else run
            if run.stop == "other":
                message = f"{tag_name(run.tag)} among the fragments; what follows was left out"
                self._notices.append(Notice("fragments", message))
            self._scanned = run
        if isinstance(self._scanned, DicomError):
            raise type(self._scanned)(self._scanned.message)
        return self._scanned.fragments

    def _group(self) -> list[tuple[Fragment, ...]]:
        """Fragments a frame where no table says so (PS3.5 A.4)."""
        fragments, cut = self._scan(), self._cut
        partial = cut is not None and cut.stop == "cut"
        if self._frames == 1:
            if cut is not None and partial:
                raise self._items.cut(cut)
            self._check_single(fragments)
            return [tuple(fragments)] if fragments else []
        if cut is not None and self._items.one_fragment:
            return [(fragment,) for fragment in fragments]
        as_many = len(fragments) == self._frames
        if as_many and not self._items.signed:
            return [(fragment,) for fragment in fragments]
        kinds = [self._items.kind(fragment) for fragment in fragments]
        if as_many:
            return self._one_to_one(fragments, kinds)
        groups: list[list[Fragment]] = []
        for fragment, kind in zip(fragments, kinds, strict=True):
            if not groups or (kind is not None and kind == kinds[0]):
                groups.append([])
            groups[-1].append(fragment)
        if cut is not None and partial and groups and not self._starts_at(cut):
            # The cut fragment may belong to the last frame, which then is not whole.
            groups.pop()
        if len(groups) != self._frames and cut is None:
            raise DicomError(
                f"{len(fragments)} fragments for {self._frames} frames, no usable offset table, and "
                f"{len(groups)} starts of codestreams: which belong together is unknown"
            )
        return [tuple(group) for group in groups]

    def _one_to_one(self, fragments: list[Fragment], kinds: list[str | None]) -> list[tuple[Fragment, ...]]:
        """As many fragments as frames; behind one that starts no codestream, nothing is certain."""
        certain = len(fragments)
        if None in kinds and any(kinds):
            certain = kinds.index(None) + 1
            self._uncertain = (
                f"fragment {certain} starts no codestream: whether it is frame {certain} or belongs to the "
                "one before, and so which frame comes after it, is unknown"
            )
        return [(fragment,) for fragment in fragments[:certain]]

    def _starts_at(self, cut: Run) -> bool:
        """Whether the cut fragment starts a frame."""
        return self._items.kind((cut.position + 8, cut.length)) is not None

    def _check_single(self, fragments: list[Fragment]) -> None:
        """One frame in several fragments: more than one start of a codestream is suspicious."""
        if len(fragments) < 2 or not self._items.signed or (starts := self._items.starts(fragments)) < 2:
            return
        message = f"{len(fragments)} fragments for one frame, {starts} of which start codestreams"
        if any(notice.code == "number-of-frames" for notice in self._notices):
            raise DicomError(f"Number of Frames is unreadable, and there are {message}")
        self._notices.append(Notice("fragments", f"{message}; the first was read"))
