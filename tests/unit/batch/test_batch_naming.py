"""Names: extensions that are taken off, collisions, templates, and what a hostile value may not do."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdcm.batch.naming import name_listing, output_stem, shorten, strip_extension
from fastdcm.batch.template import FIELDS, Template
from fastdcm.errors import OptionError
from fastdcm.model import Header
from fastdcm.sidecars.confidential import is_confidential
from fastdcm.sidecars.fields import ATTRIBUTES, PHI


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("x.dcm", "x"),
        ("x.DCM", "x"),
        ("x.dicom", "x"),
        ("x.Dic", "x"),
        ("x.ima", "x"),
        ("x.dcm.dcm", "x.dcm"),
        ("IM.0002", "IM.0002"),
        ("1.2.840.113619.2.55.1", "1.2.840.113619.2.55.1"),
        ("x.dcm.gz", "x.dcm.gz"),
        ("x.jpg", "x.jpg"),
        ("dcm", "dcm"),
        (".dcm", ".dcm"),
        ("xdcm", "xdcm"),
    ],
)
def test_only_dicom_extensions_are_taken_off(name: str, stem: str) -> None:
    assert strip_extension(name) == stem


@pytest.mark.parametrize(
    ("listing", "stems"),
    [
        (["b.dcm", "a.dcm"], ["a", "b"]),
        (["x.dcm", "x.DCM"], ["x", "x.DCM"]),
        (["x.DCM", "x"], ["x", "x.DCM"]),
        (["X.dcm", "x.ima"], ["X", "x.ima"]),
        (["x", "x.dcm", "x.dcm.dcm"], ["x", "x.dcm", "x.dcm.dcm"]),
        (["a.dcm", "a_0001.dcm"], ["a", "a_0001.dcm"]),
        (["A.dcm", "a_0001.dcm"], ["A", "a_0001.dcm"]),
        (["a.dcm", "a_12345.ima"], ["a", "a_12345.ima"]),
        (["a.dcm", "a_001.dcm"], ["a", "a_001"]),
        (["a_0001.dcm", "a_0002.dcm"], ["a_0001", "a_0002"]),
        (["x", "x.dcm", "x.dcm_0001.dcm"], ["x", "x.dcm", "x.dcm_0001.dcm"]),
    ],
)
def test_collisions_are_decided_within_a_listing(listing: list[str], stems: list[str]) -> None:
    assert [stem for _, stem in name_listing(listing)] == stems


_NAMES = st.builds(
    "".join,
    st.tuples(
        st.text("aAb_01.", min_size=1, max_size=6), st.sampled_from(["", ".dcm", ".DCM", ".ima", "_0001.dcm"])
    ),
)


@given(st.sets(_NAMES, max_size=30))
def test_names_of_a_listing_differ_and_do_not_depend_on_its_order(names: set[str]) -> None:
    forwards = list(name_listing(sorted(names)))
    assert forwards == list(name_listing(sorted(names, reverse=True)))
    assert {name for name, _ in forwards} == names
    stems = [stem for _, stem in forwards]
    assert len(set(stems)) == len(stems)
    for name, stem in forwards:
        assert stem in (name, strip_extension(name))


@given(st.sets(st.builds("{}{}".format, st.text("ab1.", min_size=1, max_size=4), st.just(".dcm"))))
def test_names_differ_on_filesystems_that_ignore_case_where_inputs_do(names: set[str]) -> None:
    folded = {name.casefold(): name for name in names}.values()
    stems = [stem.casefold() for _, stem in name_listing(folded)]
    assert len(set(stems)) == len(stems)


@pytest.mark.parametrize(
    ("number", "frames", "name"),
    [(1, 1, "x"), (1, 2, "x_0001"), (120, 120, "x_0120"), (7, 10000, "x_00007"), (9999, 9999, "x_9999")],
)
def test_frames_are_numbered_where_there_are_several(number: int, frames: int, name: str) -> None:
    assert output_stem("x", number, frames) == name


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_a_name_fits_with_frame_and_extension(name: str) -> None:
    written = output_stem(name, 1234567890, 2147483647) + ".webp.json"
    assert len(os.fsencode(written)) <= 255


def test_long_names_that_differ_at_the_end_stay_apart() -> None:
    assert shorten("x" * 300 + "1") != shorten("x" * 300 + "2")
    assert shorten("x" * 200) == "x" * 200


def _header(**values: str) -> Header:
    return Header(
        transfer_syntax_uid="",
        rows=1,
        columns=1,
        frames=1,
        samples_per_pixel=1,
        photometric_interpretation="MONOCHROME2",
        planar_configuration=0,
        bits_allocated=8,
        bits_stored=8,
        high_bit=7,
        pixel_representation=0,
        **values,
    )


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{stem}", "x_0003"),
        ("{name}", "x.dcm_0003"),
        ("{stem}-{frame}", "x-3"),
        ("{stem}-{frame:04d}", "x-0003"),
        ("{stem}-{frame:2}", "x-3"),
        ("{modality}/{sop_instance_uid}", "CT/1.2.3_0003"),
        ("{series_instance_uid}/{instance_number}", "unknown/17_0003"),
        ("{{{frame}}}", "{3}"),
        ("{stem}.jpg", "x_0003"),
        ("-{stem}", "x_0003"),
    ],
)
def test_template(template: str, name: str) -> None:
    header = _header(modality="CT", sop_instance_uid="1.2.3", instance_number=" 17")
    assert Template.parse(template).render("x", "x.dcm", header, 3, 9) == name


def test_template_does_not_number_a_single_frame() -> None:
    assert Template.parse("{stem}").render("x", "x.dcm", _header(), 1, 1) == "x"


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{patient_nose}", r"no field \{patient_nose\}.*\{stem\}.*\{instance_number\}.*\{patient_id\}"),
        ("{patient_name}", "tell who the patient is; --allow-phi-names"),
        ("{modality}/{study_date}", "tell who the patient is; --allow-phi-names"),
        ("{}", "no field"),
        ("{stem!r}", "no field"),
        ("{stem.__class__}", "no field"),
        ("{frame[0]}", "no field"),
        ("{stem:>9999999}", "only {frame}, {instance_number}, .*take a format"),
        ("{modality:04d}", "take a format"),
        ("{frame:x}", "take a format"),
        ("{instance_number:+d}", "take a format"),
        ("{frame:99999999d}", "take a format"),
        ("{stem", "write {{"),
        ("stem}", "write }}"),
        ("/{stem}", "output folder"),
        ("a//{stem}", "output folder"),
        ("../{stem}", "output folder"),
        ("{modality}/../{stem}", "output folder"),
        ("{stem}/", "output folder"),
        ("", "output folder"),
        ("c:{stem}", "control characters"),
        ("a\\{stem}", "control characters"),
        ("a\0{stem}", "control characters"),
    ],
)
def test_wrong_template_is_a_usage_error(template: str, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        Template.parse(template)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..", "_"),
        ("-rf", "rf"),
        (".hidden", "hidden"),
        ("a\0b\nc", "a_b_c"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("COM1", "_COM1"),
        ("nul .txt", "_nul .txt"),
        ("CONIN$", "_CONIN$"),
        ("lpt²", "_lpt²"),
        ("a\x85b\u2028c", "a_b_c"),
        ("gpj.\u202eexe", "gpj._exe"),
        ("a\u200bb", "a_b"),
        ("Müller^Jürgen=鈴木", "Müller^Jürgen=鈴木"),
        ("console", "console"),
        ("a. ", "a"),
        ("", "unknown"),
        ("   ", "unknown"),
        ('<>:"|?*\\', "________"),
    ],
)
def test_values_of_a_file_cannot_leave_the_folder(value: str, name: str) -> None:
    assert Template.parse("{modality}").render("x", "x", _header(modality=value), 1, 1) == name


@given(st.text(), st.sampled_from(["{modality}", "a/{modality}", "{modality}/{stem}", "x{modality}y/z"]))
def test_a_rendered_name_is_always_a_plain_path_below(value: str, template: str) -> None:
    path = Template.parse(template).render("s", "s", _header(modality=value), 1, 1)
    assert path.count("/") == template.count("/")
    for component in path.split("/"):
        assert component not in ("", ".", "..")
        assert component[0] not in ".-"
        assert len(component.encode("utf-8", "surrogatepass")) < 250
        assert not any(character in '\0\n\\:*?"<>|' for character in component)


def test_every_field_is_of_the_name_the_header_or_looked_for() -> None:
    fields = (*FIELDS, *PHI)
    template = Template.parse("/".join(f"{{{field}}}" for field in fields), allow_phi=True)
    assert template.attributes == {*ATTRIBUTES, *PHI}
    values = {field: field.upper() for field in template.attributes}
    header = _header(sop_instance_uid="1.2", modality="CT", instance_number="5")
    name = template.render("s", "n.dcm", header, 7, 9, folder=os.path.join("a", "b"), attributes=values)
    assert name == "s/n.dcm/a/b/s/7/1.2/unknown/unknown/unknown/CT/5/" + "/".join(
        field.upper() for field in (*ATTRIBUTES, *PHI)
    )


def test_no_field_that_needs_no_leave_is_confidential() -> None:
    """PS3.15 table E.1-1."""
    assert not [field for field, tag in ATTRIBUTES.items() if is_confidential(tag)]
    assert [field for field, tag in PHI.items() if is_confidential(tag)] == [*PHI]


@pytest.mark.parametrize(
    ("template", "value", "name"),
    [
        ("{instance_number:04d}", "17", "0017"),
        ("{instance_number:04}", " +17 ", "0017"),
        ("{instance_number:4d}", "17", "17"),
        ("{instance_number:03d}", "123456789012", "123456789012"),
        ("{instance_number}", "+17", "17"),
        ("{instance_number}", "007", "007"),
        # As the first character the sign would be taken off, and be another file's name.
        ("{instance_number}", "-3", "_3"),
        ("{instance_number:04d}", "-3", "_003"),
        ("{instance_number:04d}", "3A", "3A"),
        ("{instance_number:04d}", "1_000", "1_000"),
        ("{instance_number:04d}", "", "unknown"),
        ("{instance_number:04d}", "٣", "٣"),
        ("{instance_number:04d}", "1/../2", "1_.._2"),
    ],
)
def test_numbers(template: str, value: str, name: str) -> None:
    assert Template.parse(template).render("x", "x", _header(instance_number=value), 1, 1) == name


@pytest.mark.parametrize(
    ("folder", "stem", "name"),
    [
        ("", "x", "x"),
        (os.path.join("a", "b"), "x", "a/b/x"),
        (os.path.join("..", "b"), "x", "_/b/x"),
        (os.path.join(".hidden", "NUL"), "-x", "hidden/_NUL/x"),
        (os.path.join("a:b", "c "), "x. ", "a_b/c/x"),
    ],
)
def test_path(folder: str, stem: str, name: str) -> None:
    assert Template.parse("{path}").render(stem, stem, _header(), 1, 1, folder=folder) == name


def test_twins_are_told_apart_also_where_names_are_cut() -> None:
    template, header = Template.parse("{modality}"), _header(modality="x" * 300)
    names = {template.render("x", "x", header, 1, frames, twin=twin) for twin in (1, 2) for frames in (1, 2)}
    assert len(names) == 4
    assert all(len(name) + len(".webp.json") <= 255 for name in names)
    assert Template.parse("{modality}").render("x", "x", _header(modality="CT"), 3, 9, twin=2) == "CT-2_0003"
