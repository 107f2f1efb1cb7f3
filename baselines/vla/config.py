"""What a FlowVLA is made of, and everything it must remember to be used rightly."""

from __future__ import annotations

import math
from dataclasses import field
from typing import Any

import gymnasium
from transformers import PretrainedConfig

from gen3d_envs.contract import Contract, contract_from_json, contract_of, require_same
from gen3d_envs.errors import ContractError, FieldError

MODEL_TYPE = "gen3d_flow_vla"

SIZES: dict[str, dict[str, Any]] = {
    "micro": {"channels": [8, 8, 8, 16], "text_width": 16, "hidden": 32, "layers": 1},
    "tiny": {"channels": [16, 32, 48, 96], "text_width": 64, "hidden": 384, "layers": 3},
    "small": {"channels": [24, 48, 96, 160], "text_width": 128, "hidden": 640, "layers": 4},
}
"""Widths by name: ``micro`` for tests, ``tiny`` (2.0 M parameters) for a CPU, ``small`` for more."""

IGNORED = ("horizon_steps",)
"""What may differ between training and use: the policy has no memory, so the length of an episode is nothing to it."""


class ContractConfig(PretrainedConfig):
    """A configuration that remembers what environments its policy was made for."""

    contract: str = ""
    proprio_mean: list[float] = field(default_factory=lambda: [0.0] * 7)
    proprio_std: list[float] = field(default_factory=lambda: [1.0] * 7)
    action_mean: list[float] = field(default_factory=lambda: [0.0] * 7)
    action_std: list[float] = field(default_factory=lambda: [1.0] * 7)

    @property
    def action_dim(self) -> int:
        """Numbers of one action."""
        return len(self.action_mean)

    def made_for(self) -> Contract:
        """The contract of the training.

        Raises:
            ContractError: the checkpoint holds none.
        """
        if not self.contract:
            raise ContractError("contract", "", "is not in the checkpoint", "Use one that training wrote")
        return contract_from_json(self.contract)

    def require_statistics(self, *names: str) -> None:
        """Refuse statistics that are none of data.

        Args:
            names: ``"proprio"`` for ``proprio_mean`` and ``proprio_std``.

        Raises:
            ValueError: of different lengths, not finite, or a deviation that is not above 0.
        """
        for name in names:
            mean, std = getattr(self, f"{name}_mean"), getattr(self, f"{name}_std")
            if len(mean) != len(std) or not all(map(math.isfinite, (*mean, *std))) or not min(std) > 0.0:
                raise ValueError(f"{name}_mean {mean} and {name}_std {std} are no statistics of data")

    def require(self, env: gymnasium.Env[Any, Any]) -> None:
        """Refuse an environment whose numbers mean something else.

        Raises:
            ContractError: with one line per difference.
        """
        require_same(self.made_for(), contract_of(env), IGNORED)


GRIP = (0.09, 0.93)
"""Where the expert carried an unknown thing, its hand's opening was in between in 90 % of the frames; where the hand
was empty, in 0.5 %."""


FROM_ABOVE = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
"""The projection along z that shows x to the right and y downwards, a metre to each side."""


class FlowVLAConfig(ContractConfig):
    """Configuration of :class:`gen3d_envs.baselines.vla.model.FlowVLA`.

    Attributes:
        channels: of the convolutions, level by level.
        text_width: numbers per word.
        hidden, layers: of the flow network.
        chunk: control steps that are planned at once.
        flow_steps: Euler steps from noise to actions when acting.
        grip: openings of the gripper, 0 to 1, between which a thing is held, which is then where the tool is; where
            empty, a thing is where the picture tells, in the hand or not.
        mirrored: whether left and right are alike to it: of a mirrored scene it makes the mirrored thing.
        contract: :meth:`gen3d_envs.contract.Contract.to_json` of the environment it was trained in; empty: not trained.
        proprio_mean, proprio_std, action_mean, action_std: statistics of the training data.
        projection: three rows of four numbers that turn x, y, z (m, in the robot's base frame) and 1 into right, down
            (-1 to 1 in the first picture) and 1, up to a factor: where the first camera stands. Learning to see finds
            it; until then it looks down from far above.
        label_mean, label_std: of the places that it is also trained to tell, see :data:`labels.PLACES`.
        weights_sha256: of the file of the weights that it was saved with; empty where that is not known.
    """

    model_type = MODEL_TYPE

    channels: list[int] = field(default_factory=lambda: [16, 32, 48, 96])
    text_width: int = 64
    hidden: int = 384
    layers: int = 3
    chunk: int = 4
    flow_steps: int = 4
    cameras: int = 1
    grip: list[float] = field(default_factory=list)
    mirrored: bool = False
    projection: list[float] = field(default_factory=lambda: [*FROM_ABOVE])
    label_mean: list[float] = field(default_factory=lambda: [0.3, 0.0, 0.0, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0])
    label_std: list[float] = field(default_factory=lambda: [0.1, 0.1, 0.1, 1.0, 1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    weights_sha256: str = ""


def make_config(size: str, contract: Contract, chunk: int = 4, flow_steps: int = 4) -> FlowVLAConfig:
    """The configuration of a new policy for environments of a contract.

    Raises:
        FieldError: an unknown size, or a contract without pictures or without ``agent_pos``.
    """
    if size not in SIZES:
        raise FieldError("size", size, "is not known", f"Use one of {', '.join(SIZES)}")
    if contract.obs_type != "pixels_agent_pos":
        raise FieldError("obs_type", contract.obs_type, "is not what this policy sees", "Use 'pixels_agent_pos'")
    for name, value in (("chunk", chunk), ("flow_steps", flow_steps)):
        if not 1 <= value <= 64:
            raise FieldError(name, value, "is out of range", "Give a whole number from 1 to 64")
    count = len(contract.action.labels)
    return FlowVLAConfig(
        **SIZES[size], chunk=chunk, flow_steps=flow_steps, cameras=len(contract.pictures), grip=list(GRIP),
        mirrored=contract.action.kind == "ee_delta", contract=contract.to_json(),
        action_mean=[0.0] * count, action_std=[1.0] * count,
        proprio_mean=[0.0] * contract.vectors[0].size, proprio_std=[1.0] * contract.vectors[0].size,
    )  # fmt: skip
