"""What is told of images, by their names and beside them (``--name``, ``--metadata``).

::

    records       what is told of an image's frames: the composition
    voi           by which window a frame was shown
    chosen        attributes that were named, by our own walk of the header
    whole         all attributes that name nobody, by pydicom
    model         values in the DICOM JSON model and in tables
    dictionary    attributes by keyword, by pydicom
    confidential  which attributes may tell who a patient is
    tables        CSV and Parquet, whole or not at all
    fields        what the fields of names stand for
"""
