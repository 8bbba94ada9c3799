"""Lossless JPEG (ITU-T T.81 annex H) by our own kernels."""
