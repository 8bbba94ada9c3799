"""An event loop in a thread of its own, for who has none, or may be in one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastdcm.errors import SourceError

T = TypeVar("T")


class Loop:
    """Runs coroutine functions in its thread, and waits for them. Safe to use from several threads.

    Its thread keeps no program from ending.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fastdcm-dicomweb", daemon=True)
        self._thread.start()

    def run(self, function: Callable[..., Awaitable[T]], /, *arguments: Any) -> T:
        """What the function gives, or raises."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("what waits for the event loop was called from it")
        if not self.is_open:
            raise SourceError("the client is closed")

        async def called() -> T:
            return await function(*arguments)

        future = asyncio.run_coroutine_threadsafe(called(), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C ends what was waited for, too
            raise

    @property
    def is_open(self) -> bool:
        """Whether anything can be run."""
        return not self._loop.is_closed()

    def close(self) -> None:
        """End the thread; nothing runs any more."""
        if not self.is_open:
            return
        self.run(_settle)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _settle() -> None:
    """End what still runs, and what was left of generators."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
