"""A worker: ``python -m fastdcm.batch.worker``, fed through its standard input.

It answers on its standard output, which is moved away from descriptor 1 so that nothing that a
library prints can get into the messages. It ends when its input does.
"""

from __future__ import annotations

import faulthandler
import os
import queue
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, BinaryIO

from fastdcm import system
from fastdcm.batch import protocol

#: What a library may leave in the worker's log before it is emptied.
_LOG_LIMIT = 1 << 20
#: When the run is gone, a worker has so long to finish its file.
_GRACE_SECONDS = 10.0


def main() -> int:
    """Serve one run; 0 when its input ended."""
    requests, replies = _take_over_standard_streams()
    faulthandler.enable()
    setup = protocol.receive(requests)
    if setup is None:
        return 0
    task, argument = setup[1]
    function = load(task)(argument)
    chunks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, chunks), daemon=True).start()
    try:
        protocol.send(replies, protocol.READY, None)
        while (chunk := chunks.get()) is not None:
            _serve(replies, function, chunk)
            system.empty_when_large(2, _LOG_LIMIT)
    except BrokenPipeError:
        os._exit(0)  # the run is gone; a flush at exit would fail again
    return 0


def load(task: str) -> Callable[[Any], Callable[..., Any]]:
    """The object that ``module:name`` stands for."""
    module, _, name = task.partition(":")
    factory: Callable[[Any], Callable[..., Any]] = getattr(import_module(module), name)
    return factory


def _serve(replies: BinaryIO, function: Callable[..., Any], chunk: list[tuple[Any, bool]]) -> None:
    def beat(frame: int, seconds: float) -> None:
        protocol.send(replies, protocol.FRAME, (frame, seconds))

    result = None
    for index, (item, own) in enumerate(chunk):
        protocol.send(replies, protocol.BEGIN, (index, result))
        result = function(item, own, beat)
    protocol.send(replies, protocol.END, result)


def _listen(requests: BinaryIO, chunks: queue.SimpleQueue[Any]) -> None:
    """Hand on chunks; at their end see to it that the process ends even in a decoder that hangs."""
    while (message := protocol.receive(requests)) is not None:
        chunks.put(message[1])
    chunks.put(None)
    threading.Event().wait(_GRACE_SECONDS)
    os._exit(1)


def _take_over_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, replies


if __name__ == "__main__":
    sys.exit(main())
