"""Our own decoder of JPEG 2000 (ITU-T T.800), for what DICOM holds of it."""
