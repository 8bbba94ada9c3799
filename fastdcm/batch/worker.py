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
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, BinaryIO

from fastdcm import system
from fastdcm.batch import protocol
from fastdcm.batch.board import BOARD_BYTES, Board
from fastdcm.kernels import Compiling

#: What a library may leave in the worker's log before it is emptied.
_LOG_LIMIT = 1 << 20
#: When the run is gone, a worker has so long to finish its file.
_GRACE_SECONDS = 10.0
#: The input has ended. With files left to do, that is because the run was killed; another one may go on with
#: them already.
_ENDED = threading.Event()
#: What is done is told as often: each message costs the run 0.1 ms, and what is not told is done again
#: where the worker dies.
_TELL_SECONDS = 0.2
#: A chunk that takes longer than this holds dearer files than those before it; what is left of it is
#: given back, so that other workers get their share.
_CHUNK_SECONDS = 1.0
#: So many items of a chunk are announced at once: far away it pays to have several under way.
_ANNOUNCED = 16
#: What compiling one kernel takes at most on a slow and busy machine: the largest takes 5 on a usual one.
_COMPILING_SECONDS = 300.0


def main() -> int:
    """Serve one run; 0 when its input ended."""
    requests, replies = _take_over_standard_streams()
    faulthandler.enable()
    system.keep_freed_memory()
    board = Board(2)
    setup = protocol.receive(requests)
    if setup is None:
        return 0
    task, argument, seconds = setup[1]
    function = load(task)(argument)
    chunks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, chunks), daemon=True).start()
    try:
        Compiling.told = lambda: _allow_for_compiling(board, seconds)
        protocol.send(replies, protocol.READY, None)
        since = time.monotonic()
        while (chunk := chunks.get()) is not None:
            board.waited += time.monotonic() - since
            items, outlook = chunk
            function.foresee(outlook)
            _serve(replies, function, items, board, seconds)
            system.empty_when_large(2, _LOG_LIMIT, BOARD_BYTES)
            since = time.monotonic()
    except BrokenPipeError:
        os._exit(0)  # the run is gone; a flush at exit would fail again
    return 0


def load(task: str) -> Callable[[Any], Any]:
    """The object that ``module:name`` stands for."""
    module, _, name = task.partition(":")
    factory: Callable[[Any], Any] = getattr(import_module(module), name)
    return factory


def _serve(
    replies: BinaryIO, function: Any, chunk: list[tuple[Any, bool]], board: Board, seconds: float
) -> None:
    def beat(frame: int, seconds: float) -> None:
        board.begin_frame(frame, time.monotonic() + seconds)

    def tell(kind: int) -> None:
        board.deadline = float("inf")  # the run may be slow to read
        results.extend((result, []) for result in function.counted())
        board.compiled = function.has_compiled()
        protocol.send(replies, kind, (done, results))
        results.clear()

    results: list[tuple[Any, list[Any]]] = []
    done = 0
    start = told = time.monotonic()
    for begun, (item, own) in enumerate(chunk, 1):
        if _ENDED.is_set():
            os._exit(0)
        now = time.monotonic()
        if now - start > _CHUNK_SECONDS and begun > 1:
            break
        if now - told > _TELL_SECONDS and done:
            tell(protocol.DONE)
            done, told = 0, now
        board.begin(begun, now + seconds)
        if begun < len(chunk):
            function.announce([following for following, _ in chunk[begun : begun + _ANNOUNCED]])
        result, parts = function(item, own, beat)
        if result is not None or parts:
            results.append((result, parts))
        done += 1
    tell(protocol.END)


def _allow_for_compiling(board: Board, seconds: float) -> None:
    """A time limit is a frame's, which is none of compiling, once on a machine."""
    board.deadline = time.monotonic() + (_COMPILING_SECONDS if Compiling.under_way else seconds)


def _listen(requests: BinaryIO, chunks: queue.SimpleQueue[Any]) -> None:
    """Hand on chunks; at their end see to it that the process ends even in a decoder that hangs."""
    while (message := protocol.receive(requests)) is not None:
        chunks.put(message[1])
    _ENDED.set()
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
    system.leave(main())
