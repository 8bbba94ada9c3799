"""From samples to display values: ``lut`` (the standard's maths) -> ``plan`` -> ``execute``."""
