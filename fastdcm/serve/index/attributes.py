"""What is kept of studies, series and instances: what viewers search by, and what they show (PS3.18 10.6)."""

from __future__ import annotations

from typing import NamedTuple


class Attribute(NamedTuple):
    """An element of a level: its keyword, which is the column's name; ``usual`` ones are told unasked."""

    keyword: str
    tag: int
    vr: str
    usual: bool = True


def _table(text: str) -> tuple[Attribute, ...]:
    rows = (line.split() for line in text.strip().splitlines())
    return tuple(Attribute(keyword, int(tag, 16), vr, not more) for tag, vr, keyword, *more in rows)


#: Of tables 10.6.1-5, 10.6.3-3 to 5, and what viewers ask for besides; "more" marks what is told if asked
#: for.
STUDY = _table("""
    00080020 DA StudyDate
    00080030 TM StudyTime
    00080050 SH AccessionNumber
    00080080 LO InstitutionName more
    00080090 PN ReferringPhysicianName
    00080201 SH TimezoneOffsetFromUTC
    00081030 LO StudyDescription
    00100010 PN PatientName
    00100020 LO PatientID
    00100021 LO IssuerOfPatientID more
    00100030 DA PatientBirthDate
    00100040 CS PatientSex
    00101010 AS PatientAge more
    00200010 SH StudyID
""")
SERIES = _table("""
    00080021 DA SeriesDate more
    00080031 TM SeriesTime more
    00080060 CS Modality
    00080070 LO Manufacturer more
    00081010 SH StationName more
    0008103E LO SeriesDescription
    00081090 LO ManufacturerModelName more
    00180015 CS BodyPartExamined more
    00181030 LO ProtocolName more
    00185100 CS PatientPosition more
    00200011 IS SeriesNumber
    00200052 UI FrameOfReferenceUID more
    00200060 CS Laterality more
    00400244 DA PerformedProcedureStepStartDate
    00400245 TM PerformedProcedureStepStartTime
""")
INSTANCE = _table("""
    00080008 CS ImageType more
    00080016 UI SOPClassUID
    00080022 DA AcquisitionDate more
    00080023 DA ContentDate more
    00080032 TM AcquisitionTime more
    00080033 TM ContentTime more
    00082144 IS RecommendedDisplayFrameRate more
    00180040 IS CineRate more
    00180050 DS SliceThickness more
    00181063 DS FrameTime more
    00185101 CS ViewPosition more
    00200012 IS AcquisitionNumber more
    00200013 IS InstanceNumber
    00200032 DS ImagePositionPatient more
    00200037 DS ImageOrientationPatient more
    00200062 CS ImageLaterality more
    00201041 DS SliceLocation more
    00280002 US SamplesPerPixel more
    00280004 CS PhotometricInterpretation more
    00280008 IS NumberOfFrames
    00280010 US Rows
    00280011 US Columns
    00280030 DS PixelSpacing more
    00280100 US BitsAllocated
    00280101 US BitsStored more
    00280103 US PixelRepresentation more
    00280301 CS BurnedInAnnotation more
    00281050 DS WindowCenter more
    00281051 DS WindowWidth more
    00420010 ST DocumentTitle more
    00420012 LO MIMETypeOfEncapsulatedDocument more
""")
#: By which they are found.
STUDY_UID, SERIES_UID, INSTANCE_UID = 0x0020000D, 0x0020000E, 0x00080018
CHARACTER_SET = 0x00080005
LEVELS = (STUDY, SERIES, INSTANCE)
#: All that is read of a file.
WANTED = frozenset(
    {STUDY_UID, SERIES_UID, INSTANCE_UID, CHARACTER_SET, *(one.tag for level in LEVELS for one in level)}
)
