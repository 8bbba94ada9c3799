"""Values in the DICOM JSON model and in tables, against pydicom's of the same files."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import pytest

import fastdcm
from fastdcm.errors import FastdcmError
from fastdcm.model import Notice
from fastdcm.reader.elements import tag_name
from fastdcm.sidecars import chosen as module
from fastdcm.sidecars.chosen import Chosen
from fastdcm.sidecars.dictionary import is_current, look_up
from fastdcm.sidecars.whole import Whole
from tests.builders import BIG_ENDIAN, EXPLICIT, IMPLICIT, Element, image
from tests.conftest import PYDICOM_FILES

FUNCTIONAL_GROUPS = (0x52009229, 0x52009230)
#: VRs whose padding does not count (PS3.5 6.2), which pydicom keeps in part.
PADDED = ("AE", "CS", "LO", "SH", "UC")


def comparable(element: Any, vr: str = "") -> Any:
    """pydicom's JSON, and ours, without what either may write as it likes."""
    if isinstance(element, dict) and "vr" in element:
        vr = str(element["vr"]).rpartition(" ")[2]
        values = [comparable(value, vr) for value in element.get("Value") or ()]
        return {"vr": vr, "Value": values, "InlineBinary": element.get("InlineBinary") or None}
    if isinstance(element, dict):
        # Of an icon's pixels in fragments pydicom leaves the last delimiter out.
        return {key: comparable(value) for key, value in element.items() if key != "7FE00010"}
    if isinstance(element, float) and not math.isfinite(element):
        return None
    if isinstance(element, str) and vr in PADDED:
        return element.strip() or None
    return element


@pytest.mark.parametrize("path", sorted(PYDICOM_FILES.rglob("*.dcm")), ids=lambda path: path.name)
def test_all_attributes_of_pydicoms_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were named, by our own walk; sequences whole."""
    monkeypatch.setattr(module, "is_confidential", lambda tag: True)
    if not compare(path):
        pytest.skip("no image")


def test_all_attributes_of_the_corpus(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_confidential", lambda tag: True)
    assert sum(map(compare, sorted((corpus / "files").iterdir()))) > 150


def compare(path: Path) -> bool:
    """Whether it is an image; what is told of it is what pydicom tells."""
    try:
        opened = fastdcm.open(path)
    except FastdcmError:
        return False
    with opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = opened.dataset(pixels=False)
        enhanced = any(tag in data_set for tag in FUNCTIONAL_GROUPS)
        tags = [int(tag) for tag in data_set.keys() if 0x0008 <= tag.group < 0x7FE0]  # noqa: SIM118
        tags = [tag for tag in tags if tag not in FUNCTIONAL_GROUPS]
        model = Chosen(opened, look_up(map(tag_name, tags))).model(0)
        assert list(model) == [f"{tag:08X}" for tag in sorted(tags)]
        json.dumps(model, allow_nan=False)
        for tag in tags:
            try:
                element = data_set[tag]
                wanted = element.to_json_dict(None, 0)
            except (TypeError, ValueError, OverflowError, NotImplementedError):
                continue  # pydicom cannot tell
            if "US or" in str(data_set.get_item(tag).VR) or "LUTData" in element.keyword:
                continue  # both may be
            # What a functional group says of the frame counts before the top level.
            found = model[f"{tag:08X}"]
            assert enhanced or comparable(found) == comparable(wanted), (path, element)
    return True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "examples_palette.dcm", "liver_1frame.dcm", "JPEG2000.dcm", "rtdose.dcm"]
)
def test_whole_model_is_pydicoms_without_whom_it_may_name(name: str) -> None:
    from fastdcm.sidecars.confidential import is_confidential

    notices: list[Notice] = []
    path = next(PYDICOM_FILES.rglob(name))
    with fastdcm.open(path) as opened:
        model = Whole(opened, notices.append).model(0)
        data_set = opened.dataset(pixels=False)
    assert notices == []
    wanted = {
        f"{int(element.tag):08X}": comparable(element.to_json_dict(None, 0))
        for element in data_set
        if is_current(int(element.tag))
        and not is_confidential(int(element.tag), element.VR)
        and element.VR not in ("SQ", "OB", "OW", "UN")
    }
    assert len(wanted) > 15
    plain = {key: comparable(element) for key, element in model.items() if element["vr"] != "SQ"}
    plain["00080005"] = wanted["00080005"] = None
    assert plain == wanted


ENHANCED = [
    Element(0x00180050, "DS", "9"),
    Element(
        0x52009229, "SQ", [[Element(0x00289110, "SQ", [[Element(0x00180050, "DS", "5")]])]]
    ),
    Element(
        0x52009230,
        "SQ",
        [
            [
                Element(0x00209113, "SQ", [[Element(0x00200032, "DS", f"0\\0\\{frame}")]]),
                Element(0x00209111, "SQ", [[Element(0x00209157, "UL", [1, frame])]]),
            ]
            for frame in (1, 2)
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
def test_frames_have_their_own_groups_then_the_shared_ones(syntax: str) -> None:
    attributes = look_up(
        ["SliceThickness", "ImagePositionPatient", "DimensionIndexValues", "Rows", "Laterality"]
    )
    with fastdcm.open(image(frames=2, extra=ENHANCED, syntax=syntax)) as opened:
        chosen = Chosen(opened, attributes)
        assert [chosen.cells(index) for index in (1, 0)] == [
            [5.0, f"0\\0\\{frame}", f"1\\{frame}", 2, None] for frame in (2, 1)
        ]
        assert chosen.model(1)["00200032"] == {"vr": "DS", "Value": [0, 0, 2]}


def test_whole_model_has_the_group_of_its_frame_alone() -> None:
    with fastdcm.open(image(frames=2, extra=ENHANCED)) as opened:
        whole = Whole(opened, pytest.fail)
        of_second = whole.model(1)["52009230"]["Value"]
        assert [group["00209113"]["Value"][0]["00200032"]["Value"] for group in of_second] == [[0, 0, 2]]
        assert len(whole.model(None)["52009230"]["Value"]) == 2
        # Attributes of the top level stay as they are.
        assert whole.model(1)["00180050"] == {"vr": "DS", "Value": [9]}


CELLS = [
    ("SliceThickness", "DS", "1.50 ", 1.5, [1.5]),
    ("SliceThickness", "DS", "1_0", None, ["1_0"]),
    ("SliceThickness", "DS", "1\\2", None, [1, 2]),
    ("SeriesNumber", "IS", " +7", 7, [7]),
    ("SeriesNumber", "IS", "7.0", 7, [7]),
    ("SeriesNumber", "IS", "seven", None, ["seven"]),
    ("SeriesNumber", "IS", "99999999999999999999", None, [99999999999999999999]),
    ("ImageType", "CS", "ORIGINAL\\\\AXIAL ", "ORIGINAL\\\\AXIAL", ["ORIGINAL", None, "AXIAL"]),
    ("PatientName", "PN", "Yamada^Tarou==ヤマダ".encode(), "Yamada^Tarou==ヤマダ", None),
    ("StudyDescription", "LO", "Größe".encode(), "Größe", ["Größe"]),
    ("ImageComments", "LT", "  a\\b \n", "  a\\b \n", ["  a\\b \n"]),
    ("FrameIncrementPointer", "AT", b"\x18\0\x63\x10", "(0018,1063)", ["00181063"]),
    ("RealWorldValueSlope", "FD", [math.inf], None, [None]),
    ("StudyDescription", "LO", "", None, []),
    ("(0011,1002)", "OB", b"\1\2", "AQI=", None),
]


@pytest.mark.parametrize(("name", "vr", "value", "cell", "values"), CELLS, ids=str)
def test_values(name: str, vr: str, value: Any, cell: Any, values: list[Any] | None) -> None:
    attributes = look_up([name])
    extra = [Element(0x00080005, "CS", "ISO_IR 192"), Element(attributes[0].tag, vr, value)]
    with fastdcm.open(image(extra=extra)) as opened:
        chosen = Chosen(opened, attributes)
        assert chosen.cells(0) == [cell]
        (element,) = chosen.model(0).values()
    if values is not None:
        assert element == {"vr": vr, "Value": values} if values else {"vr": vr}
        json.dumps(element, allow_nan=False)
    elif vr == "PN":
        assert element["Value"] == [{"Alphabetic": "Yamada^Tarou", "Phonetic": "ヤマダ"}]
    else:
        assert element == {"vr": "OB", "InlineBinary": "AQI="}


def test_text_of_several_bytes_a_letter_is_not_split_inside_of_one() -> None:
    """In GB18030 a backslash may be the second half of a letter (PS3.5 6.1.2.3)."""
    raw = "輁表\\b".encode("gb18030")
    assert raw.count(b"\\") == 2
    extra = [Element(0x00080005, "CS", "GB18030"), Element(0x00081030, "LO", raw + b" ")]
    with fastdcm.open(image(extra=extra)) as opened:
        model = Chosen(opened, look_up(["StudyDescription"])).model(0)
    assert model["00081030"]["Value"] == ["輁表", "b"]


@pytest.mark.parametrize("signed", [0, 1])
def test_us_or_ss_is_as_the_pixels_are(signed: int) -> None:
    extra = [Element(0x00280106, "US", 0xFFFE), Element(0x00283002, "US", [1, 2, 3])]
    values = image(syntax=IMPLICIT, representation=signed, extra=extra)
    with fastdcm.open(values) as opened:
        model = Chosen(opened, look_up(["SmallestImagePixelValue"])).model(0)
    wanted = {"vr": "SS", "Value": [-2]} if signed else {"vr": "US", "Value": [0xFFFE]}
    assert model["00280106"] == wanted


def test_private_values_without_vr_are_known_by_their_creator() -> None:
    extra = [Element(0x00190010, "LO", "GEMS_ACQU_01"), Element(0x00191002, "SL", 912)]
    for name in ("(0019,1002)", "00191002"):
        with fastdcm.open(image(syntax=IMPLICIT, extra=extra)) as opened:
            assert Chosen(opened, look_up([name])).model(0) == {"00191002": {"vr": "SL", "Value": [912]}}


def test_what_pydicom_cannot_read_is_left_out_with_a_notice() -> None:
    extra = [Element(0x00180050, "DS", "1.5"), Element(0x00200013, "IS", "1.5x")]
    notices: list[Notice] = []
    with fastdcm.open(image(extra=extra)) as opened:
        model = Whole(opened, notices.append).model(0)
    assert model["00180050"]["Value"] == [1.5]
    assert "00200013" not in model
    (notice,) = notices
    assert notice.code == "metadata"
    assert notice.message.startswith("(0020,0013) was left out of the metadata: ")
