"""What is told of images beside them (``--metadata``)."""
