"""A process that reads files: ``python -m fastdcm.serve.worker``, fed through its standard input.

It answers on its standard output, which is moved away from descriptor 1 so that nothing that a library prints
can get into the messages. It ends when its input does.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
from typing import Any, BinaryIO

from fastdcm import system
from fastdcm.errors import FastdcmError
from fastdcm.kernels import OUTLOOK
from fastdcm.serve.tasks import Folder, run


def main() -> int:
    """Do what comes; 0 when the input ended."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    system.keep_freed_memory()
    # Kernels that are kept are loaded at once; compiling takes longer than anybody waits for an image.
    OUTLOOK.lasting = True
    OUTLOOK.may_compile = False
    settings = _receive(requests)
    if settings is None:
        return 0
    folder = Folder(*settings)
    _send(replies, True)
    while (message := _receive(requests)) is not None:
        _send(replies, _answer(folder, *message))
    return 0


def _answer(folder: Folder, task: str, path: str, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    """Whether it failed, and the result or what is told of the error."""
    try:
        return False, run(task, folder, path, arguments)
    except FastdcmError as error:
        return True, (type(error).__name__, error.message, error.frame)
    except FileNotFoundError:
        return True, ("SourceError", "its file is not there any more", None)
    except OSError as error:
        return True, ("SourceError", f"its file cannot be read: {error.strerror}", None)
    except MemoryError:
        return True, ("DicomError", "not enough memory", None)
    except Exception as error:
        # A mistake of ours ends one request. What it says may be a patient's, its kind is not.
        return True, ("WorkerError", f"an error of the server's own: {type(error).__name__}", None)


def _receive(stream: BinaryIO) -> Any:
    head = stream.read(8)
    if len(head) < 8:
        return None
    return pickle.loads(stream.read(struct.unpack("<Q", head)[0]))


def _send(stream: BinaryIO, message: Any) -> None:
    data = pickle.dumps(message, protocol=5)
    stream.write(struct.pack("<Q", len(data)))
    stream.write(data)
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
