"""Frames as arrays: one with the mapping of its pixels, many in one array or in batches, errors as data."""
