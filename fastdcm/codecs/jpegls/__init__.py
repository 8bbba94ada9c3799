"""Our own JPEG-LS decoder (ITU-T T.87)."""
