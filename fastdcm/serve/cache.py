"""What was answered, by all that decides on it; the least recently asked for goes first."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

#: What an entry takes besides its bytes.
_OVERHEAD = 500


def etag_of(*facts: object) -> str:
    """A strong ETag (RFC 9110 8.8.3) of what decides on an answer, of which each is told by its `repr`."""
    return f'"{hashlib.blake2b(repr(facts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()}"'


class Cache:
    """Bytes by key, so many in all; who asks for what is under way already waits for it."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._under_way: dict[Hashable, asyncio.Task[bytes]] = {}
        self.size = self.hits = self.misses = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> bytes | None:
        """What is kept under a key."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            self.hits += 1
        return found

    async def get_or_make(self, key: Hashable, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """What is kept under a key, or what ``make`` gives, which is kept then. Raises what that raises.

        It goes on to be made where whoever asked first has gone.
        """
        if (found := self.get(key)) is not None:
            return found
        task = self._under_way.get(key)
        if task is None:
            self.misses += 1
            task = asyncio.create_task(self._make(key, make))
            self._under_way[key] = task
            task.add_done_callback(_look_at)
        else:
            self.hits += 1
        return await asyncio.shield(task)

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            data = await make()
        finally:
            del self._under_way[key]
        self._keep(key, data)
        return data

    def _keep(self, key: Hashable, data: bytes) -> None:
        cost = len(data) + _OVERHEAD
        if cost > self._capacity // 4:
            return  # one that would push out much else
        self._kept[key] = data
        self.size += cost
        while self.size > self._capacity:
            _, gone = self._kept.popitem(last=False)
            self.size -= len(gone) + _OVERHEAD


def _look_at(task: asyncio.Task[bytes]) -> None:
    """Take note of an error for which nobody waits any more."""
    if not task.cancelled():
        task.exception()
