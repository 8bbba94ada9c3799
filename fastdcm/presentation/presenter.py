"""What presentation states and overlays do to the frames of one image: which state, its plan, its pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

from numpy.typing import NDArray

from fastdcm.errors import RenderError
from fastdcm.model import Display, Header, Notice
from fastdcm.options import Limits, PresentationOptions, RenderOptions
from fastdcm.presentation.choosing import Applied, choose, of_other_kind, softcopy_display
from fastdcm.presentation.folder import referencing
from fastdcm.presentation.present import Hide, burned, present, pseudo_colored
from fastdcm.presentation.reading import read_state
from fastdcm.reader.overlays import OVERLAY_TAGS, Bits, OverlayReader
from fastdcm.reader.scan import scan
from fastdcm.reader.source import Source
from fastdcm.rendering.plan import Plan, make_plan

Array = NDArray[Any]
#: A displayed area has no more pixels than so many, or so many times those of the image, and no more than an
#: image may have: more are a damaged state's, and take minutes.
_MOST_PIXELS, _MOST_TIMES = 1 << 24, 64
_OVERLAYS = OVERLAY_TAGS | {0x00020010}


class Presenter:
    """Shows the frames of one image by what the options name.

    ``source`` is all of its bytes, ``words`` gives those of a frame with the bits that samples leave free.
    """

    def __init__(
        self,
        source: Source,
        header: Header,
        limits: Limits,
        words: Callable[[int], Array],
        notices: list[Notice],
    ) -> None:
        self._source, self._header, self._limits = source, header, limits
        self._words, self._notices = words, notices
        self._read: OverlayReader | None = None

    def plan(self, display: Display, index: int, options: RenderOptions, bits: int) -> Plan:
        """The plan of a frame; ``bits`` is the depth of its samples, where that is known."""
        applied = self._applied(index, options.presentation)
        if applied is None:
            return make_plan(self._header, display, options, self._notices, bits)
        if odd := of_other_kind(applied, self._header):
            self._note("presentation-state", odd)
        if applied.state.palette is not None:
            if options.channels:
                title = applied.state.title
                raise RenderError(f"presentation state {title} gives colors to grays, and so do channels")
            # Gray values of 16 bits are what the palette is entered with.
            options = replace(options, bits=16)
        shown = softcopy_display(applied, display, self._header)
        plan = make_plan(self._header, shown, options, self._notices, bits)
        name = f"presentation state {applied.state.title}"
        rule = plan.rule if plan.rule.startswith(name) else f"{name}; {plan.rule}"
        return plan._replace(rule=rule)

    def colored(self, pixels: Array, index: int, options: RenderOptions) -> Array:
        """Display values as `plan` gave them, by the state's palette where it has one (PS3.4 N.2.2)."""
        applied = self._applied(index, options.presentation)
        if applied is None or applied.state.palette is None:
            return pixels
        return pseudo_colored(pixels, applied.state.palette, options.bits)

    def profile(self, index: int, options: PresentationOptions) -> bytes | None:
        """The ICC profile of the colours that a frame is shown in, None where no state has one for it.

        PS3.3 C.11.15: color and pseudo-color states must have one, which counts instead of the image's
        (PS3.4 N.2.2.1).
        """
        applied = self._applied(index, options)
        if applied is None or applied.state.kind == "grayscale" or of_other_kind(applied, self._header):
            return None
        return applied.state.icc_profile or None

    def show(
        self, pixels: Array, index: int, options: RenderOptions, hide: Hide = lambda pixels: pixels
    ) -> Array:
        """Display values as `colored` gave them, with all that comes after that.

        ``hide`` blacks out what must not be seen, on arrays (rows, columns[, 3]) in the image's pixels; of
        overlays, too.
        """
        shape = (pixels.shape[0], pixels.shape[1])

        words = cache(lambda: self._words(index))  # of several overlays that are embedded, once

        def plane_of(group: int) -> Bits | None:
            return self._overlays.plane(group, index, shape, words)

        applied = self._applied(index, options.presentation)
        if applied is None:
            if options.overlay:
                pixels = burned(pixels, self._overlays.overlays, plane_of, options.overlay)
            return hide(pixels)
        return present(
            pixels,
            applied,
            index,
            plane_of,
            options.presentation,
            max_pixels=min(self._limits.max_pixels, max(_MOST_PIXELS, _MOST_TIMES * shape[0] * shape[1])),
            note=self._note,
            hide=hide,
        )

    def is_unchanged(self, index: int, options: RenderOptions) -> bool:
        """Whether `show` gives the display values of a frame as they are: no state, nothing to burn in."""
        if self._applied(index, options.presentation) is not None:
            return False
        overlay = options.overlay
        there = self._overlays.overlays.keys() if overlay else ()
        return not (set(overlay.overlay_groups or there) & set(there))

    def is_absent(self, index: int, options: PresentationOptions) -> bool:
        """Whether no state applies to a frame."""
        return self._applied(index, options) is None

    def aspect(
        self, index: int, options: PresentationOptions, of_image: Callable[[int], Fraction]
    ) -> Fraction:
        """How many times as high as wide the pixels of what `show` gives are.

        ``of_image`` tells it of the image's. A displayed area is shown in square ones (C.10.4).
        """
        applied = self._applied(index, options)
        if applied is None:
            return of_image(index)
        if applied.area is not None:
            return Fraction(1)
        aspect = of_image(index)
        return 1 / aspect if applied.state.rotation in (90, 270) else aspect

    @property
    def _overlays(self) -> OverlayReader:
        if self._read is None:
            header, limits = self._header, self._limits
            # What is odd about the file was noted when it was opened.
            found = scan(
                self._source,
                max_nesting=limits.max_nesting,
                max_inflated=limits.max_inflated,
                wanted=_OVERLAYS,
            )
            gray = header.samples_per_pixel == 1 and not header.is_float
            stored = (header.bits_stored, header.high_bit) if gray else None
            self._read = OverlayReader(found, self._note, stored)
        return self._read

    def _applied(self, index: int, options: PresentationOptions) -> Applied | None:
        """What of which state applies to a frame; None where none was asked for, or none references it."""
        if options.presentation_state is not None:
            applied = choose(read_state(options.presentation_state), self._header, index)
        elif options.presentation_states is not None:
            found = self._of_folder(options.presentation_states, index)
            if found is None:
                return None
            applied = found
        else:
            return None
        for code, message in applied.state.odd:
            self._note(code, f"presentation state {applied.state.title}: {message}")
        return applied

    def _of_folder(self, folder: str, index: int) -> Applied | None:
        """The latest state of a folder that references a frame."""
        uid, frame = self._header.sop_instance_uid, index + 1
        candidates = referencing(folder, uid)
        states = [state for one in candidates if one.kind and (state := read_state(one.path))]
        fitting = [state for state in states if state.images.include(uid, frame)]
        if not fitting:
            if others := [one.path for one in candidates if not one.kind]:
                self._note(
                    "presentation-state",
                    f"{others[0]} references this image, and is of a kind that is not supported",
                )
            return None
        if len(fitting) > 1:
            self._note(
                "presentation-state",
                f"{len(fitting)} presentation states reference this image; {fitting[0].title}, the latest, "
                "was applied",
            )
        return choose(fitting[0], self._header, index)

    def _note(self, code: str, message: str) -> None:
        if not any(known.code == code and known.message == message for known in self._notices):
            self._notices.append(Notice(code, message))
