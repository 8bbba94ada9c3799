"""JPEG of 8 bits in several scans, progressive or not, by our own kernels (ITU-T T.81 annexes F, G)."""
