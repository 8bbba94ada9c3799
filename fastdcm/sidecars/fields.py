"""What the fields of a ``--name`` template stand for, and which of them may tell who the patient is."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from fastdcm.errors import OptionError

if TYPE_CHECKING:
    from fastdcm.pipeline import Image

#: Of the source and its frames.
SOURCE = ("stem", "name", "path", "frame")
#: Of every header.
HEADER = (
    "sop_instance_uid",
    "series_instance_uid",
    "study_instance_uid",
    "sop_class_uid",
    "modality",
    "instance_number",
)
#: Looked for where a template asks for them. PS3.15 table E.1-1 lets the basic profile keep them.
ATTRIBUTES = {
    "series_number": 0x00200011,
    "acquisition_number": 0x00200012,
    "body_part_examined": 0x00180015,
    "image_laterality": 0x00200062,
    "view_position": 0x00185101,
}
#: Those that it does not let keep.
PHI = {
    "patient_name": 0x00100010,
    "patient_id": 0x00100020,
    "patient_birth_date": 0x00100030,
    "patient_sex": 0x00100040,
    "accession_number": 0x00080050,
    "study_id": 0x00200010,
    "study_date": 0x00080020,
    "study_time": 0x00080030,
    "series_date": 0x00080021,
    "series_time": 0x00080031,
    "acquisition_date": 0x00080022,
    "content_date": 0x00080023,
    "study_description": 0x00081030,
    "series_description": 0x0008103E,
    "protocol_name": 0x00181030,
    "institution_name": 0x00080080,
    "station_name": 0x00081010,
}
#: Of VR IS: they take a width. A frame's number is one anyway.
NUMBERS = frozenset({"frame", "instance_number", "series_number", "acquisition_number"})
#: Any of these is another one for every input of a folder, but for `NAME` where inputs of several share one.
UNIQUE = frozenset({"path", "sop_instance_uid"})
NAME, STEM = "name", "stem"
FREE = (*SOURCE, *HEADER, *ATTRIBUTES)
TAGS = ATTRIBUTES | PHI
_CHARACTER_SET = 0x00080005


def check_field(text: str, field: str, *, allow_phi: bool) -> None:
    """Raises `OptionError` where a template may not have a field."""
    if field in FREE or (allow_phi and field in PHI):
        return
    if field in PHI:
        raise OptionError(
            f"name {text!r}: {{{field}}} may tell who the patient is; --allow-phi-names allows it"
        )
    known = ", ".join(f"{{{known}}}" for known in FREE)
    phi = ", ".join(f"{{{known}}}" for known in PHI)
    raise OptionError(
        f"name {text!r}: there is no field {{{field}}}; there are {known}; with --allow-phi-names also {phi}"
    )


def read_fields(image: Image, fields: Collection[str]) -> dict[str, str]:
    """The values of fields of `TAGS`, empty where they are absent. Raises `FastdcmError`."""
    if not fields:
        return {}
    from fastdcm.presentation.charsets import decoded
    from fastdcm.reader.values import Values

    tags = {field: TAGS[field] for field in fields}
    found = image.scanned(frozenset((*tags.values(), _CHARACTER_SET)))
    values = Values(found.encoding, found.elements, data_set=found)
    terms = values.texts(_CHARACTER_SET)
    return {field: decoded(values.raw(tag) or b"", terms).strip(" \0\t\r\n") for field, tag in tags.items()}
