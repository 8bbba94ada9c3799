"""The folder against the index: what is new in it, changed, or gone."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from fastdcm.errors import FastdcmError
from fastdcm.reader.source import FileSource
from fastdcm.serve.index.attributes import INSTANCE, SERIES, STUDY
from fastdcm.serve.index.reading import Facts, read_facts
from fastdcm.system import open_beneath

#: Files, and seconds, after which what is found becomes visible.
_COMMIT_FILES, _COMMIT_SECONDS = 500, 0.5
_LONGEST_PROBLEM = 200


class Summary(NamedTuple):
    """What one look found: files in all, those that were read, gone ones, those that cannot be served."""

    files: int
    read: int
    gone: int
    problems: int
    seconds: float


class _Stamp(NamedTuple):
    mtime_ns: int
    size: int


def look(database: sqlite3.Connection, root: str) -> Summary:
    """Bring the index up to date with the folder. A file is read if its time or its size is another one.

    Hidden files and folders, links, and what is no regular file are passed over. Raises `OSError` where the
    folder itself cannot be read: then the index stays as it is.
    """
    begun = time.monotonic()
    os.scandir(root).close()
    known = {
        bytes(path): _Stamp(mtime_ns, size)
        for path, mtime_ns, size in database.execute("SELECT path, mtime_ns, size FROM files")
    }
    there = dict(_files(root))
    gone = known.keys() - there.keys()
    changes = _Changes(database, root)
    for path in gone:
        changes.remove(path)
    changes.commit()
    wanted = [path for path, stamp in there.items() if known.get(path) != stamp or path in changes.freed]
    for path in wanted:
        if path in known:
            changes.remove(path)
        changes.add(path, there[path])
    # A copy of what was removed just now, that stood before it.
    for path in sorted(changes.freed & there.keys() - set(wanted)):
        changes.add(path, there[path])
    changes.finish()
    problems = database.execute("SELECT count(*) FROM files WHERE problem IS NOT NULL").fetchone()[0]
    return Summary(len(there), len(wanted), len(gone), problems, time.monotonic() - begun)


def _files(root: str) -> Iterator[tuple[bytes, _Stamp]]:
    """All files with their stamps, by folder, in the order of names; paths relative, with slashes."""
    folders = [""]
    while folders:
        folder = folders.pop()
        inner = []
        try:
            with os.scandir(os.path.join(root, folder)) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue  # it cannot be served, and may be readable the next time
        for entry in found:
            if entry.name.startswith("."):
                continue
            path = f"{folder}/{entry.name}" if folder else entry.name
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    inner.append(path)
                elif entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    yield os.fsencode(path), _Stamp(status.st_mtime_ns, status.st_size)
        folders += reversed(inner)


def _insert(table: str, count: int) -> str:
    return f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * count)})"


_INSERT_STUDY = _insert("studies", 1 + len(STUDY))
_INSERT_SERIES = _insert("series", 2 + len(SERIES))
_INSERT_INSTANCE = _insert("instances", 6 + len(INSTANCE))
_INSERT_FILE = _insert("files", 5)
_INSERT_GONE = _insert("gone", 3)
#: Series and studies that have no instances any more.
_SWEEP_SERIES = """INSERT OR REPLACE INTO gone SELECT study, series, '' FROM series AS s WHERE NOT EXISTS
    (SELECT 1 FROM instances AS i WHERE i.study = s.study AND i.series = s.series)"""
_REMOVE_SERIES = """DELETE FROM series WHERE (study, series) IN
    (SELECT study, series FROM gone WHERE series != '' AND instance = '')"""
_SWEEP_STUDIES = """INSERT OR REPLACE INTO gone SELECT study, '', '' FROM studies AS s WHERE NOT EXISTS
    (SELECT 1 FROM series AS i WHERE i.study = s.study)"""
_REMOVE_STUDIES = "DELETE FROM studies WHERE study IN (SELECT study FROM gone WHERE series = '')"
_SWEEP = (_SWEEP_SERIES, _REMOVE_SERIES, _SWEEP_STUDIES, _REMOVE_STUDIES)


class _Changes:
    """Changes of one look, a transaction each few hundred files."""

    def __init__(self, database: sqlite3.Connection, root: str) -> None:
        self._database, self._root = database, root
        self._pending, self._since = 0, time.monotonic()
        self._removed = False
        #: What was told of studies and series in this look: most files say the same as the one before.
        self._told: dict[tuple[str, ...], tuple[Any, ...]] = {}
        #: Copies of what was removed, which are to be read, since one of them takes its place.
        self.freed: set[bytes] = set()

    def remove(self, path: bytes) -> None:
        """Forget a file."""
        execute = self._execute
        rows = execute("SELECT study, series, instance FROM instances WHERE path = ?", (path,)).fetchall()
        for study, series, instance in rows:
            execute("DELETE FROM instances WHERE instance = ?", (instance,))
            execute(_INSERT_GONE, (study, series, instance))
            self.freed |= {row[0] for row in execute("SELECT path FROM files WHERE copy_of = ?", (instance,))}
            execute("DELETE FROM files WHERE copy_of = ?", (instance,))
            self._removed = True
        execute("DELETE FROM files WHERE path = ?", (path,))

    def add(self, path: bytes, stamp: _Stamp) -> None:
        """Read a file and keep what it is."""
        try:
            facts = self._read(path)
        except (FastdcmError, OSError) as error:
            words = error.message if isinstance(error, FastdcmError) else str(error.strerror or error)
            self._execute(_INSERT_FILE, (path, *stamp, words[:_LONGEST_PROBLEM], None))
            return
        uid = facts.instance_uid
        other = self._execute("SELECT path FROM instances WHERE instance = ?", (uid,)).fetchone()
        self._execute(_INSERT_FILE, (path, *stamp, None, None if other is None else uid))
        if other is None:
            self._keep(path, facts)

    def _read(self, path: bytes) -> Facts:
        descriptor = open_beneath(self._root, os.fsdecode(path))
        source = FileSource(descriptor, os.fstat(descriptor).st_size, "")
        try:
            return read_facts(source)
        finally:
            source.close()

    def _keep(self, path: bytes, facts: Facts) -> None:
        study, series, instance = facts.study_uid, facts.series_uid, facts.instance_uid
        if self._told.get((study,)) != facts.study:
            self._execute(_INSERT_STUDY, (study, *facts.study))
            self._execute("DELETE FROM gone WHERE study = ? AND series = ''", (study,))
            self._told[study,] = facts.study
        if self._told.get((study, series)) != facts.series:
            self._execute(_INSERT_SERIES, (study, series, *facts.series))
            self._execute(
                "DELETE FROM gone WHERE study = ? AND series = ? AND instance = ''", (study, series)
            )
            self._told[study, series] = facts.series
        row = (instance, study, series, path, facts.transfer_syntax, facts.has_pixels, *facts.instance)
        self._execute(_INSERT_INSTANCE, row)
        self._execute(
            "DELETE FROM gone WHERE study = ? AND series = ? AND instance = ?", (study, series, instance)
        )

    def _execute(self, sql: str, values: tuple[Any, ...]) -> sqlite3.Cursor:
        if not self._database.in_transaction:
            self._database.execute("BEGIN IMMEDIATE")
            self._pending, self._since = 0, time.monotonic()
        if sql is _INSERT_FILE:
            self._pending += 1
            if self._pending > _COMMIT_FILES or time.monotonic() - self._since > _COMMIT_SECONDS:
                self.commit()
                self._database.execute("BEGIN IMMEDIATE")
                self._pending, self._since = 1, time.monotonic()
        return self._database.execute(sql, values)

    def commit(self) -> None:
        """Make what was done so far visible."""
        if self._database.in_transaction:
            self._database.execute("COMMIT")

    def finish(self) -> None:
        """Remove series and studies that have no instances any more, and tell that all was looked at."""
        if self._removed:
            for sql in _SWEEP:
                self._execute(sql, ())
        self._execute("UPDATE about SET complete = 1 WHERE complete = 0", ())
        self.commit()
