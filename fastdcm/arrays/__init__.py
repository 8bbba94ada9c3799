"""Frames of many objects in one array: by threads, in batches, with errors as data."""
