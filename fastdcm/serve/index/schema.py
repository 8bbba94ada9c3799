"""The tables of an index, and how they are opened."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from contextlib import closing

from fastdcm.errors import OptionError
from fastdcm.serve.index.attributes import INSTANCE, SERIES, STUDY, Attribute

#: Of what is kept: an index of another one is made anew.
_VERSION = 1
#: Seconds that a reader waits for a writer's commit, and the reverse.
_BUSY_SECONDS = 30.0


def _columns(attributes: tuple[Attribute, ...]) -> str:
    # Whole numbers where the data set has binary ones; all other values are text as it stands there.
    return "".join(f", {one.keyword} {'INTEGER' if one.vr == 'US' else 'TEXT'}" for one in attributes)


_TABLES = f"""
CREATE TABLE about (version INTEGER NOT NULL, root TEXT NOT NULL, complete INTEGER NOT NULL DEFAULT 0);
CREATE TABLE files (
    path BLOB PRIMARY KEY, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL,
    problem TEXT, copy_of TEXT
) WITHOUT ROWID;
CREATE INDEX copies ON files (copy_of) WHERE copy_of IS NOT NULL;
CREATE TABLE studies (study TEXT PRIMARY KEY{_columns(STUDY)});
CREATE INDEX study_dates ON studies (StudyDate);
CREATE TABLE series (
    study TEXT NOT NULL, series TEXT NOT NULL{_columns(SERIES)}, PRIMARY KEY (study, series)
);
CREATE TABLE instances (
    instance TEXT PRIMARY KEY, study TEXT NOT NULL, series TEXT NOT NULL, path BLOB NOT NULL,
    transfer_syntax TEXT NOT NULL, has_pixels INTEGER NOT NULL{_columns(INSTANCE)}
);
CREATE INDEX of_series ON instances (study, series);
CREATE INDEX of_path ON instances (path);
CREATE TABLE gone (
    study TEXT, series TEXT, instance TEXT, PRIMARY KEY (study, series, instance)
) WITHOUT ROWID;
"""


def default_path(root: str) -> str:
    """Where the index of a folder is kept: in the user's cache, under a name of the folder's."""
    if sys.platform == "win32":
        cache = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~/AppData/Local")
    elif sys.platform == "darwin":
        cache = os.path.expanduser("~/Library/Caches")
    else:
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    name = hashlib.blake2b(os.fsencode(os.path.realpath(root)), digest_size=12).hexdigest()
    return os.path.join(cache, "fastdcm", "serve", f"{name}.sqlite")


def create(path: str, root: str) -> None:
    """Make sure that there is an index of this version for this folder. Raises `OptionError`.

    It holds names of patients: nobody else may read it.
    """
    root = os.path.realpath(root)
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
        if _is_current(path, root):
            return
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(path + suffix):
                os.unlink(path + suffix)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(_TABLES)
            database.execute("INSERT INTO about (version, root) VALUES (?, ?)", (_VERSION, root))
            database.commit()
    except (OSError, sqlite3.Error) as error:
        raise OptionError(f"the index {path} cannot be made: {error}; --index names another place") from error


def _is_current(path: str, root: str) -> bool:
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        return False
    try:
        with closing(connect(path)) as database:
            rows = database.execute("SELECT version, root FROM about").fetchall()
            if rows == [(_VERSION, root)]:
                return True
    except sqlite3.OperationalError as error:
        if "no such" not in str(error):
            raise
        rows = []
    except sqlite3.DatabaseError as error:
        raise OptionError(f"{path} is no index of fastdcm: {error}; --index names another place") from error
    if not rows:
        raise OptionError(f"{path} is a database, and no index of fastdcm; --index names another place")
    return False


def connect(path: str, *, write: bool = False) -> sqlite3.Connection:
    """A connection that may be used by whichever thread holds it; without ``write`` it changes nothing."""
    database = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
    database.execute("PRAGMA synchronous = NORMAL")
    if not write:
        database.execute("PRAGMA query_only = 1")
    return database
