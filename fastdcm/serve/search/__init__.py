"""QIDO-RS (PS3.18 10.6).

::

    keys      attributes by which can be searched, and that are told
    query     a query string -> conditions
    matching  a value -> a condition in SQL
    answer    rows -> DICOM JSON
"""
