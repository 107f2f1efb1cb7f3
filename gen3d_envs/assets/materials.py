"""Materials and colours that objects are made of.

Densities are typical handbook figures (Ashby, *Materials Selection in Mechanical Design*, appendix C; for food the
FAO/INFOODS Density Database 2.0 and Mohsenin, *Physical Properties of Plant and Animal Materials*). They are densities
of the solid; what is hollow or porous inside is a ``fill`` factor in the builder of the object.

Friction is a Coulomb coefficient per body which the engine multiplies with the other body's. The handbook figures (e.g.
wood on wood 0.25-0.5, rubber on dry surfaces 0.6-1.0, steel on steel 0.5-0.8 dry, plastics 0.2-0.4) are for pairs, so a
material's own figure here is the pair's figure divided by 0.6, the coefficient of the table, rounded to 0.05.
"""

from __future__ import annotations

from dataclasses import dataclass

from gen3d_envs.errors import FieldError

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Material:
    """What a part is made of.

    Attributes:
        name: key in :data:`MATERIALS`.
        density_kgm3: density of the solid.
        friction: Coulomb coefficient of the body.
        colors: colours it comes in unpainted; empty where it is dyed in any colour its object comes in.
    """

    name: str
    density_kgm3: float
    friction: float
    colors: tuple[str, ...] = ()


MATERIALS: dict[str, Material] = {
    material.name: material
    for material in (
        Material("wood", 650.0, 0.7, ("tan", "brown", "beige")),
        Material("bamboo", 700.0, 0.7, ("tan", "beige")),
        Material("ceramic", 2300.0, 0.6),
        Material("stoneware", 2200.0, 0.65),
        Material("clay", 1900.0, 0.75, ("terracotta",)),
        Material("plastic", 1050.0, 0.55),
        Material("rubber", 1150.0, 0.95),
        Material("silicone", 1100.0, 0.9),
        Material("steel", 7850.0, 0.6, ("silver", "gray")),
        Material("iron", 7200.0, 0.65, ("black", "charcoal")),
        Material("aluminium", 2700.0, 0.6, ("silver",)),
        Material("painted_metal", 2700.0, 0.55),
        Material("brass", 8500.0, 0.55, ("gold",)),
        Material("cardboard", 690.0, 0.65, ("tan", "kraft")),
        Material("paper", 800.0, 0.65),
        Material("foam", 150.0, 0.8),
        Material("sponge", 45.0, 0.85),
        Material("felt", 200.0, 0.8),
        Material("fabric", 400.0, 0.8),
        Material("leather", 860.0, 0.75, ("brown", "black")),
        Material("cork", 180.0, 0.8, ("tan",)),
        Material("wicker", 450.0, 0.7, ("tan", "brown", "beige")),
        Material("stone", 2600.0, 0.75, ("gray", "charcoal")),
        Material("brick_clay", 1900.0, 0.8, ("terracotta",)),
        Material("wax", 900.0, 0.6),
        Material("soap", 1020.0, 0.6),
        Material("fruit", 950.0, 0.65),
        Material("vegetable", 980.0, 0.65),
        Material("leafy", 400.0, 0.7),
        Material("bread", 270.0, 0.75),
        Material("eggshell", 1080.0, 0.6),
    )
}
"""Materials by name."""

REFUSED_MATERIALS = {"glass": "transparent things are not drawn", "crystal": "transparent things are not drawn"}
"""Names that people use, and why they are not offered."""

COLORS: dict[str, Rgb] = {
    "red": (200, 38, 38),
    "green": (52, 150, 62),
    "blue": (42, 88, 200),
    "yellow": (242, 206, 46),
    "orange": (240, 130, 32),
    "purple": (118, 58, 160),
    "pink": (238, 130, 170),
    "brown": (118, 74, 42),
    "black": (34, 34, 37),
    "white": (240, 240, 236),
    "gray": (132, 134, 138),
    "beige": (222, 202, 168),
    "tan": (200, 158, 108),
    "teal": (20, 128, 128),
    "navy": (28, 42, 96),
    "maroon": (122, 26, 40),
    "olive": (122, 124, 48),
    "cyan": (52, 196, 216),
    "gold": (212, 170, 62),
    "silver": (190, 194, 200),
    "turquoise": (62, 200, 184),
    "cream": (246, 234, 202),
    "lime": (158, 212, 52),
    "magenta": (206, 44, 144),
    "lavender": (180, 158, 222),
    "charcoal": (66, 68, 72),
    "terracotta": (190, 96, 66),
    "kraft": (182, 142, 98),
    "violet": (138, 84, 196),
    "light_blue": (136, 186, 232),
    "dark_green": (26, 92, 48),
}
"""sRGB of every colour name, 0-255."""


def material(name: str, field: str = "material") -> Material:
    """The material called ``name``.

    Raises:
        FieldError: no such material, or one that cannot be shown.
    """
    if name in REFUSED_MATERIALS:
        raise FieldError(field, name, REFUSED_MATERIALS[name], "Use plastic, ceramic or another opaque material")
    if name not in MATERIALS:
        raise FieldError(field, name, "is no known material", f"Use one of {', '.join(MATERIALS)}")
    return MATERIALS[name]


def color(name: str, field: str = "color") -> Rgb:
    """The sRGB colour called ``name``.

    Raises:
        FieldError: no such colour.
    """
    if name not in COLORS:
        raise FieldError(field, name, "is no known colour", f"Use one of {', '.join(COLORS)}")
    return COLORS[name]
