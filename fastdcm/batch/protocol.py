"""The messages between a run and its workers: a kind, a length, a pickled value.

Both ends are this program, started by the same user; nothing else is ever unpickled.

::

    to the worker     SETUP   (task function as "module:name", its argument, seconds an item may take)
                      CHUNK   ([(item, own), ...], outlook)
    from the worker   READY   None                      it has imported what it needs
                      DONE    (items, results)          so many more items of the chunk are done
                      END     (items, results)          the same, and no more of this chunk will be

What is sent is defined where workers need no other module for it. Which item and frame a worker is at stands
on its board (`fastdcm.batch.board`).
"""

from __future__ import annotations

import pickle
import struct
from typing import Any, BinaryIO, NamedTuple

SETUP, CHUNK, READY, DONE, END = range(5)

_HEAD = struct.Struct("<BI")


class Outlook(NamedTuple):
    """What a worker may know of the run: that at least so many ``items`` will come to it, and whether
    it ``may_compile`` kernels. One worker does so first; the others find them in the cache.
    """

    items: int
    may_compile: bool


def send(stream: BinaryIO, kind: int, value: object) -> None:
    """Write one message. Raises `OSError` where the other end is gone."""
    body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    stream.write(_HEAD.pack(kind, len(body)) + body)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[int, Any] | None:
    """The next message; None where the other end is gone, in the middle of a message or not."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    kind, length = _HEAD.unpack(head)
    body = stream.read(length)
    return (kind, pickle.loads(body)) if len(body) == length else None
