"""One module a format: display values to the bytes of a file."""
