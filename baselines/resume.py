"""What makes a training in a folder the same one, so that it goes on there and nothing else does. No torch in here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gen3d_envs.errors import FieldError

from .vla.files import write_json

STATE = "training.safetensors"
"""In the folder of a training: all that it needs to go on."""

SETTINGS = "training.json"
"""Beside it: what was asked for."""


def begin(folder: Path, settings: Mapping[str, Any]) -> None:
    """Take a folder for a training, and refuse one that holds another.

    Args:
        folder: made where it is not there.
        settings: those that must not differ when it goes on, as JSON brings them back.

    Raises:
        FieldError: names the first setting that differs.
    """
    path = folder / SETTINGS
    if (folder / STATE).is_file():
        try:
            before = msgspec.json.decode(path.read_bytes())
        except (OSError, msgspec.DecodeError) as error:
            problem = f"cannot be read, so what {STATE} belongs to is not known ({error})"
            raise FieldError("out", str(path), problem, "Choose another folder") from None
        require_same_training(folder, before, settings)
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_json(path, settings)


def require_same_training(folder: Path, before: Any, now: Mapping[str, Any]) -> None:
    """Refuse a folder that holds a training with other settings.

    Args:
        folder: where it is.
        before: its settings, as they were stored; None where there are none.
        now: those asked for, as JSON brings them back.

    Raises:
        FieldError: names the first setting that differs.
    """
    if before == now:
        return
    name, earlier, wanted = _difference("", before, now)
    problem = f"{folder} holds another training, with {name} = {earlier!r}"
    raise FieldError(name, wanted, problem, "Choose another folder, or train with the settings of this one")


def _difference(path: str, before: Any, now: Any) -> tuple[str, Any, Any]:
    """Where two differ first, and how."""
    if isinstance(now, Mapping):
        earlier = before if isinstance(before, Mapping) else {}
        for name in dict.fromkeys((*now, *earlier)):
            if name not in earlier or name not in now or earlier[name] != now[name]:
                return _difference(f"{path}.{name}" if path else name, earlier.get(name), now.get(name))
    return path or "settings", before, now
