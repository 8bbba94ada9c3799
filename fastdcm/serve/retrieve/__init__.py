"""WADO-RS (PS3.18 10.4, 8.7.3).

::

    given    how an object or its frames are given: as stored, or decoded; in which type
    objects  studies, series, instances as files
    details  metadata, frames, bulk data
"""
