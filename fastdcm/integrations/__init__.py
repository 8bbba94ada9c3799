"""fastdcm inside other libraries: one module a library, each imported only by who uses it."""
