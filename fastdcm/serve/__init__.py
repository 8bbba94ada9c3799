"""A folder of DICOM files as a DICOMweb server (PS3.18): search, retrieval, rendered images.

::

    index/    what is in the folder, in SQLite: a walk that follows changes, and look-ups
    resources who is meant by a path: studies, series, instances, frames
    search    QIDO-RS: queries to SQL, rows to DICOM JSON
    retrieve  WADO-RS: instances, metadata, frames, bulk data
    rendered  /rendered and /thumbnail: what is asked, by which type it is answered
    pool      child processes that read files: bounded in number, time and queue; a crash is one request's
    worker    such a process; tasks/ is what it does
    cache     what was rendered, by all that decides on it
    guard     who may ask, from where; the log and the figures of requests
    metrics   figures in Prometheus' text format
    app       routes and errors
    page/     the page at /, as it is sent

Nothing of a file's contents is parsed in the process that answers.
"""
