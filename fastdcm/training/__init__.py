"""Data sets to train from, in NumPy alone: frames of objects, images of shards."""
