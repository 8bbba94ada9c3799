"""From bytes to a header and the place of every frame: ``source -> scan -> header -> frames``.

Nothing here decodes; pixel bytes that nobody asks for are not read.
"""
