"""One module a format or a family of them: display values to the bytes of a file."""
