"""Every field there is, and randomizations read from mappings: what ``gym.make(..., randomization=...)`` takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gen3d_envs.errors import FieldError
from gen3d_envs.variations import camera, dynamics, language, layout, sensing, visual
from gen3d_envs.variations.base import Field, Randomization
from gen3d_envs.variations.values import to_literal

FIELDS: dict[str, Field] = {
    field.name: field
    for group in (layout, dynamics, visual, camera, language, sensing)
    for field in group.FIELDS
}  # fmt: skip
"""Every field by name, in the order of application: what there is comes first, then how it is seen and described."""

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(name.partition(".")[0] for name in FIELDS))
"""Names of the groups."""

PAPER: dict[str, dict[str, Any]] = {
    "layout": {
        "placement": {"position_m": 0.15, "yaw_rad": math.pi},
        "joints_rad": {"uniform": [-0.1, 0.1]},
    },
    "visual": {"ambient": {"uniform": [0.0, 0.6]}},
    "camera": {"position_m": {"uniform": [-0.05, 0.05]}},
}
"""Domain randomization of arXiv 2603.18532: object position +-0.15 m, yaw 0 to 2 pi, joints +-0.1 rad, camera position
+-0.05 m, ambient light 0 to 0.6 in each channel."""

NAMED: dict[str, dict[str, dict[str, Any]]] = {"none": {}, "paper": PAPER}
"""Randomizations that ``gym.make`` knows by name."""


def read(randomization: str | Mapping[str, Any] | None) -> dict[str, Any]:
    """Settings by field name, from a name of :data:`NAMED` or a mapping of groups to mappings of fields to settings.

    Raises:
        FieldError: an unknown name, group or field, or a setting that its field refuses; the error names the field.
    """
    if randomization is None:
        return {}
    if isinstance(randomization, str):
        if randomization not in NAMED:
            raise FieldError(
                "randomization", randomization, "is no known randomization",
                f"Use {', '.join(map(repr, NAMED))} or a mapping such as {{'dynamics': {{'mass': {{'uniform': "
                "[0.5, 2]}}}",
            )  # fmt: skip
        randomization = NAMED[randomization]
    if not isinstance(randomization, Mapping):
        raise FieldError("randomization", randomization, "is neither a name nor a mapping", "Use 'paper', or a mapping")
    settings: dict[str, Any] = {}
    for group, fields in randomization.items():
        if group not in GROUPS:
            raise FieldError("randomization", group, "is no group of fields", f"Use some of {', '.join(GROUPS)}")
        settings |= read_group(group, fields, f"randomization.{group}")
    return settings


def read_group(group: str, fields: Any, where: str) -> dict[str, Any]:
    """Settings by full field name, of one group; a field that is None is left out.

    Raises:
        FieldError: see :func:`read`.
    """
    names = [name.partition(".")[2] for name in FIELDS if name.startswith(f"{group}.")]
    if not isinstance(fields, Mapping):
        raise FieldError(where, fields, "is no mapping of fields", f"Give some of {', '.join(names)}")
    settings = {}
    for name, value in fields.items():
        if name not in names:
            raise FieldError(f"{where}.{name}", value, "is no field", f"Use some of {', '.join(names)}")
        if value is not None:
            settings[f"{group}.{name}"] = FIELDS[f"{group}.{name}"].parse(to_literal(value), f"{where}.{name}")
    return settings


def randomization_of(settings: Mapping[str, Any]) -> Randomization:
    """A randomization with these settings, see :func:`read`."""
    made = Randomization(FIELDS.values())
    made.add(dict(settings))
    return made
