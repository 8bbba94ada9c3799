"""Runs rows one by one, each in a child process with a budget: 2 seconds and 512 MB of additional memory.

A server process (``python -m tests.refusals.budget``) has imported what decoding needs and forks for each
row, so that three hundred take seconds. A child that crashes, hangs or takes too much fails its row and no
other. Where there is no fork, rows run in this process and without a budget.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from tests.refusals.rows import Observed, Row, Seen

#: Processor time, so that a busy machine does not fail a row; and the time after which one hangs.
SECONDS, HANGS = 2, 20
MEGABYTES = 512
LINUX = sys.platform == "linux"

Task = tuple[str, int, dict[str, Any], Callable[[Path], None] | None, bool]


def observe(task: Task) -> Observed:
    """Open a file, read a frame's stored values and render it, whatever comes of each."""
    import fastdcm
    from fastdcm.errors import FastdcmError
    from fastdcm.reader import source

    path, frame, options, change, whole = task
    known = source.WHOLE_FILE_SIZE
    if not whole:
        source.WHOLE_FILE_SIZE = 0  # as if the file were large: by ranges
    seen: dict[str, Seen] = {}

    def see(stage: str, do: Callable[[], Any]) -> Any:
        try:
            result = do()
        except FastdcmError as error:
            seen[stage] = Seen(None, type(error).__name__, error.message, error.path, error.frame)
            return None
        seen[stage] = Seen(result.tolist() if hasattr(result, "tolist") else None)
        return result

    try:
        opened = see("open", lambda: fastdcm.open(path, **options))
        if opened is None:
            return Observed(seen)
        with opened as image:
            if change is not None:
                change(Path(path))
            see("frame", lambda: image.pixels(frame - 1, raw=True))
            see("render", lambda: image.render(frame - 1))
            return Observed(seen, tuple((notice.code, notice.path) for notice in image.notices))
    finally:
        source.WHOLE_FILE_SIZE = known


class Budget:
    """The server, from the side of the tests; a context manager."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        if LINUX:
            one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.refusals.budget"],
                cwd=Path(__file__).parents[2],
                env=os.environ | one_thread,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )

    def __enter__(self) -> Budget:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._server is not None:
            assert self._server.stdin is not None
            assert self._server.stdout is not None
            self._server.stdin.close()
            self._server.wait(30)
            self._server.stdout.close()

    def run(self, row: Row, path: Path, *, whole: bool = True) -> Observed:
        """What comes of a row within the budget; an `AssertionError` where it is exceeded."""
        task = (str(path), row.frame, row.options, row.change, whole)
        answer = self.call(observe, task)
        assert isinstance(answer, Observed), answer
        return answer

    def call(self, function: Callable[[Any], Any], argument: Any, *, hangs: float = HANGS) -> Any:
        """What a function of a module returns within the budget, or in words what became of it."""
        if self._server is None:
            return function(argument)
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        request = struct.pack("<d", hangs) + pickle.dumps((function, argument))
        _send(self._server.stdin, request)
        answer = _receive(self._server.stdout)
        assert answer is not None, f"the server ended with {self._server.wait(30)}"
        return pickle.loads(answer)


def _send(stream: IO[bytes], message: bytes) -> None:
    stream.write(struct.pack("<Q", len(message)) + message)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes | None:
    head = stream.read(8)
    return stream.read(struct.unpack("<Q", head)[0]) if len(head) == 8 else None


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests, each in a child of its own, until there are no more."""
    while (request := _receive(requests)) is not None:
        _send(answers, _in_child(request))


def _in_child(request: bytes) -> bytes:
    (hangs,) = struct.unpack_from("<d", request)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _work(request[8:], theirs)
    os.close(theirs)
    parts, deadline = [], time.monotonic() + hangs
    while select.select([ours], [], [], max(0, deadline - time.monotonic()))[0]:
        part = os.read(ours, 1 << 16)
        parts.append(part)
        if not part:
            break
    else:
        os.kill(child, signal.SIGKILL)
    os.close(ours)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return b"".join(parts)
    reasons = {-signal.SIGXCPU: f"took more than {SECONDS} s", -signal.SIGKILL: f"hung for {hangs:g} s"}
    return pickle.dumps(reasons.get(code) or f"ended with {code}: {_name(code)}")


def _name(code: int) -> str:
    with suppress(ValueError):
        return signal.Signals(-code).name
    return "an exception; see above"


def _work(request: bytes, answer: int) -> None:
    """In the child: set the budget, call, write the answer, and end."""
    import resource
    import traceback

    status = 1
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + (MEGABYTES << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        function, argument = pickle.loads(request)
        message = pickle.dumps(function(argument))
        while message:
            message = message[os.write(answer, message) :]
        status = 0
    except BaseException:  # the child must end here, whatever it was
        traceback.print_exc()
    finally:
        os._exit(status)


def _import_all() -> None:
    """What any row may need, so that no child spends its budget on imports."""
    import gc
    import pkgutil
    from importlib import import_module

    import imagecodecs

    import fastdcm.api
    import fastdcm.codecs
    import fastdcm.codestream
    import fastdcm.reader
    import fastdcm.rendering
    from tests.builders import image

    for package in (fastdcm.codecs, fastdcm.codestream, fastdcm.reader, fastdcm.rendering):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            import_module(module.name)
    for codec in ("jpeg8", "jpegls", "jpeg2k", "htj2k", "jpegxl", "packbits"):
        getattr(imagecodecs, f"{codec}_decode")  # loads its library
    fastdcm.render(image())
    gc.freeze()  # a collection in a child would copy all this


if __name__ == "__main__":
    _import_all()
    serve(sys.stdin.buffer, sys.stdout.buffer)
