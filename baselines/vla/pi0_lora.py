"""Adapters on pi0's vision-language model, so that three billion parameters can be fine-tuned by a few million."""

from __future__ import annotations

import hashlib

import torch

from gen3d_envs.errors import EngineUnavailable, FieldError

from .pi0 import Pi0VLA

TARGETS = (
    r"(language_model|vision_tower)\..*\.(q_proj|k_proj|v_proj|o_proj|out_proj|gate_proj|up_proj|down_proj|fc1|fc2)"
)
"""Layers of the vision-language model that get adapters, as a regular expression for peft."""


def add_lora(model: Pi0VLA, rank: int = 32, alpha: int | None = None) -> None:
    """Put adapters (LoRA, Hu et al. 2021, arXiv:2106.09685) on the vision-language model and freeze the rest of it.

    The expert and all that leads into and out of it stay trainable in full.

    Args:
        model: changed in place; it must not have adapters.
        rank: of the adapters.
        alpha: their scale is ``alpha / rank``; the rank where None.

    Raises:
        FieldError: it has adapters already, or a rank below 1.
        EngineUnavailable: peft is not installed.
    """
    if model.config.lora_rank:
        raise FieldError("lora_rank", model.config.lora_rank, "adapters are there already", "Add them once")
    if rank < 1:
        raise FieldError("rank", rank, "is no rank", "Give at least 1; 32 is usual")
    model.config.base_sha256 = fingerprint(model)
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise EngineUnavailable("Adapters need peft: pip install 'gen3d-envs[baselines]'") from None
    scale = rank if alpha is None else alpha
    for parameter in model.vlm.parameters():
        parameter.requires_grad_(False)
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=scale, target_modules=TARGETS), model.vlm)
    for name, parameter in model.vlm.named_parameters():
        if "lora_" in name:
            parameter.data = parameter.data.float()
    model.config.lora_rank, model.config.lora_alpha = rank, scale


def merge_lora(model: Pi0VLA) -> None:
    """Add the adapters to the weights they stand beside and remove them, so that a folder needs no base any more."""
    if not model.config.lora_rank:
        return
    from peft.tuners.lora import LoraLayer

    for name, module in list(model.vlm.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge()
            model.vlm.set_submodule(name, module.get_base_layer())
    for parameter in model.vlm.parameters():
        parameter.requires_grad_(True)
    model.config.lora_rank = model.config.lora_alpha = 0
    model.config.base_sha256 = ""


def fingerprint(model: Pi0VLA) -> str:
    """SHA-256 over names, shapes and beginnings of the vision-language model's weights, adapters left out.

    The same whether it was loaded as float32 or bfloat16.
    """
    sha = hashlib.sha256()
    for name, tensor in sorted(model.vlm.state_dict().items()):
        if "lora_" not in name:
            plain = name.replace(".base_layer.", ".")
            begin = tensor.detach().flatten()[:256].to("cpu", torch.bfloat16).view(torch.int16).numpy()
            sha.update(f"{plain} {tuple(tensor.shape)}\n".encode() + begin.astype("<i2").tobytes())
    return sha.hexdigest()
