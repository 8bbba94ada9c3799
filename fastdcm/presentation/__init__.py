"""Softcopy Presentation States (PS3.3 A.33, PS3.4 annex N) and overlays, on rendered frames.

``reading`` makes a `State` of a file, ``folder`` finds those that reference an image, ``choosing`` picks what
applies to a frame. ``present`` puts it onto display values: ``shutters`` and ``overlays`` where the image's
pixels lie, ``placing`` (rotation, flip, displayed area), ``graphics`` and ``text`` on what comes of it, in
their ``styles``.
"""
