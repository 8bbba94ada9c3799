"""Task functions for workers under test: the item says what happens to the worker."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Stub:
    """Items are strings; the argument is a folder in which tries are counted.

    ``ok`` and others return themselves with their ``own`` flag; ``plain`` ones are only counted.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._plain = 0

    def __call__(self, item: str, own: bool, beat: Callable[[int, float], None]) -> tuple[Any, list[str]]:
        with (self._folder / item.replace(":", "_")).open("a") as file:
            file.write(f"{os.getpid()}\n")
        action, _, rest = item.partition(":")
        if action == "kill" or (action == "kill-once" and not own):
            beat(7, 60.0)
            os.kill(os.getpid(), signal.SIGKILL)
        elif action == "kill-parent":
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        elif action == "exit":
            sys.stderr.write("the last words\n")
            sys.stderr.flush()
            os._exit(3)
        elif action == "raise":
            raise RuntimeError("a fault of the task")
        elif action == "hang":
            beat(3, 0.2)
            time.sleep(60)
        elif action == "compile":
            from fastdcm.kernels import Compiling

            beat(1, 0.2)
            with Compiling():
                time.sleep(float(rest))
        elif action == "slow":
            time.sleep(float(rest))
        elif action == "print":
            os.write(1, b"a library's chatter\n")
            print("more of it")  # noqa: T201
        elif action == "split":
            return None, [f"part:{number}" for number in range(int(rest))]
        elif action == "plain":
            self._plain += 1
            return None, []
        return (item, own), []

    def foresee(self, outlook: Any) -> None:
        """Note what the worker is told."""
        with (self._folder / "outlooks").open("a") as file:
            file.write(f"{os.getpid()} {outlook.items} {outlook.may_compile}\n")

    def announce(self, items: list[str]) -> None:
        """Note what is to come next."""
        with (self._folder / "announced").open("a") as file:
            file.write(items[0] + "\n")

    def has_compiled(self) -> bool:
        """Nothing is compiled."""
        return False

    def counted(self) -> list[int]:
        """How many plain items there were since the last call."""
        counts = [self._plain] if self._plain else []
        self._plain = 0
        return counts


class Compiled(Stub):
    """Says that it has compiled kernels."""

    def has_compiled(self) -> bool:
        return True


class CannotStart:
    """Fails where a worker would import what it needs."""

    def __init__(self, argument: object) -> None:
        raise ImportError("no module named something")
