"""What both ends of DICOMweb share (PS3.18): pure functions of text, bytes and frozen values, no network.

::

    resources        addresses of resources, and what they name (10.4.1)
    media_types      Accept, and which of the representations that there are it selects (8.7.5)
    parameters       window, viewport, quality, annotation, iccprofile of rendered resources (8.3.5.1)
    multipart_read   multipart/related (RFC 2387), as it comes in
    multipart_write  the same, as it goes out
    dicom_json       elements of data sets in the DICOM JSON model (annex F)
    dicom_json_read  values of such data sets, and their bytes
"""
