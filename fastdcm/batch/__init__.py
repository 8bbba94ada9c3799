"""Many objects: which files, under which names, by which workers, and what came of it.

::

    job          run(sources, ...) -> Report: the composition
    targets      what was asked for -> where each source's images go
    discovery    the files of the sources, one after another
    lists        lists of names, as they come
    listed       what these name
    archives     the members of an archive
    objects      what lies below an address
    unpacked     ... of one that can only be read forwards
    directories  the files of a DICOMDIR
    opening      the input of a task, opened
    sharing      a share of the inputs
    naming       input names and templates -> output names
    templated    inputs whose template would give them one name
    metadata     the table of a run
    ordered      images whose order counts
    sharded      ... in shards; what is passed over after a run that was cut off
    archived     ... in an archive
    described    what is told of each image (runs in the worker)
    series       the range of each series, before anything is converted (voi series)
    convert      one file -> images in a sink (runs in the worker)
    serving      what workers do around that
    converting   conversion as the work of an executor
    executor     who does work: the interface, and which one it is
    local        an executor: processes of this machine
    dask         an executor: a Dask cluster
    feed         the queue between discovery and workers, in chunks
    feeding      discovery into the queue
    pool         one thread a worker: crashes, time limits, second tries
    process      the parent's end of one worker
    stock        workers that are kept from one pool to the next
    worker       the worker: python -m fastdcm.batch.worker
    protocol     the messages between the two
    board        the numbers that a worker shows without a message
    stages       the clock of a profile
    measured     images that tell the clock their stage
    report       what a run did
"""

from fastdcm.batch.job import run
from fastdcm.batch.report import Failure, Report, Skipped, Watcher

__all__ = ["Failure", "Report", "Skipped", "Watcher", "run"]
