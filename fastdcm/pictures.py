"""What becomes of display values: overlays, presentation states, black regions, another geometry.

Reader, presentation and rendering meet for it here, below the pipeline; images that are shown as they are do
without.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fastdcm.errors import RenderError
from fastdcm.model import Display, Halved, Header, Less, Notice
from fastdcm.options import DeidentifyOptions, GeometryOptions, Limits, RenderOptions
from fastdcm.reader.geometry import GeometryReader
from fastdcm.reader.source import Source
from fastdcm.rendering.fitting import Arrangement, arrangement
from fastdcm.rendering.geometry import (
    arranged,
    arranged_halved,
    blacked_out,
    check_size,
    is_label_map,
    kept,
    outside_words,
)
from fastdcm.rendering.halving import (
    enough,
    halvings,
    is_shrinking,
    linear_grey,
    most_halvings,
    squares,
)
from fastdcm.rendering.plan import ColourPlan, Plan

if TYPE_CHECKING:
    from fastdcm.presentation.presenter import Presenter

Array = NDArray[Any]


class Pictures:
    """Makes pictures of one object's display values, where options ask for more than these.

    ``source`` is all of its bytes; ``named`` gives its ``header`` with its own names, ``words`` those of a
    frame with the bits that samples leave free; ``note`` tells a notice of a frame, by its index.
    """

    def __init__(
        self,
        source: Source,
        header: Header,
        named: Callable[[], Header],
        limits: Limits,
        words: Callable[[int], Array],
        notices: list[Notice],
        note: Callable[[Notice, int], None],
    ) -> None:
        self._source, self._header, self._limits, self._words = source, header, limits, words
        self._named = named
        self._notices, self._note = notices, note
        self._read: GeometryReader | None = None
        self._presents: Presenter | None = None

    def plan(self, display: Display, index: int, options: RenderOptions, bits: int) -> Plan:
        """The plan of a frame that a presentation state may decide on; ``bits`` as `make_plan` has them."""
        return self._presenter.plan(display, index, options, bits)

    def less(self, plan: Plan, index: int, options: RenderOptions) -> Less:
        """How often a decoder may halve a frame, so that its picture hardly differs.

        Not where something is drawn or hidden, whose place is told in the source's pixels.
        """
        if not is_shrinking(options.geometry) or options.overlay or options.presentation:
            return Less()
        if options.deidentify != DeidentifyOptions() or (grey := linear_grey(plan, self._header)) is None:
            return Less()
        if options.colour.icc == "srgb" and isinstance(plan, ColourPlan):
            return Less()  # profiles are curves
        how = self.arrangement(index, options)
        shape, sides = how.shape, how.unturned_sides
        times = halvings(shape, sides)
        most = most_halvings(grey, colour=isinstance(plan, ColourPlan))
        return Less(times, squares(shape, sides, times), reversible=most)

    def of_halved(self, shown: Array, halved: Halved, index: int, options: RenderOptions) -> Array | int:
        """`of` a frame that a decoder has halved; or how often it may be halved, where this was too often."""
        how = self.arrangement(index, options)
        shape, sides = how.shape, how.unturned_sides
        span = 255.0 if shown.dtype.itemsize == 1 else 65535.0
        if (times := enough(shown, halved, shape, sides, span)) < halved.times:
            return times
        return arranged_halved(shown, how, halved)

    def colored(self, shown: Array, index: int, options: RenderOptions) -> Array:
        """Display values with the colours that a presentation state gives to grays."""
        return self._presenter.colored(shown, index, options) if options.presentation else shown

    def profile(self, index: int, options: RenderOptions) -> bytes | None:
        """The ICC profile of a presentation state, by which its colours are meant; None where it has none."""
        return self._presenter.profile(index, options.presentation) if options.presentation else None

    def of(self, shown: Array, index: int, options: RenderOptions) -> Array:
        """The picture of a frame's display values, (rows, columns[, 3]) of uint8 or uint16.

        Overlays or a presentation state with all that it has, of which black regions hide what lies in the
        image; then the geometry of the options, in the order of PS3.18 (a region, then its size).
        """
        geometry, hide = options.geometry, partial(self.hidden, index, options.deidentify)
        if options.overlay or options.presentation:
            shown = self._presenter.show(shown, index, options, hide)
        else:
            shown = hide(shown)
        if geometry == GeometryOptions():
            return shown
        how = self.arrangement(index, options, (shown.shape[0], shown.shape[1]))
        labels, most = is_label_map(self._header), self._limits.max_pixels
        return arranged(shown, how, geometry, labels=labels, max_pixels=most)

    def arrangement(
        self, index: int, options: RenderOptions, shape: tuple[int, int] | None = None
    ) -> Arrangement:
        """How the picture of a frame comes of its pixels, or of a presentation state's picture of it, which
        has this ``shape``; a box of content is known by then. Raises `RenderError` where it cannot be made.
        """
        geometry = options.geometry
        aspect = self._aspect(index, options) if geometry.aspect else None
        spacing = None
        if geometry.spacing is not None:
            self.check_source(index, options, "spacing")
            spacing = self._geometry.spacing(index)
        return arrangement(shape or (self._header.rows, self._header.columns), geometry, aspect, spacing)

    def check_size(self, how: Arrangement) -> None:
        """Raises `RenderError` for more pixels than an image may have."""
        check_size(how, self._limits.max_pixels)

    def check_source(self, index: int, options: RenderOptions, what: str) -> None:
        """Raises `RenderError` where a presentation state places the pixels of a frame elsewhere."""
        if options.presentation and not self._presenter.is_absent(index, options.presentation):
            raise RenderError(
                f"{what} is of the source's pixels, which a presentation state places elsewhere: "
                "leave one of them out"
            )

    def is_unchanged(self, index: int, options: RenderOptions) -> bool:
        """Whether `of` gives the display values of a frame as they are."""
        if options.deidentify != DeidentifyOptions():
            return False
        drawn = options.overlay or options.presentation
        if drawn and not self._presenter.is_unchanged(index, options):
            return False
        return options.geometry.crop != "content" and self.arrangement(index, options).is_identity

    def hidden(self, index: int, options: DeidentifyOptions, shown: Array) -> Array:
        """With black regions, in the pixels of the source."""
        if options.keep_us_regions:
            shown = kept(shown, self._geometry.us_regions())
        if options.masks:
            whole = shown
            shown, outside = blacked_out(whole, options.masks)
            for mask in outside:
                self._note(Notice("mask", outside_words(mask, whole)), index)
        return shown

    def _aspect(self, index: int, options: RenderOptions) -> Fraction | None:
        """How many times as high as wide the pixels of what is shown are, where that is to be undone."""
        if not options.geometry.aspect:
            return None
        if options.presentation:
            return self._presenter.aspect(index, options.presentation, self._geometry.aspect)
        return self._geometry.aspect(index)

    @property
    def _geometry(self) -> GeometryReader:
        if self._read is None:
            self._read = GeometryReader(self._source, self._named(), self._limits, self._notices)
        return self._read

    @property
    def _presenter(self) -> Presenter:
        if self._presents is None:
            from fastdcm.presentation.presenter import Presenter  # few pictures have states or overlays

            self._presents = Presenter(self._source, self._named(), self._limits, self._words, self._notices)
        return self._presents
