"""Where networks learn."""

from __future__ import annotations

import torch

from gen3d_envs.errors import FieldError


def device_of(wanted: str) -> str:
    """``"auto"`` as what there is.

    Args:
        wanted: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.

    Raises:
        FieldError: it is not there.
    """
    there = torch.cuda.is_available()
    if wanted == "auto":
        return "cuda" if there else "cpu"
    if wanted.partition(":")[0] == "cuda" and not there:
        raise FieldError("device", wanted, f"is not there for PyTorch {torch.__version__}", "Use cpu or auto")
    return wanted
