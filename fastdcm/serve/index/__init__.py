"""What is in a folder, in SQLite.

::

    attributes  what is kept of studies, series and instances
    schema      the tables
    reading     a file -> its attributes
    changes     the folder against the tables: what is new, changed, gone
    indexer     the process that looks, again and again
    lookup      who is meant by UIDs
"""
