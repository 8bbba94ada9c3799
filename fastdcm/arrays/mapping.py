"""Where the pixels of an array lie in its source; what does it is below the pipeline, which gives it, too."""

from fastdcm.rendering.mapping import Mapping

__all__ = ["Mapping"]
