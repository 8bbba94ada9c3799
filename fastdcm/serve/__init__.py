"""A folder of DICOM files as a DICOMweb server (PS3.18): search, retrieval, rendered images.

::

    index/    what is in the folder, in SQLite: a walk that follows changes, and look-ups
    site      the folder: who is meant by a path; how an answer is made
    search/   QIDO-RS: queries to SQL, rows to DICOM JSON
    retrieve/ WADO-RS: instances, metadata, frames, bulk data
    choosing  images: by which type and which options they are answered
    rendered  /rendered and /thumbnail
    pool      child processes that read files: bounded in number, time and queue; a crash is one request's
    worker    such a process; tasks/ is what it does
    cache     what was rendered, by all that decides on it
    guard     who may ask, from where; the log and the figures of requests
    protocol  HTTP with bounded heads
    metrics   figures in Prometheus' text format
    app       routes and errors
    run       from start to end: processes, socket
    page/     the page at /, as it is sent

Nothing of a file's contents is parsed in the process that answers.
"""
