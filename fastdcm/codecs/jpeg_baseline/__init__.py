"""Sequential JPEG of 8 bits by our own kernels (ITU-T T.81 annex F): baseline and extended."""
