"""Who is meant by UIDs: point look-ups, each some microseconds."""

from __future__ import annotations

import os
import sqlite3
from typing import Literal, NamedTuple

from fastdcm.serve.index.schema import connect


class Instance(NamedTuple):
    """What answering for an instance takes; ``path`` is relative to the folder, with slashes."""

    study: str
    series: str
    instance: str
    path: str
    transfer_syntax: str
    has_pixels: bool
    rows: int
    columns: int
    frames: int
    document_type: str
    sop_class: str
    is_palette: bool

    @property
    def is_report(self) -> bool:
        """Whether it is a structured report (PS3.3 A.35)."""
        return self.sop_class.startswith("1.2.840.10008.5.1.4.1.1.88.")

    @property
    def is_video(self) -> bool:
        """Whether frames are coded by those before them."""
        return self.transfer_syntax.startswith("1.2.840.10008.1.2.4.10")


_COLUMNS = (
    "study, series, instance, path, transfer_syntax, has_pixels, Rows, Columns, NumberOfFrames, "
    "MIMETypeOfEncapsulatedDocument, SOPClassUID, PhotometricInterpretation = 'PALETTE COLOR'"
)
_OF_ONE = f"SELECT {_COLUMNS} FROM instances WHERE instance = ? AND study = ? AND series = ?"
#: As they are looked at: by the number of the series, then of the instance.
_OF_MANY = (
    f"SELECT {_COLUMNS} FROM instances JOIN (SELECT study AS s, series AS e, "
    "CAST(SeriesNumber AS INTEGER) AS n FROM series) ON study = s AND series = e WHERE {} "
    "ORDER BY n, series, CAST(InstanceNumber AS INTEGER), instance"
)
_MIDDLE = " LIMIT 1 OFFSET (SELECT count(*) / 2 FROM instances WHERE {})"
_OF_SERIES, _OF_STUDY = _OF_MANY.format("study = ? AND series = ?"), _OF_MANY.format("study = ?")


class Lookup:
    """Looks up in the index; one thread at a time uses an object of this class."""

    def __init__(self, path: str) -> None:
        self._database: sqlite3.Connection = connect(path)

    def close(self) -> None:
        """Close the index."""
        self._database.close()

    def instance(self, study: str, series: str, instance: str) -> Instance | None:
        """One instance, None where there is none of these UIDs."""
        row = self._database.execute(_OF_ONE, (instance, study, series)).fetchone()
        return None if row is None else _instance(row)

    def instances(self, study: str, series: str | None = None) -> list[Instance]:
        """Those of a study or a series, in the order of their numbers."""
        if series is None:
            rows = self._database.execute(_OF_STUDY, (study,))
        else:
            rows = self._database.execute(_OF_SERIES, (study, series))
        return [_instance(row) for row in rows]

    def middle(self, study: str, series: str | None = None) -> Instance | None:
        """The one with pixels in the middle of a study or a series; None where none has any."""
        condition = (
            "study = ? AND has_pixels" if series is None else "study = ? AND series = ? AND has_pixels"
        )
        uids = (study,) if series is None else (study, series)
        sql = _OF_MANY.format(condition) + _MIDDLE.format(condition)
        row = self._database.execute(sql, (*uids, *uids)).fetchone()
        return None if row is None else _instance(row)

    def is_gone(self, study: str, series: str = "", instance: str = "") -> bool:
        """Whether there was such a one, whose file has been removed."""
        sql = "SELECT 1 FROM gone WHERE study = ? AND series = ? AND instance = ?"
        return self._database.execute(sql, (study, series, instance)).fetchone() is not None

    def state(self) -> dict[Literal["studies", "series", "instances", "complete"], int]:
        """How much there is, and whether all of the folder has been looked at."""
        sql = (
            "SELECT (SELECT count(*) FROM studies), (SELECT count(*) FROM series), "
            "(SELECT count(*) FROM instances), complete FROM about"
        )
        studies, series, instances, complete = self._database.execute(sql).fetchone()
        return {"studies": studies, "series": series, "instances": instances, "complete": complete}


def _instance(row: tuple[object, ...]) -> Instance:
    study, series, uid, path, syntax, has_pixels, rows, columns, frames, document_type, sop_class, palette = (
        row
    )
    try:
        count = max(1, int(frames or 1))  # type: ignore[call-overload]
    except ValueError:
        count = 1
    return Instance(
        str(study),
        str(series),
        str(uid),
        os.fsdecode(path),  # type: ignore[arg-type]
        str(syntax),
        bool(has_pixels),
        int(rows or 0),  # type: ignore[call-overload]
        int(columns or 0),  # type: ignore[call-overload]
        count,
        str(document_type or ""),
        str(sop_class or ""),
        bool(palette),
    )
