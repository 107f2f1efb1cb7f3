"""What a pi0 that acts in Gen3D must remember beside its network."""

from __future__ import annotations

from transformers import PI0Config

from gen3d_envs.contract import Contract
from gen3d_envs.errors import FieldError

from .config import ContractConfig

MODEL_TYPE = "gen3d_pi0"

TEXT_LENGTH = 48
"""Tokens of an instruction, with its beginning and end: what pi0 was trained with."""


def network_config(
    width: int, layers: int, expert: int, vocabulary: int = 257_152, image: int = 224, patch: int = 14,
    vision: int | None = None, vision_layers: int | None = None, head: int = 16,
) -> PI0Config:  # fmt: skip
    """A PI0 of any size, with pi0's proportions.

    Args:
        width: of the language model.
        layers: of the language model and of the expert, which reads their keys and values one by one.
        expert: width of the action expert.
        vocabulary: rows of the table of words.
        image: pixels of a picture's side.
        patch: pixels of a patch's side.
        vision: width of the vision tower; the language model's where None.
        vision_layers: of the vision tower; the language model's where None.
        head: width of an attention head, the same in both, as they share keys and values.
    """
    heads = max(1, width // head)
    seeing = width if vision is None else vision
    text = {
        "model_type": "gemma", "hidden_size": width, "num_hidden_layers": layers, "intermediate_size": 4 * width,
        "num_attention_heads": heads, "num_key_value_heads": 1, "head_dim": head, "vocab_size": vocabulary,
    }  # fmt: skip
    look = {
        "model_type": "siglip_vision_model", "hidden_size": seeing, "intermediate_size": 4 * seeing,
        "num_hidden_layers": layers if vision_layers is None else vision_layers, "patch_size": patch,
        "num_attention_heads": max(1, seeing // head), "image_size": image, "vision_use_head": False,
    }  # fmt: skip
    act = {
        "model_type": "gemma", "hidden_size": expert, "num_hidden_layers": layers, "intermediate_size": 4 * expert,
        "num_attention_heads": heads, "num_key_value_heads": 1, "head_dim": head,
    }  # fmt: skip
    vlm = {
        "model_type": "paligemma", "text_config": text, "vision_config": look, "projection_dim": width,
        "image_token_id": vocabulary,
    }  # fmt: skip
    return PI0Config(vlm_config=vlm, dit_config=act)


class Pi0VLAConfig(ContractConfig):
    """Configuration of :class:`gen3d_envs.baselines.vla.pi0.Pi0VLA`; the network's own stands beside its weights.

    Attributes:
        chunk: control steps that are planned at once; the expert gets so many action tokens.
        flow_steps: Euler steps from noise to actions when acting.
        cameras: pictures of an observation.
        text_length: tokens of an instruction.
        contract: :meth:`gen3d_envs.contract.Contract.to_json` of the environment it is made for.
        proprio_mean, proprio_std, action_mean, action_std: statistics of the training data.
        lora_rank, lora_alpha: of the adapters on the vision-language model; 0: none.
        base: folder or hub name of the network that the adapters change; empty where the weights are all here.
        base_sha256: fingerprint of its vision-language model.
    """

    model_type = MODEL_TYPE

    chunk: int = 4
    flow_steps: int = 10
    cameras: int = 1
    text_length: int = TEXT_LENGTH
    lora_rank: int = 0
    lora_alpha: int = 0
    base: str = ""
    base_sha256: str = ""


def make_pi0_config(
    contract: Contract, chunk: int = 4, flow_steps: int = 10, text_length: int = TEXT_LENGTH
) -> Pi0VLAConfig:
    """The configuration of a pi0 for environments of a contract. Its statistics are those of numbers left as they are.

    Raises:
        FieldError: a contract without pictures or without ``agent_pos``, or a number out of range.
    """
    if contract.obs_type != "pixels_agent_pos":
        raise FieldError("obs_type", contract.obs_type, "is not what this policy sees", "Use 'pixels_agent_pos'")
    for name, value, most in (("chunk", chunk, 64), ("flow_steps", flow_steps, 64), ("text_length", text_length, 512)):
        if not 1 <= value <= most:
            raise FieldError(name, value, "is out of range", f"Give a whole number from 1 to {most}")
    count, size = len(contract.action.labels), contract.vectors[0].size
    return Pi0VLAConfig(
        chunk=chunk, flow_steps=flow_steps, text_length=text_length, cameras=len(contract.pictures),
        contract=contract.to_json(), action_mean=[0.0] * count, action_std=[1.0] * count,
        proprio_mean=[0.0] * size, proprio_std=[1.0] * size,
    )  # fmt: skip
