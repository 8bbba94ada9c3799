"""Where encoded images go."""
