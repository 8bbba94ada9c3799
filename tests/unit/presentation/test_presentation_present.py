"""Images as presentation states show them: what of the image is replaced, and in which order all is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import fastdcm
from fastdcm.errors import OptionError, RenderError, UnsupportedError
from fastdcm.options import PresentationOptions
from tests.builders import Element, lut_item, words
from tests.unit.presentation.states import (
    COLOR,
    PSEUDO_COLOR,
    RED,
    UID,
    annotation,
    area,
    drawn,
    graphic,
    layer,
    reference,
    referenced,
    references,
    sequence,
    state,
    text,
)
from tests.unit.reader.test_reader_overlays import overlay

Pixels = NDArray[Any]
RAMP = bytes(range(0, 240, 10))
VALUES = np.frombuffer(RAMP, np.uint8).reshape(4, 6).astype(float)
SIZE = {"rows": 4, "columns": 6}


@pytest.fixture
def show(tmp_path: Path) -> Any:
    """Show an image by a state that is made of these elements."""

    def run(*extra: Element, image: bytes = b"", index: int = 0, options: Any = (), **changes: Any) -> Pixels:
        path = tmp_path / "a.pre"
        path.write_bytes(state(*extra, **changes))
        with fastdcm.open(image or referenced(RAMP, **SIZE)) as found:
            pixels = found.render(index, presentation_state=path, **dict(options))
            run.notices = found.notices
            run.rule = found.explain(index, presentation_state=path, **dict(options))
        return pixels

    return run


def _window(center: float, width: float) -> list[Element]:
    return [Element(0x00281050, "DS", str(center)), Element(0x00281051, "DS", str(width))]


def _shown(values: Pixels, center: float, width: float) -> Pixels:
    """C.11.2.1.2.1, in 8 bits."""
    return np.floor(np.clip(((values - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255) + 0.5)


def test_what_the_state_leaves_out_is_an_identity(show: Any) -> None:
    """PS3.4 N.2: the image's own rescale, window, shape and MONOCHROME1 are not used."""
    image = referenced(
        RAMP, **SIZE, photometric="MONOCHROME1", slope=2, intercept=-50, center=100, width=50, shape="INVERSE"
    )
    assert np.array_equal(show(image=image), VALUES)
    assert not show.notices
    assert "full range of the modality values: no VOI in the state" in show.rule


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("shape", ["IDENTITY", "INVERSE", None])
def test_only_the_state_s_shape_counts(show: Any, photometric: str, shape: str | None) -> None:
    found = show(image=referenced(RAMP, **SIZE, photometric=photometric), shape=shape)
    assert np.array_equal(found, 255 - VALUES if shape == "INVERSE" else VALUES)


def test_modality_and_voi(show: Any) -> None:
    rescale = [Element(0x00281052, "DS", "-100"), Element(0x00281053, "DS", "2")]
    image = referenced(RAMP, **SIZE, slope=1, intercept=5, center=1, width=2)
    found = show(*rescale, sequence(0x00283110, _window(50, 200)), image=image)
    assert np.array_equal(found, _shown(2 * VALUES - 100, 50, 200))
    assert show.rule.startswith(
        "presentation state a.pre (TEST); rescale 2 * x + -100 from presentation state a"
    )
    assert "window 1 of 1, center 50, width 200, LINEAR, from presentation state a.pre (TEST)" in show.rule
    # Who asks for a window gets it; of the state's modality values.
    mine = show(*rescale, sequence(0x00283110, _window(50, 200)), image=image, options={"window": (0, 300)})
    assert np.array_equal(mine, _shown(2 * VALUES - 100, 0, 300))
    automatic = show(*rescale, sequence(0x00283110, _window(50, 200)), options={"voi": "minmax"})
    assert (automatic.min(), automatic.max()) == (0, 255)


def test_luts(show: Any) -> None:
    scrambled = np.random.default_rng(1).permutation(256)
    sequences = [
        sequence(0x00283000, lut_item((256, 0, 8), words(scrambled.tolist()))),
        sequence(0x00283110, [sequence(0x00283010, lut_item((256, 0, 8), words(scrambled.tolist())))]),
        sequence(0x20500010, lut_item((256, 0, 8), words(scrambled.tolist()))),
    ]
    stored = VALUES.astype(int)
    assert np.array_equal(show(*sequences, shape=None), scrambled[scrambled[scrambled[stored]]])


@pytest.mark.parametrize("representation", [0, 1])
def test_the_sign_of_a_voi_lut_s_input_is_the_image_s(show: Any, representation: int) -> None:
    first = 65534  # -2 of signed values
    item = lut_item((5, first, 8), words([0, 50, 100, 150, 200]))
    lut = sequence(0x00283110, [sequence(0x00283010, item)])
    stored = words([65533, 65534, 65535, 0, 1, 2])
    image = referenced(stored, rows=1, columns=6, bits=16, representation=representation)
    found = show(lut, image=image)
    expected = [0, 0, 50, 100, 150, 200] if representation else [0, 0, 50, 0, 0, 0]
    assert found.tolist() == [expected]


def test_voi_by_image_and_frame(show: Any) -> None:
    items = [
        [references(reference("9.9")), *_window(1, 2)],
        [references(reference(UID, 2)), *_window(100, 101)],
        [references(reference(UID, 3, 4)), *_window(60, 41)],
    ]
    image = referenced(RAMP * 4, **SIZE, frames=4)
    shown = [show(sequence(0x00283110, *items), image=image, index=index) for index in range(4)]
    assert np.array_equal(shown[0], VALUES)
    assert np.array_equal(shown[1], _shown(VALUES, 100, 101))
    for index in (2, 3):
        assert np.array_equal(shown[index], _shown(VALUES, 60, 41))


def test_alike_images_do_not_share_what_a_state_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices whose headers say the same take plans over, but states go by their UIDs."""
    from fastdcm.kernels import OUTLOOK

    monkeypatch.setattr(OUTLOOK, "times", 1e15)  # as in a long run
    path = tmp_path / "a.pre"
    items = [
        [references(reference(uid)), *_window(center, 101)] for uid, center in (("1.1", 60), ("1.2", 160))
    ]
    path.write_bytes(state(sequence(0x00283110, *items), images=[reference("1.1"), reference("1.2")]))
    stored = words(range(24))
    for uid, center in (("1.1", 60), ("1.2", 160), ("1.1", 60)):
        data = referenced(stored, rows=4, columns=6, bits=16, sop_instance=uid, sop_class="1.2")
        with fastdcm.open(data) as found:
            plain = found.render(window=(12, 25))
            shown = found.render(presentation_state=path)
            assert np.array_equal(found.render(window=(12, 25)), plain)
        values = np.arange(24.0).reshape(4, 6)
        assert np.array_equal(shown, _shown(values, center, 101))


def test_an_image_that_is_not_referenced(show: Any) -> None:
    with pytest.raises(RenderError, match=r"state a\.pre \(TEST\) does not reference this image, whose SOP"):
        show(images=[reference("9.9")])
    image = referenced(RAMP * 3, **SIZE, frames=3)
    with pytest.raises(RenderError, match="references this image, but not its frame 2") as raised:
        show(images=[reference(UID, 1, 3)], image=image, index=1)
    assert raised.value.frame == 2
    assert np.array_equal(show(images=[reference(UID, 1, 3)], image=image, index=2), VALUES)


def test_shutter_under_the_graphics(show: Any) -> None:
    shutter = [
        Element(0x00181600, "CS", "RECTANGULAR"),
        *(Element(0x00181602 + 2 * n, "IS", edge) for n, edge in enumerate((2, 5, 2, 3))),
        Element(0x00181622, "US", 0x8000),
    ]
    line = graphic("POLYLINE", [0.5, 0.5, 5.5, 0.5])
    found = show(*shutter, *drawn(annotation([line])))
    expected = np.full((4, 6), 128.0)
    expected[1:3, 1:5] = VALUES[1:3, 1:5]
    expected[0] = 255
    assert np.array_equal(found, expected)
    fine = show(*shutter, options={"bits": 16})
    assert fine[0, 0] == 0x8000


def test_bitmap_shutter(show: Any) -> None:
    plane = np.eye(4, 6, dtype=bool)
    shutter = [
        Element(0x00181600, "CS", "BITMAP"),
        Element(0x00181623, "US", 0x6004),
        Element(0x00181622, "US", 0xFFFF),
    ]
    # Activated by mistake, it is no overlay (C.11.7).
    active = [
        Element(0x60041001, "CS", "L"),
        sequence(0x00700060, layer("L", 1, Element(0x00700066, "US", 0))),
    ]
    found = show(*shutter, *overlay(plane, group=0x6004), *active)
    assert np.array_equal(found, np.where(plane, 255, VALUES))


def test_overlays_are_those_that_the_state_activates(show: Any) -> None:
    own, shared, hidden = (np.random.default_rng(seed).random((4, 6)) < 0.4 for seed in (1, 2, 3))
    image = referenced(
        RAMP,
        **SIZE,
        extra=[*overlay(own), *overlay(hidden, group=0x6002), *overlay(hidden, group=0x6004)],
    )
    elements = [
        *overlay(shared, group=0x6004),
        *overlay(hidden, group=0x6006),
        Element(0x60001001, "CS", "A"),
        Element(0x60021001, "CS", ""),
        Element(0x60041001, "CS", "B"),
        sequence(
            0x00700060,
            layer("A", 2, Element(0x00700066, "US", 0x4000)),
            layer("B", 1, Element(0x00700066, "US", 0xFFFF)),
        ),
    ]
    # The state's 6004 counts, not the image's; A, of the higher order, lies above B.
    expected = np.where(own, 64, np.where(shared, 255, VALUES))
    assert np.array_equal(show(*elements, image=image), expected)
    # What the image alone would show on request is not the state's.
    assert np.array_equal(show(*elements, image=image, options={"overlays": True}), expected)


def test_layers_decide_on_the_order_of_everything(show: Any) -> None:
    plane = np.zeros((4, 6), bool)
    plane[1] = True
    filled = graphic("POLYLINE", [0, 0, 5.9, 0, 5.9, 3.9, 0, 3.9, 0, 0], filled="Y")
    dark, light = (Element(0x00700066, "US", value) for value in (0x4000, 0xC000))
    elements = [*overlay(plane), Element(0x60001001, "CS", "O")]
    item = annotation([filled], name="G")
    above = show(*elements, *drawn(item, layers=[layer("O", 2, dark), layer("G", 1, light)]))
    below = show(*elements, *drawn(item, layers=[layer("O", 1, dark), layer("G", 2, light)]))
    assert (below == 191).all()
    assert np.array_equal(above, np.where(plane, 64, 191))


def test_overlays_are_turned_and_magnified_with_the_image(show: Any) -> None:
    plane = np.zeros((4, 6), bool)
    plane[0, 5] = True
    black = bytes(24)
    found = show(
        *overlay(plane),
        Element(0x60001001, "CS", "L"),
        sequence(0x00700060, layer()),
        Element(0x00700042, "US", 90),
        Element(0x00700041, "CS", "N"),
        sequence(0x0070005A, area((1, 4), (6, 1), "MAGNIFY", Element(0x00700103, "FL", 2.0))),
        image=referenced(black, **SIZE),
    )
    assert found.shape == (12, 8)
    assert found[10:, 6:].min() > 100  # the upper right corner comes to the lower right
    assert not found[:8, :4].any()


def test_annotations_by_image_and_frame(show: Any) -> None:
    dot = graphic("POINT", [2.5, 1.5])
    items = [annotation([dot], images=[reference(UID, 2)])]
    image = referenced(bytes(48), **SIZE, frames=2)
    assert not show(*drawn(*items), image=image, index=0).any()
    assert (show(*drawn(*items), image=image, index=1) == 255).sum() == 9


def test_colors_of_layers_make_rgb(show: Any) -> None:
    red = layer("L", 1, Element(0x00700401, "US", RED), Element(0x00700066, "US", 0xFFFF))
    line = graphic("POLYLINE", [0.5, 0.5, 5.5, 0.5])
    found = show(*drawn(annotation([line]), layers=[red]))
    assert found.shape == (4, 6, 3)
    assert np.abs(found[0].astype(int) - (255, 0, 0)).max() <= 2
    assert np.array_equal(found[1:], np.repeat(VALUES[1:, :, None], 3, 2))
    gray = layer("L", 1, Element(0x00700401, "US", (0x8000, 0x8080, 0x8080)))
    assert show(*drawn(annotation([line]), layers=[gray])).ndim == 2
    fine = show(*drawn(annotation([line]), layers=[red]), options={"bits": 16})
    assert (fine.dtype, fine[0, 0, 0] > 65000) == (np.uint16, True)


def test_opacity(show: Any) -> None:
    style = sequence(
        0x00700233, [Element(0x00700251, "US", (0xFFFF, 0x8080, 0x8080)), Element(0x00700284, "FL", 0.5)]
    )
    thin = sequence(0x00700232, [Element(0x00700251, "US", RED), Element(0x00700253, "FL", 0.0)])
    box = graphic("POLYLINE", [0, 0, 5.9, 0, 5.9, 3.9, 0, 3.9, 0, 0], style, thin, filled="Y")
    found = show(*drawn(annotation([box])))
    expected = np.floor(VALUES + (255 - VALUES) * 0.5 + 0.5)
    assert np.array_equal(found[..., 1], expected)


def test_color_states(show: Any) -> None:
    colors = np.random.default_rng(1).integers(0, 256, (4, 6, 3), np.uint8)
    image = referenced(colors.tobytes(), **SIZE, samples=3)
    turned = [Element(0x00700042, "US", 180), Element(0x00700041, "CS", "N")]
    assert np.array_equal(show(*turned, image=image, kind=COLOR, shape=None), colors[::-1, ::-1])
    assert show.rule == "presentation state a.pre (TEST); colour as it is"
    shutter = [
        Element(0x00181600, "CS", "CIRCULAR"),
        Element(0x00181610, "IS", (2, 3)),
        Element(0x00181612, "IS", 1),
        Element(0x00181622, "US", 0),
        Element(0x00181624, "US", RED),
    ]
    found = show(*shutter, image=image, kind=COLOR, shape=None)
    assert np.array_equal(found[1, 1:4], colors[1, 1:4])
    assert np.abs(found[0, 0].astype(int) - (255, 0, 0)).max() <= 2


def test_states_of_another_kind_than_the_image(show: Any) -> None:
    colors = bytes(range(72))
    gray_state = show(image=referenced(colors, **SIZE, samples=3))
    assert gray_state.tobytes() == colors
    assert [notice.code for notice in show.notices] == ["presentation-state"]
    assert "is for gray images" in show.notices[0].message
    image = referenced(RAMP, **SIZE, center=100, width=101)
    color_state = show(image=image, kind=COLOR, shape=None)
    assert np.array_equal(color_state, _shown(VALUES, 100, 101))
    assert "is for color images" in show.notices[0].message


def _palette(*entries: tuple[int, int, int], bits: int = 8) -> list[Element]:
    channels = list(zip(*entries, strict=True))
    return [
        *(Element(0x00281101 + n, "US", (len(entries), 0, bits)) for n in range(3)),
        *(Element(0x00281201 + n, "OW", words(channels[n])) for n in range(3)),
    ]


def test_pseudo_color(show: Any) -> None:
    colors = [(0, 0, 255), (0, 255, 0), (255, 0, 0)]
    elements = [*_palette(*colors), sequence(0x00283110, _window(97.5, 191))]
    found = show(*elements, kind=PSEUDO_COLOR, shape=None)
    # The VOI's output spans the entries: thirds about 0, 1/2 and 1.
    position = np.clip((VALUES - 97) / 190 + 0.5, 0, 1) * 2
    assert np.array_equal(found, np.array(colors)[np.floor(position + 0.5).astype(int)])
    assert "presentation state a.pre (TEST)" in show.rule
    fine = show(*elements, kind=PSEUDO_COLOR, shape=None, options={"bits": 16})
    assert np.array_equal(fine, found.astype(np.uint16) * 257)
    # A palette of 256 is entered by each of 256 values, whatever happens in between.
    ramp = [(n, 255 - n, n // 2) for n in range(256)]
    identity = show(*_palette(*ramp), kind=PSEUDO_COLOR, shape=None)
    assert np.array_equal(identity, np.array(ramp)[VALUES.astype(int)])


def test_pseudo_color_of_color_images_is_refused(show: Any) -> None:
    with pytest.raises(RenderError, match="gives colors to gray images"):
        show(*_palette((0, 0, 0)), kind=PSEUDO_COLOR, image=referenced(bytes(72), **SIZE, samples=3))


def test_kinds_that_are_not_done(show: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"presentation state .*a\.pre: a Blending Softcopy"):
        show(kind="1.2.840.10008.5.1.4.1.1.11.4")


def test_true_size_by_the_display_s_pixels(show: Any) -> None:
    item = area((1, 1), (6, 4), "TRUE SIZE", Element(0x00700101, "DS", ("0.5", "0.5")))
    assert show(sequence(0x0070005A, item)).shape == (4, 6)
    assert show(sequence(0x0070005A, item), options={"display_pixel_spacing": 0.25}).shape == (8, 12)


def test_text_is_drawn_and_missing_letters_are_told(show: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastdcm.presentation import fonts as module

    monkeypatch.setattr(module, "_OTHER_FONTS", ())
    module.font_for.cache_clear()
    label = text("山".encode(), [0, 0, 60, 20])
    found = show(
        Element(0x00080005, "CS", "ISO_IR 192"),
        *drawn(annotation(texts=[label])),
        image=referenced(bytes(6000), rows=60, columns=100),
    )
    module.font_for.cache_clear()
    assert found.any()
    assert [notice.code for notice in show.notices] == ["annotation-font"]
    assert "--annotation-font" in show.notices[0].message


def test_what_must_not_be_seen_is_hidden_of_overlays_too(tmp_path: Path) -> None:
    """In the image's own pixels, before anything is turned."""
    path = tmp_path / "a.pre"
    path.write_bytes(
        state(
            *overlay(np.ones((4, 6), bool)),
            Element(0x60001001, "CS", "L"),
            sequence(0x00700060, layer()),
            Element(0x00700042, "US", 180),
            Element(0x00700041, "CS", "N"),
        )
    )

    with fastdcm.open(referenced(RAMP, **SIZE)) as found:
        shown = found.render(presentation_state=path, masks=[(0, 0, 6, 2)])
    assert (shown[:2] == 255).all()
    assert not shown[2:].any()


def test_folder(tmp_path: Path) -> None:
    (tmp_path / "one.pre").write_bytes(state(created="20240101", shape="INVERSE"))
    data = referenced(RAMP * 2, **SIZE, frames=2)
    with fastdcm.open(data) as found:
        assert np.array_equal(found.render(presentation_states=tmp_path), 255 - VALUES)
        assert not found.notices
    (tmp_path / "two.pre").write_bytes(state(created="20250101", images=[reference(UID, 1)]))
    (tmp_path / "other.pre").write_bytes(state(created="20260101", images=[reference("9.9")]))
    with fastdcm.open(data) as found:
        # The latest that references the frame.
        assert np.array_equal(found.render(0, presentation_states=tmp_path), VALUES)
        assert "two.pre (TEST), the latest, was applied" in found.notices[0].message
        assert np.array_equal(found.render(1, presentation_states=tmp_path), 255 - VALUES)
    with fastdcm.open(referenced(RAMP, **SIZE, sop_instance="8.8", center=100, width=101)) as found:
        assert np.array_equal(found.render(presentation_states=tmp_path), _shown(VALUES, 100, 101))
        assert not found.notices


def test_folder_with_kinds_that_are_not_done(tmp_path: Path) -> None:
    (tmp_path / "b.pre").write_bytes(state(kind="1.2.840.10008.5.1.4.1.1.11.4"))
    with fastdcm.open(referenced(RAMP, **SIZE)) as found:
        assert np.array_equal(found.render(presentation_states=str(tmp_path)), VALUES)
        assert "of a kind that is not supported" in found.notices[0].message


def test_a_state_and_a_folder_exclude_each_other() -> None:
    with pytest.raises(OptionError, match="exclude each other"):
        PresentationOptions("a", "b")
    with pytest.raises(OptionError, match="above 0 mm"):
        PresentationOptions(display_pixel_spacing=0.0)
