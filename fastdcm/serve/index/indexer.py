"""The process that looks at the folder: ``python -m fastdcm.serve.index.indexer``, led by its streams.

It gets one line of JSON (root, index, rescan) on standard input, and an empty line for a look at once; it
writes a line of JSON for each look, and ends when its input does.
"""

from __future__ import annotations

import json
import os
import queue
import sqlite3
import sys
import threading
import time

from fastdcm.kernels import OUTLOOK
from fastdcm.serve.index.changes import look
from fastdcm.serve.index.schema import connect

#: A look takes at most this share of the time.
_SHARE = 0.1


def main() -> int:
    """Look again and again; 0 when the input ended."""
    asked = json.loads(sys.stdin.readline() or "null")
    if asked is None:
        return 0
    if sys.platform != "win32":
        os.nice(5)  # who asks for images comes first
    OUTLOOK.lasting = True
    OUTLOOK.may_compile = False
    orders: queue.SimpleQueue[bool] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    database = connect(asked["index"], write=True)
    while True:
        begun = time.monotonic()
        try:
            answer = look(database, asked["root"])._asdict()
        except (OSError, sqlite3.Error) as error:
            answer = {"error": f"the folder or its index cannot be read: {error}"}
            if database.in_transaction:
                database.execute("ROLLBACK")
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
        took = time.monotonic() - begun
        pause = max(asked["rescan"], took / _SHARE) if asked["rescan"] else None
        try:
            if not orders.get(timeout=pause):
                return 0
        except queue.Empty:
            pass


def _listen(orders: queue.SimpleQueue[bool]) -> None:
    for _ in sys.stdin:
        orders.put(True)
    orders.put(False)


if __name__ == "__main__":
    sys.exit(main())
