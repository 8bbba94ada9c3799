"""Samples from bytes and bytes from samples: a table of decoders, and the encoders.

`decode.decode_frame` is the way in for frames, `encode.encode_image` the way out.
"""
