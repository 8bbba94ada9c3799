"""What the data set says about showing a frame, as a `Display` (PS3.3 C.11, C.7.6.16.2, C.7.9)."""

from __future__ import annotations

from fastdcm.model import Display, Header, Lut, Notice, Window
from fastdcm.reader.items import first_item, item_values, items_encoding
from fastdcm.reader.luts import read_lut, read_modality, read_voi_luts, read_windows
from fastdcm.reader.scan import DataSet
from fastdcm.reader.sequences import items
from fastdcm.reader.values import Values, entry_bits

_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_FRAME_VOI_LUT, _PIXEL_VALUE_TRANSFORMATION = 0x00289132, 0x00289145


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
    def has_functional_groups(self) -> bool:
        """Whether frames have attributes of their own (C.7.6.16)."""
        return self._enhanced

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
            group = item_values(self._top, self._per_frame, self._items[index], self._per_frame_encoding)
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
            self._per_frame_encoding = items_encoding(self._top, _PER_FRAME, self._per_frame)
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
        rescale, modality_lut, modality_source, unit = None, None, "", ""
        windows: tuple[Window, ...] = ()
        voi_luts: tuple[Lut, ...] = ()
        windows_source = ""
        for values, source in levels:
            transform = values if values is self._top else first_item(values, _PIXEL_VALUE_TRANSFORMATION)
            if not modality_source and transform is not None:
                rescale, modality_lut, unit = read_modality(
                    transform, signed=self._header.signed, note=self._note
                )
                modality_source = source if rescale or modality_lut else ""
        for values, source in levels:
            # After the modality of all levels, which decides the sign of a VOI LUT's input.
            voi = values if values is self._top else first_item(values, _FRAME_VOI_LUT)
            if not windows_source and voi is not None:
                negative = self._header.signed or (rescale is not None and min(rescale) < 0)
                windows = read_windows(voi, self._note)
                voi_luts = read_voi_luts(voi, signed=negative, note=self._note)
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
            presentation_lut=(
                None if presentation is None else read_lut(presentation, signed=False, note=self._note)
            ),
            presentation_lut_shape=top.text(0x20500020).upper(),
            pixel_intensity_relationship=top.text(0x00281040).upper(),
            padding=self._padding(),
            palette=palette,
            supplemental=supplemental,
            rescale_type=unit,
        )

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
