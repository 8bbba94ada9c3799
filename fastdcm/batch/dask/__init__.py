"""Work that is done by a Dask cluster (`distributed`).

::

    executor     the cluster, and work on it (runs where the run does)
    messages     what goes to a Dask worker, and what comes back
    crew         what happens on a Dask worker: chunks, by processes under supervision

Dask hands out chunks, gives them to another worker where one dies, and carries back what they tell. In a Dask
worker the same processes do the work as without Dask, under the same supervision: a decoder that crashes or
hangs costs one file, not a Dask worker. Files and images are on shared storage; none goes through the
cluster.
"""
