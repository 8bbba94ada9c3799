"""JPEG in several scans, progressive or not, and of 12 bits, by our own kernels (ITU-T T.81 annexes F, G)."""
