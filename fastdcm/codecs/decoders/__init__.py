"""One module a codec: bytes to `Samples`, checked against the header before any library sees them."""
