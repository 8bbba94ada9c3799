"""What the data set says about showing a frame, as a `Display` (PS3.3 C.11, C.7.6.16.2, C.7.9)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from fastdcm.errors import DicomError
from fastdcm.model import Display, Header, Lut, Notice, VoiFunction, Window
from fastdcm.options import is_usable
from fastdcm.reader.elements import Encoding
from fastdcm.reader.scan import DataSet
from fastdcm.reader.sequences import elements_of, inside, item_encoding, items
from fastdcm.reader.source import MemorySource
from fastdcm.reader.values import Values, entry_bits, lut_entries

_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_FRAME_VOI_LUT, _PIXEL_VALUE_TRANSFORMATION = 0x00289132, 0x00289145
#: Items of the sequences that hold LUTs, or one item.
_MAX_ITEMS = 4096
_FUNCTIONS: dict[str, VoiFunction] = {
    "LINEAR": "LINEAR",
    "LINEAR_EXACT": "LINEAR_EXACT",
    "SIGMOID": "SIGMOID",
}


class DisplayReader:
    """Reads the `Display` of each frame; what all frames share is read once, or given where it is known."""

    def __init__(
        self, found: DataSet, header: Header, notices: list[Notice], known: Display | None = None
    ) -> None:
        self._top = Values(found.encoding, found.elements, data_set=found)
        self._header, self._notices = header, notices
        self._shared: Values | None = None
        self._per_frame: bytes = b""
        self._per_frame_encoding = found.encoding
        self._items: list[tuple[int, int]] = []
        self._base = known
        self._enhanced = _SHARED in found.elements or _PER_FRAME in found.elements

    def read(self, index: int) -> Display:
        """The attributes of one frame: its own item's, else the shared item's, else the top level's."""
        if not self._enhanced:
            if self._base is None:
                self._base = self._assemble([(self._top, "the data set")])
            return self._base
        return self._assemble(self.levels(index))

    @property
    def top(self) -> Values:
        """The data set itself."""
        return self._top

    def levels(self, index: int) -> list[tuple[Values, str]]:
        """Where attributes of a frame may stand, from the most to the least specific, and that in words."""
        self._top.walk.renew()
        if self._enhanced:
            self._load_groups()
        levels = []
        if index < len(self._items):
            group = _item(self._top, self._per_frame, self._items[index], self._per_frame_encoding)
            levels.append((group, "the frame's functional group"))
        if self._shared is not None:
            levels.append((self._shared, "the shared functional group"))
        return [*levels, (self._top, "the data set")]

    def _load_groups(self) -> None:
        if self._base is not None:
            return
        shared = first_item(self._top, _SHARED)
        if shared is not None:
            self._shared = shared
        self._per_frame = self._top.raw(_PER_FRAME) or b""
        if self._per_frame:
            self._per_frame_encoding = _items_encoding(self._top, _PER_FRAME, self._per_frame)
            self._items = items(self._per_frame, self._per_frame_encoding, self._top.walk)
        if self._items and len(self._items) != self._header.frames:
            self._notices.append(
                Notice(
                    "functional-groups",
                    f"{len(self._items)} per-frame functional groups, "
                    f"Number of Frames is {self._header.frames}",
                )
            )
        self._base = Display()

    def _assemble(self, levels: list[tuple[Values, str]]) -> Display:
        """``levels`` go from the most to the least specific."""
        rescale, modality_lut, modality_source = None, None, ""
        windows: tuple[Window, ...] = ()
        voi_luts: tuple[Lut, ...] = ()
        windows_source = ""
        for values, source in levels:
            transform = values if values is self._top else first_item(values, _PIXEL_VALUE_TRANSFORMATION)
            if not modality_source and transform is not None:
                rescale, modality_lut = self._modality(transform)
                modality_source = source if rescale or modality_lut else ""
        for values, source in levels:
            # After the modality of all levels, which decides the sign of a VOI LUT's input.
            voi = values if values is self._top else first_item(values, _FRAME_VOI_LUT)
            if not windows_source and voi is not None:
                windows, voi_luts = self._windows(voi), self._voi_luts(voi, rescale)
                windows_source = source if windows or voi_luts else ""
        top = self._top
        presentation = first_item(top, 0x20500010)
        palette, supplemental = None, False
        if self._header.samples_per_pixel == 1:
            colour = self._header.photometric_interpretation == "PALETTE COLOR"
            supplemental = not colour and top.text(0x00089205).upper() == "COLOR" and 0x00281101 in top
            if colour or supplemental:
                from fastdcm.reader.palette import read_palette  # most images have none

                palette = read_palette(top, signed=self._header.signed)
                if palette.bits == 8 and entry_bits(palette.red + palette.green + palette.blue) > 8:
                    self._note(
                        "palette-bits", "the palette declares 8 bits and has entries of 16; it was read so"
                    )
                    palette = palette._replace(bits=16)
        return Display(
            rescale=rescale,
            modality_lut=modality_lut,
            modality_source=modality_source,
            windows=windows,
            windows_source=windows_source,
            voi_luts=voi_luts,
            presentation_lut=None if presentation is None else self._lut(presentation, signed=False),
            presentation_lut_shape=top.text(0x20500020).upper(),
            pixel_intensity_relationship=top.text(0x00281040).upper(),
            padding=self._padding(),
            palette=palette,
            supplemental=supplemental,
        )

    def _modality(self, values: Values) -> tuple[tuple[float, float] | None, Lut | None]:
        """Rescale (slope, intercept) and Modality LUT (C.11.1) of one level."""
        item = first_item(values, 0x00283000)
        if item is not None:
            return None, self._lut(item, signed=self._header.signed)
        slopes, intercepts = values.decimals(0x00281053), values.decimals(0x00281052)
        if not slopes and not intercepts:
            return None, None
        slope, intercept = (slopes or [1.0])[0], (intercepts or [0.0])[0]
        if not (math.isfinite(slope) and math.isfinite(intercept)):
            raise DicomError("Rescale Slope or Rescale Intercept is no number")
        if slope == 0:
            raise DicomError("Rescale Slope is 0")
        return (slope, intercept), None

    def _windows(self, values: Values) -> tuple[Window, ...]:
        """The windows (C.11.2.1.2) that can be used; the others give a notice."""
        centers, widths = values.decimals(0x00281050), values.decimals(0x00281051)
        if not centers and not widths:
            return ()
        if len(centers) != len(widths):
            self._note(
                "window",
                f"{len(centers)} window centers and {len(widths)} widths: the pairs that are whole count",
            )
        written = values.raw(0x00281056)
        text = written.decode("latin-1") if written and written.strip(b" \0") else "LINEAR"
        function = _FUNCTIONS.get(text.strip(" \0").upper())
        if function is None:
            self._note("window", f"VOI LUT Function {text.strip()!r} is unknown; the windows were ignored")
            return ()
        if text.rstrip(" \0") != function:
            self._note("voi-function", f"VOI LUT Function is written {text!r}; it was read as {function}")
        explanations = values.texts(0x00281055)
        usable: list[Window] = []
        unusable = ""
        for number, (center, width) in enumerate(zip(centers, widths, strict=False)):
            explanation = explanations[number] if number < len(explanations) else ""
            window = Window(center, width, function, explanation)
            if is_usable(window):
                usable.append(window)
            elif not unusable:
                unusable = f"window {number + 1} ({center:g}, {width:g})"
        if unusable:
            count = min(len(centers), len(widths)) - len(usable)
            more = f" and {count - 1} more" if count > 1 else ""
            self._note("window", f"{unusable}{more} cannot be used; ignored")
        return tuple(usable)

    def _voi_luts(self, values: Values, rescale: tuple[float, float] | None) -> tuple[Lut, ...]:
        negative = self._header.signed or (rescale is not None and min(rescale) < 0)
        if 0x00283010 not in values:
            return ()
        return tuple(self._lut(item, signed=negative) for item in all_items(values, 0x00283010))

    def _lut(self, item: Values, *, signed: bool) -> Lut:
        """One LUT item (C.11.1.1.1): descriptor, data, explanation."""
        descriptor = item.numbers(0x00283002, signed=signed)
        if len(descriptor) != 3:
            raise DicomError("LUT Descriptor (0028,3002) has no three values")
        count, first, bits = descriptor
        count = count % 65536 or 65536
        # The sign of the first value is that of the input, whatever VR was written.
        first = (first + 32768) % 65536 - 32768 if signed else first % 65536
        if not 1 <= bits <= 16:
            raise DicomError(f"LUT Descriptor (0028,3002): {bits} bits an entry")
        entries = lut_entries(item, 0x00283006, count, bits)
        if (needed := entry_bits(entries)) > bits:
            self._note(
                "lut-bits", f"a LUT declares {bits} bits and has entries of {needed}; it was scaled by these"
            )
            bits = needed
        return Lut(first, bits, entries, item.text(0x00283003))

    def _padding(self) -> tuple[float, float] | None:
        """Stored values that are no image: Pixel Padding Value to Range Limit (C.7.5.1.1.2)."""
        if self._header.is_float:
            return self._float_padding()
        values = self._top.numbers(0x00280120, signed=self._header.signed)
        if not values or self._header.samples_per_pixel != 1:
            return None
        limits = self._top.numbers(0x00280121, signed=self._header.signed) or values
        # Written as US in signed images, and the reverse, by many: the stored value's sign counts.
        bits = max(self._header.bits_stored, 1)
        pair = [self._as_stored(value, bits) for value in (values[0], limits[0])]
        return min(pair), max(pair)

    def _float_padding(self) -> tuple[float, float] | None:
        """Float or Double Float Pixel Padding Value to its Range Limit (C.7.6.24, C.7.6.25)."""
        double = self._header.pixel_keyword == "DoubleFloatPixelData"
        vr, tag, limit = (b"FD", 0x00280123, 0x00280125) if double else (b"FL", 0x00280122, 0x00280124)
        values = self._top.floats(tag, vr)
        pair = [*values[:1], *(self._top.floats(limit, vr)[:1] or values[:1])]
        return (min(pair), max(pair)) if pair else None

    def _as_stored(self, value: int, bits: int) -> int:
        if self._header.signed and value >= 1 << (bits - 1):
            return (value & 0xFFFF) - 65536 if value >= 32768 else value
        if not self._header.signed and value < 0:
            return value & 0xFFFF
        return value

    def _note(self, code: str, message: str) -> None:
        notice = Notice(code, message)
        if notice not in self._notices:
            self._notices.append(notice)


def all_items(values: Values, tag: int) -> Iterator[Values]:
    """The items of a sequence; none where it is absent or empty."""
    data = values.raw(tag)
    if data:
        encoding = _items_encoding(values, tag, data)
        for span in items(data, encoding, values.walk, limit=_MAX_ITEMS):
            yield _item(values, data, span, encoding)


def first_item(values: Values, tag: int) -> Values | None:
    """The first item of a sequence, None where there is none."""
    if tag not in values:
        return None
    return next(all_items(values, tag), None)


def _item(values: Values, data: bytes, span: tuple[int, int], encoding: Encoding) -> Values:
    """One item of a sequence in ``values``, whose bytes are ``data``."""
    start, length = span
    encoding = item_encoding(MemorySource(data), start, start + length, encoding, values.walk)
    return Values(encoding, elements_of(data, start, length, encoding, values.walk), data, walk=values.walk)


def _items_encoding(values: Values, tag: int, data: bytes) -> Encoding:
    return inside(MemorySource(data), 0, values.vr(tag), values.encoding)
