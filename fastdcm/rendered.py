"""The display values of an open object's frames: plans, what a decoder may leave out, and pictures.

Here what was read and decoded meets rendering.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fastdcm.codecs.decode import is_native
from fastdcm.model import Halved, Less, Region, Samples
from fastdcm.opened import Opened
from fastdcm.options import DeidentifyOptions, ReadOptions, RenderOptions, split_options
from fastdcm.reader.elements import PROFILES, UNDEFINED
from fastdcm.reader.source import Source
from fastdcm.rendering.chain import Range
from fastdcm.rendering.execute import execute, execute_parts, value_range
from fastdcm.rendering.plan import GrayPlan, Plan, make_plan

if TYPE_CHECKING:
    from fastdcm.pictures import Pictures
    from fastdcm.profiles import Profiles
    from fastdcm.rendering.fitting import Arrangement
    from fastdcm.rendering.series import Finding

Array = NDArray[Any]
_DEFAULT = ReadOptions()
_PLAIN = RenderOptions()


class Rendered(Opened):
    """An open object whose frames can be rendered; `fastdcm.Image` gives their values and files, too."""

    def __init__(self, source: Source, options: ReadOptions = _DEFAULT) -> None:
        self._object_ranges: dict[Plan, Range | None] = {}
        self._settled: dict[RenderOptions, RenderOptions] = {}
        self._profiles: Profiles | None = None
        self._made: Pictures | None = None
        self._boxes: dict[tuple[int, DeidentifyOptions], Region] = {}
        self._shown_by: dict[int, tuple[Plan, Range | None]] | None = None
        super().__init__(source, options)

    def render(self, index: int = 0, **options: Any) -> Array:
        """Display values of a frame: (rows, columns) or (rows, columns, 3), uint8, or uint16 with
        ``bits=16``; 0 is black.

        ``options`` are the fields of `fastdcm.options.RenderOptions`; ``window`` may be a tuple
        (center, width[, function]) or text. PS3.3 C.11 says what they mean. Those of its topics are
        options, too: `fastdcm.options.ColourOptions`, `OverlayOptions`, `PresentationOptions`,
        `DeidentifyOptions` and `GeometryOptions`; sizes are (rows, columns), regions (x, y, width, height).
        """
        pixels = self.render_frame(index, split_options(options)[0])
        # Those that need no rendering may lie in the file's memory.
        return pixels if pixels.flags.writeable else pixels.copy()

    def render_frame(self, index: int, options: RenderOptions, out: Array | None = None) -> Array:
        """`render` with options that are validated already.

        Gray values that nothing is done with may be written to ``out``, where it fits: it is returned then.
        """
        with self._located(self._check(index)):
            samples = None
            if not options.is_plain:
                out = None
                if options.geometry.crop == "content":
                    options, samples = self._cut_to_content(index, options)
            if samples is not None or (shown := self._shown_in_parts(index, options, out)) is None:
                less = None if options.needs_all or samples is not None else self._less(index, options)
                shown, halved = self._display_values(index, options, less, samples, out)
                while less is not None and halved is not None:
                    picture = self._pictures.of_halved(shown, halved, index, options)
                    if not isinstance(picture, int):
                        return picture
                    less = less._replace(halvings=picture, squares=picture, reversible=None)
                    shown, halved = self._display_values(index, options, less)
            if not options.is_plain:
                shown = self._pictures.colored(shown, index, options)
            if options.colour.icc == "srgb" and shown.ndim == 3:
                shown = self._in_srgb(shown, index, options)
            return shown if options.is_plain else self._pictures.of(shown, index, options)

    def explain(self, index: int = 0, **options: Any) -> str:
        """In words, how a frame would be rendered and from where its window comes."""
        with self._located(self._check(index)):
            return self._plan(index, split_options(options)[0]).rule

    def _shown_in_parts(self, index: int, options: RenderOptions, out: Array | None) -> Array | None:
        """Display values of a frame of a large native file, shown as it is read; None for others."""
        header, found = self._header, self._found
        if self._source.whole is not None or not header.is_gray_words or not found.encoding.little:
            return None
        if self._frames.encapsulated or self._options.allow_partial or not is_native(header):
            return None
        return execute_parts(self._plan(index, options), header, partial(self._frames.parts, index), out)

    def _display_values(
        self,
        index: int,
        options: RenderOptions,
        less: Less | None,
        samples: Samples | None = None,
        out: Array | None = None,
    ) -> tuple[Array, Halved | None]:
        """A frame's display values; those of one that its decoder has halved, where ``less`` lets it."""
        if samples is None:
            samples = self._decode(index, as_rgb=True, mask=False, less=less)
        plan = self._plan(index, options, samples.bits)
        shown = execute(plan, samples, self._object_range(plan), out)
        if self._shown_by is not None:
            self._shown_by[index] = plan, self._range(plan, samples)
        return shown, samples.halved

    def _arrangement(self, index: int, options: RenderOptions) -> Arrangement:
        """How `render_frame` makes a picture of a frame. Raises `RenderError` where that is not told."""
        self._pictures.check_source(index, options, "a mapping")
        return self._pictures.arrangement(index, self._cut_to_content(index, options)[0])

    def _cut_to_content(self, index: int, options: RenderOptions) -> tuple[RenderOptions, Samples | None]:
        """The options with the box of a frame's content, where they ask for it; its samples, if decoded now.

        The box is that of the whole frame as it is shown without options, but for what is blacked out: it is
        the same for all windows and sizes, and for stored values.
        """
        geometry, hide, samples = options.geometry, options.deidentify, None
        if geometry.crop != "content":
            return options, None
        self._pictures.check_source(index, options, "crop content")
        if (index, hide) not in self._boxes:
            from fastdcm.rendering.content import content_box

            samples = self._decode(index, as_rgb=True, mask=False)
            plan = self._plan(index, _PLAIN, samples.bits)
            shown = execute(plan, samples, self._object_range(plan))
            self._boxes[index, hide] = content_box(self._pictures.hidden(index, hide, shown))
        box = self._boxes[index, hide]
        return replace(options, geometry=replace(geometry, crop=box)), samples

    @property
    def _may_lack(self) -> bool:
        """Whether a decoder might leave something out: of streams that are not to be looked at for damage."""
        return self._frames.encapsulated and self._video is None and not self._options.allow_partial

    def _less(self, index: int, options: RenderOptions) -> Less | None:
        """What need not be decoded of a frame for a picture; None where all is needed."""
        if not self._may_lack:
            return None
        plan = self._plan(index, options)
        grey = None
        if options.precision == "display" and not options.presentation:
            from fastdcm.rendering.halving import grey as grey_of

            grey = grey_of(plan, self._header)
        less = Less() if options.is_plain else self._pictures.less(plan, index, options)
        return less._replace(grey=grey) if less.halvings or grey is not None else None

    def _plan(self, index: int, options: RenderOptions, bits: int = 0) -> Plan:
        """The plan of a frame; ``bits`` is the depth of its samples, where that is known."""
        if options.voi == "series" and options.series_range is None:
            options = self.as_series(options)
        header, alike = self._header, self._alike
        if bits > header.bits_stored:
            alike = None  # a codestream that is deeper than declared: its values count
        if options.presentation:
            return self._pictures.plan(self._display.read(index), index, options, bits)
        if alike is not None and alike.plan is not None:
            made_for, plan = alike.plan
            if made_for is options or made_for == options:
                return plan  # type: ignore[no-any-return]
        display = self._display.read(index)
        plan = make_plan(header, display, options, self._noted, bits)
        if alike is not None and not self._noted:
            alike.display, alike.plan = display, (options, plan)
        return plan

    def remember_plans(self) -> None:
        """From now on `shown_by` knows of frames how they were shown, and need not decode them again."""
        self._shown_by = {}

    def shown_by(self, index: int, options: RenderOptions) -> tuple[Plan, Range | None]:
        """The plan of a frame, and the range that its pixels gave, where the plan leaves it to them.

        What was remembered of the frame is forgotten.
        """
        with self._located(self._check(index)):
            if self._shown_by is not None and index in self._shown_by:
                return self._shown_by.pop(index)
            plan = self._plan(index, options)
            if not isinstance(plan, GrayPlan) or plan.automatic is None:
                return plan, None
            samples = self._decode(index, as_rgb=True, mask=False)
            plan = self._plan(index, options, samples.bits)
            return plan, self._range(plan, samples)

    def _range(self, plan: Plan, samples: Samples) -> Range | None:
        if not isinstance(plan, GrayPlan) or plan.automatic is None:
            return None
        return self._object_range(plan) or value_range(plan, [samples])

    def look(self, index: int, options: RenderOptions, *, measure: bool) -> Finding:
        """What a frame says about how its series is shown; its pixels are looked at with ``measure``, or
        where it has no window or VOI LUT. ``options`` are those by which it is shown by itself.
        """
        from fastdcm.rendering.series import found_in

        with self._located(self._check(index)):
            decode = partial(self._decode, index, as_rgb=True, mask=False)
            header = self._header
            # A codestream may have more bits than declared; then 8 bits are no identity.
            deeper = self._frames.encapsulated and header.bits_stored <= 8 < header.bits_allocated
            return found_in(partial(self._plan, index, options), decode, measure or deeper)

    def as_series(
        self, options: RenderOptions, begin: Callable[[int], None] = lambda index: None
    ) -> RenderOptions:
        """The options that show all frames alike, as those of one series; found out once.

        Frames that cannot be read do not count. ``begin`` is called before each that is looked at.
        """
        if options not in self._settled:
            from fastdcm.rendering.series import shown_alike

            self._settled[options] = shown_alike(options, self.look, len(self), begin)
        return self._settled[options]

    def _object_range(self, plan: Plan) -> Range | None:
        """The range over all frames, where the plan asks for it; computed once."""
        if not isinstance(plan, GrayPlan) or plan.automatic is None or plan.automatic.scope != "object":
            return None
        if plan not in self._object_ranges:
            self._object_ranges[plan] = value_range(plan, map(self._decode_named, range(len(self))))
        return self._object_ranges[plan]

    @property
    def _colour(self) -> Profiles | None:
        """The ICC profiles, which gray frames are not asked for; None where there can be none."""
        if self._profiles is None:
            found = self._found
            native = found.pixel is not None and found.pixel[2] != UNDEFINED
            if native and PROFILES.isdisjoint(found.elements):
                return None
            from fastdcm.profiles import Profiles

            video = self._video is not None
            self._profiles = Profiles(self._found, self._display, self._frames, video=video, note=self._note)
        return self._profiles

    def _in_srgb(self, shown: Array, index: int, options: RenderOptions) -> Array:
        """Colours in sRGB, where there is a profile that says what they are."""
        if (profile := self._profile_of(index, options)) is None:
            return shown
        from fastdcm.profiles import as_srgb

        converted: Array = as_srgb(shown, profile)
        return converted

    def _profile_of(self, index: int, options: RenderOptions) -> bytes | None:
        """The ICC profile of the colours that are shown of a frame; None where there is none."""
        if options.channels:
            return None  # colours are windows, of which no profile knows
        if not options.is_plain:
            # A presentation state's comes before the image's (PS3.4 N.2.2.1).
            if (profile := self._pictures.profile(index, options)) is not None:
                return profile
            # What is drawn in colours onto a gray image, or a palette gives, are not the image's colours.
            plan = self._plan(index, options)
            if isinstance(plan, GrayPlan) and plan.supplemental is None:
                return None
        return None if self._colour is None else self._colour.of(index)

    @property
    def _pictures(self) -> Pictures:
        if self._made is None:
            from fastdcm.pictures import Pictures  # most images are shown as they are

            limits, named = self._options.limits, lambda: self.header
            self._made = Pictures(
                self._whole, self._header, named, limits, self._words, self._noted, self._note
            )
        return self._made
