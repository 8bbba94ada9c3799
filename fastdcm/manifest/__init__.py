"""The account of a run, a row for each frame: what came of it, and how a later run goes on from it.

``rows`` are made by workers, ``journal`` keeps them as lines of JSON, ``reading`` gives them back, ``done``
finds those of an input. ``page`` tells of their ``sums`` and ``times``, ``table`` makes Parquet of them,
``checking`` compares them with the outputs.
"""
