"""Colors of presentation states: CIELab to sRGB, and gray P-Values (PS3.3 C.10.7.1.1)."""

from __future__ import annotations

from fastdcm.presentation.state import Lab

#: An opaque color of the output: red, green, blue from 0.0 to 1.0.
Paint = tuple[float, float, float]

#: The white of the Profile Connection Space, D50 (ICC.1), and XYZ relative to it to linear sRGB, whose
#: white is D65, by the Bradford transform (IEC 61966-2-1, ICC.1 annex E).
_D50 = (0.9642, 1.0, 0.8249)
_TO_SRGB = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)
_FROM_SRGB = (
    (0.4360747, 0.3850649, 0.1430804),
    (0.2225045, 0.7168786, 0.0606169),
    (0.0139322, 0.0971045, 0.7141733),
)


def gray_paint(p_value: int) -> Paint:
    """A gray P-Value, 0 to 65535."""
    value = min(max(p_value, 0), 65535) / 65535
    return value, value, value


def lab_paint(lab: Lab) -> Paint:
    """A color as CIELab in 16-bit values; what sRGB cannot show is clipped."""
    lightness = lab[0] / 65535 * 100
    a, b = (part / 65535 * 255 - 128 for part in lab[1:])
    fy = (lightness + 16) / 116
    xyz = tuple(
        white * _from_cube_root(f) for white, f in zip(_D50, (fy + a / 500, fy, fy - b / 200), strict=True)
    )
    red, green, blue = (_gamma(sum(m * v for m, v in zip(row, xyz, strict=True))) for row in _TO_SRGB)
    return red, green, blue


def lab_from_srgb(rgb: tuple[int, int, int]) -> Lab:
    """Red, green, blue from 0 to 65535 as CIELab in 16-bit values."""
    linear = [_linear(part / 65535) for part in rgb]
    xyz = [sum(m * v for m, v in zip(row, linear, strict=True)) for row in _FROM_SRGB]
    fx, fy, fz = (_cube_root(value / white) for value, white in zip(xyz, _D50, strict=True))
    scaled = (116 * fy - 16) / 100, (500 * (fx - fy) + 128) / 255, (200 * (fy - fz) + 128) / 255
    lightness, a, b = (min(max(round(part * 65535), 0), 65535) for part in scaled)
    return lightness, a, b


def is_gray(paint: Paint) -> bool:
    """Whether a color is the same in all channels of 8 bits."""
    return len({round(part * 255) for part in paint}) == 1


def _from_cube_root(f: float) -> float:
    return f**3 if f > 6 / 29 else (f - 4 / 29) * 3 * (6 / 29) ** 2


def _cube_root(value: float) -> float:
    return value ** (1 / 3) if value > (6 / 29) ** 3 else value / (3 * (6 / 29) ** 2) + 4 / 29


def _gamma(linear: float) -> float:
    linear = min(max(linear, 0.0), 1.0)
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
