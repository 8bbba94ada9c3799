"""What sources are called, where their bytes lie, and how they are opened.

::

    opening   the table: the kind of a name -> what opens it, and what it is known again by
    names     ARCHIVE!MEMBER, built and split here alone
    place     where the bytes of a source lie, as far as whoever found it knows
    section   a part of a file, as a source
    members   the members of an archive
    zipped    ... of a ZIP
    tarred    ... of a TAR
    packed    ... of a TAR that is packed as a whole
    dicomdir  the files that a DICOMDIR names
    addresses scheme://place/key, as text
    objects   remote objects: small ones at once, of large ones ranges
    stores    what a library for stores is asked
    listing   what lies below an address
    reading   sizes and checksums of files and objects

A run names its inputs by strings, and a worker opens each of them by `open_source`. What is new here, such as
an address with a scheme, is a row more in `fastdcm.sources.opening.KINDS`.
"""

from fastdcm.sources.names import absolute
from fastdcm.sources.opening import kind_of, known_stamp_of, open_source, stamp_of
from fastdcm.sources.place import Place

__all__ = ["Place", "absolute", "kind_of", "known_stamp_of", "open_source", "stamp_of"]
