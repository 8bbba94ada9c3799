"""Who does the work of a run, as the rest of the code knows it: processes of this machine, or a cluster.

`fastdcm.batch.local` and `fastdcm.batch.dask` implement it; `executor_of` is the only place that knows both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from fastdcm.errors import OptionError, WorkerError

if TYPE_CHECKING:
    from fastdcm.batch.discovery import Task
    from fastdcm.batch.report import Outcome


class Argument(Protocol):
    """What a task function is made from; it goes to the workers, pickled."""

    def elsewhere(self) -> Any:
        """The same for processes of another machine."""


class Work(NamedTuple):
    """What is to be done with items.

    ``task`` is ``module:name`` of something that makes the task function from ``argument``, in a worker
    (`fastdcm.batch.pool.Pool` says what it is called with). ``timeout`` is the least number of seconds that
    an item may take. ``after_death`` is called with the argument, the items that were under way and the
    number of a process that did not end by itself, on the machine where that happened; with None for
    the number, where it is not known which of this run's it was. ``in_doubt`` tells of a result that it may
    be so only because the item was done before, by a worker that was lost since: then it is done once more.

    ``together`` is how many items a worker should have at least, where it pays to begin several at once.

    The two functions are found by their names, as all that is pickled.
    """

    task: str
    argument: Argument
    timeout: float
    after_death: Callable[[Any, list[Any], int | None], None]
    in_doubt: Callable[[Any], bool]
    together: int = 1

    def elsewhere(self) -> Work:
        """The same for processes of another machine."""
        return self._replace(argument=self.argument.elsewhere())

    def died(self, item: Any, process: int) -> None:
        """A process of this machine is dead; it was at the item, or at none."""
        self.after_death(self.argument, [] if item is None else [item], process)


@dataclass(frozen=True, slots=True)
class Lost:
    """An item that a worker did not survive, twice where it crashed, or was too slow for."""

    item: Any
    error: WorkerError


class Execution(ABC):
    """Work that is under way. `stop` must be called, whatever happens.

    ``waited`` are the seconds in which workers were ready and nothing was handed out to them yet, known once
    it is stopped. ``phase`` is what it waits for with all of its work, for people; empty where it does not.
    """

    waited: float = 0.0
    phase: str = ""

    @property
    @abstractmethod
    def complete(self) -> bool:
        """Whether all items are found."""

    @abstractmethod
    def results(self) -> Iterator[Any]:
        """Results and `Lost` items as they come, and None about ten times a second.

        Raises `WorkerError` where the work cannot be done at all.
        """

    @abstractmethod
    def stop(self) -> list[Any]:
        """End what is under way and wait until what it left is removed; returns the last results."""


class Executor(ABC):
    """Does work, one after another. A context manager.

    ``workers`` is how many items may be under way at a time. Those of one that is ``elsewhere`` may be
    on other machines, with other clocks and process numbers, and see what is on shared storage alone.
    """

    elsewhere = False

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many items may be under way at a time; at least 1."""

    @abstractmethod
    def start(self, work: Work, items: Iterable[Task | Outcome]) -> Execution:
        """Begin to take items, and to do them; an `Outcome` among them is a result already."""

    def close(self) -> None:
        """Let go of the workers."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def executor_of(jobs: int | None, cluster: object = None) -> Executor:
    """``jobs`` processes of this machine (None: as many as there are usable cores), or a Dask cluster.

    ``cluster`` is the address of its scheduler, the path of its scheduler file (.json), ``local`` for one in
    this process with ``jobs`` threads, or a `distributed.Client`. Raises `OptionError` for what is none of
    these, and where `distributed` is not installed; `WorkerError` where nothing answers there.
    """
    if jobs is not None and jobs < 1:
        raise OptionError(f"jobs must be at least 1, not {jobs}")
    if cluster is None:
        from fastdcm.batch.local import LocalExecutor

        return LocalExecutor(jobs)
    from fastdcm.batch.dask.executor import DaskExecutor

    return DaskExecutor(cluster, jobs)
