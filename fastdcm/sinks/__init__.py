"""Where encoded images go.

::

    directory  files in folders
    spool      members of tars, on their way into shards
    archives   ZIPs and TARs
    shards     tars of a certain size, and the list of them
    run        temporary files: their names, and the removal of those that dead runs left
"""
