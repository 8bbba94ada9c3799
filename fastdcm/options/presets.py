"""Windows for CT by name, in Hounsfield units."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastdcm.errors import OptionError
from fastdcm.model import Window


class Preset(NamedTuple):
    """Center and width of a window in Hounsfield units, and what it is for."""

    center: float
    width: float
    shows: str

    def window(self, name: str) -> Window:
        """As a window (LINEAR, PS3.3 C.11.2.1.2.1) with the name for its explanation."""
        return Window(self.center, self.width, explanation=name)


#: Usual windows of CT. No standard fixes them, and textbooks and viewers differ somewhat (see Radiopaedia,
#: "Windowing (CT)"). OHIF has lung, soft-tissue and brain so, Orthanc's Stone viewer angio and brain.
PRESETS: dict[str, Preset] = {
    "lung": Preset(-600, 1500, "lung"),
    "mediastinum": Preset(50, 350, "mediastinum, heart, large vessels"),
    "abdomen": Preset(50, 400, "soft tissue of the abdomen and pelvis"),
    "soft-tissue": Preset(40, 400, "soft tissue of head and neck, and elsewhere"),
    "liver": Preset(30, 150, "liver and spleen"),
    "spine": Preset(50, 250, "soft tissue of the spine"),
    "bone": Preset(400, 1800, "bone"),
    "temporal-bone": Preset(600, 2800, "temporal bones"),
    "brain": Preset(40, 80, "brain"),
    "stroke": Preset(40, 40, "grey against white matter, early ischaemia"),
    "subdural": Preset(80, 200, "blood along the skull"),
    "angio": Preset(300, 600, "vessels with contrast"),
}


def parse_preset(text: Any) -> str:
    """The name of a preset, in any case, with ``_`` or blanks for ``-``."""
    name = str(text).strip().lower().replace("_", "-").replace(" ", "-")
    if name not in PRESETS:
        raise OptionError(f"preset {text!r} is not one of {', '.join(PRESETS)}")
    return name
