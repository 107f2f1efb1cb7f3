"""pi0 (Black et al. 2024, arXiv:2410.24164) behind the interface of :class:`gen3d_envs.baselines.vla.model.FlowVLA`.

The network is transformers' own ``PI0ForConditionalGeneration``. Its time runs from 1 (noise) to 0 (actions) and it
regresses ``noise - action``; here time runs the other way, so its time is ``1 - t`` and our velocity is minus its own.
The picture and the words go through the vision-language model once; each step of the flow runs only the expert.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import PI0ForConditionalGeneration

from gen3d_envs.errors import FieldError

from .model import Inputs
from .pi0_config import Pi0VLAConfig

NO_TOKEN = -1
"""Fills an instruction's row of tokens; no tokenizer gives it."""


@dataclass(frozen=True)
class Pi0Seen:
    """What the vision-language model made of a batch.

    Attributes:
        cache: keys and values of every layer, read only.
        mask: ``(B, tokens)``, 1 where there is something to attend to.
        state: ``(B, max_state_dim)`` normalised proprioception behind zeros.
        features: ``(B, F)`` float32 for other heads: the mean of the last layer, normalised, and the proprioception.
    """

    cache: Any
    mask: Tensor
    state: Tensor
    features: Tensor


class Pi0VLA(nn.Module):
    """The policy. Actions inside are normalised: ``(action - mean) / std``, flattened to ``chunk * action_dim``.

    The expert gets ``chunk`` action tokens, however many it was trained with: its weights do not depend on their
    number. Of each token the first ``action_dim`` numbers are ours. The rest were actions of zero in its training;
    here they start from no noise, so they stay at zero all the way.

    Args:
        config: what to remember.
        network: with its weights; its ``chunk_size`` becomes ours.
        tokenizer: of its language model.

    Raises:
        FieldError: the network has no room for the actions or the proprioception, or the words of the tokenizer are
            not in its table.
    """

    def __init__(self, config: Pi0VLAConfig, network: PI0ForConditionalGeneration, tokenizer: Tokenizer) -> None:
        super().__init__()
        inner: Any = network.config
        for name, need, room in (
            ("max_action_dim", config.action_dim, inner.max_action_dim),
            ("max_state_dim", len(config.proprio_mean), inner.max_state_dim),
        ):
            if need > room:
                raise FieldError(name, room, f"has no room for {need} numbers", "Use a network with more")
        table = inner.vlm_config.text_config.vocab_size
        if tokenizer.get_vocab_size() > table:
            raise FieldError(
                "tokenizer", tokenizer.get_vocab_size(), f"knows more words than the network's {table}",
                "Use the tokenizer that the network was trained with",
            )  # fmt: skip
        inner.chunk_size = config.chunk
        # The expert never reads words; its table of them would be a quarter of a billion numbers.
        network.model.dit.embed_tokens = nn.Identity()
        self.config, self.network, self.tokenizer = config, network, tokenizer
        self.size = config.chunk * config.action_dim
        self.seen_size = inner.vlm_config.text_config.hidden_size + len(config.proprio_mean)
        vision = inner.vlm_config.vision_config
        self.image_size: int = vision.image_size
        self.patches: int = (vision.image_size // vision.patch_size) ** 2

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        found = self.network.action_out_proj.weight.device
        assert isinstance(found, torch.device)
        return found

    @property
    def vlm(self) -> nn.Module:
        """The vision-language model, without the expert."""
        found = self.network.model.vlm
        assert isinstance(found, nn.Module)
        return found

    @property
    def given(self) -> list[str]:
        """Names of what stays as it came, and need not be kept with a training: what adapters stand on."""
        names = self.state_dict() if self.config.lora_rank else ()
        return [name for name in names if name.startswith("network.model.vlm.") and "lora_" not in name]

    def train_eyes(self, on: bool) -> None:
        """Whether the vision-language model learns, too; where it has adapters, these."""
        for name, parameter in self.vlm.named_parameters():
            parameter.requires_grad_(on and ("lora_" in name or not self.config.lora_rank))

    def head(self) -> Pi0VLA:
        """A frozen copy of everything, which takes as much memory again."""
        return copy.deepcopy(self).requires_grad_(False)

    def look(self, obs: Mapping[str, Tensor]) -> Inputs:
        """All there is to look at; both parts of the network look by themselves."""
        return Inputs(obs["pixels"], obs["proprio"], obs["tokens"])

    def understand(self, looked: Inputs, proprio: Tensor) -> Pi0Seen:
        """:meth:`encode`."""
        return self.encode(looked)

    def words(self, instruction: str) -> Tensor:
        """Tokens of an instruction, ``(text_length,)`` int32, :data:`NO_TOKEN` where there is none.

        As openpi has them: beginning, text without line breaks and underscores, line break.
        """
        cleaned = " ".join(instruction.replace("_", " ").split())
        inner: Any = self.network.config
        text = inner.vlm_config.text_config
        begin = [] if text.bos_token_id is None else [text.bos_token_id]
        end = self.tokenizer.encode("\n", add_special_tokens=False).ids
        room = max(0, self.config.text_length - len(begin) - len(end))
        said = self.tokenizer.encode(cleaned, add_special_tokens=False).ids[:room] if cleaned else []
        row = torch.full((self.config.text_length,), NO_TOKEN, dtype=torch.int32)
        ids = [*begin, *said, *end][: self.config.text_length]
        row[: len(ids)] = torch.tensor(ids, dtype=torch.int32)
        return row

    def encode(self, inputs: Inputs) -> Pi0Seen:
        """Run the vision-language model.

        Args:
            inputs: ``tokens`` are rows of :meth:`words`.
        """
        network: Any = self.network
        inner = network.config
        count, cameras = inputs.pixels.shape[:2]
        pictures = fit(inputs.pixels.flatten(0, 1), self.image_size).to(self._dtype(self.vlm))
        text = inputs.tokens.long()
        said = text != NO_TOKEN
        image = torch.full((count, cameras * self.patches), inner.vlm_config.image_token_id, device=text.device)
        ids = torch.cat([image, text.masked_fill(~said, 0)], 1)
        mask = torch.cat([torch.ones_like(image), said.long()], 1)
        shown = torch.ones((count, cameras), dtype=torch.bool, device=text.device)
        embedded = network.model.embed_prefix(ids, pictures.unflatten(0, (count, cameras)), shown)
        found = network.model.vlm(
            inputs_embeds=embedded, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0),
            token_type_ids=torch.zeros_like(ids), use_cache=True,
        )  # fmt: skip
        dtype = self._dtype(network.model.dit)
        cache = found.past_key_values
        for layer in cache.layers:
            layer.keys, layer.values, layer.dtype = layer.keys.to(dtype), layer.values.to(dtype), dtype
        mean, std = self._like(self.config.proprio_mean), self._like(self.config.proprio_std)
        proprio = ((inputs.proprio - mean) / std).clamp(-5.0, 5.0)
        state = functional.pad(proprio, (0, inner.max_state_dim - proprio.shape[1])).to(dtype)
        weights = mask[..., None].float() / mask.sum(1).float()[:, None, None]
        middle = (found.last_hidden_state.float() * weights).sum(1)
        middle = functional.layer_norm(middle, middle.shape[1:])
        return Pi0Seen(cache, mask, state, torch.cat([middle, proprio], 1))

    def velocity(self, x: Tensor, time: Tensor, seen: Pi0Seen) -> Tensor:
        """Direction from noise to actions, ``(B, size)`` float32, by the expert alone."""
        network, config = self.network, self.config
        room = network.config.max_action_dim - config.action_dim
        noise = functional.pad(x.view(len(x), config.chunk, config.action_dim), (0, room))
        dtype = self._dtype(network.model.dit)
        found = network(
            state=seen.state, noise=noise.to(dtype), timestep=1.0 - time.float(), attention_mask=seen.mask,
            past_key_values=_readable(seen.cache),
        )  # fmt: skip
        return -found.logits[..., : config.action_dim].flatten(1).float()

    def along(self, flows: Tensor, seen: Pi0Seen) -> Tensor:
        """Velocities of flows ``(B, K, size)`` at their ``K`` steps, one after the other: the cache serves them all."""
        rows, count, _ = flows.shape
        time = torch.arange(count, device=flows.device) / count
        steps = [self.velocity(flows[:, k], time[k].expand(rows), seen) for k in range(count)]
        return torch.stack(steps, 1)

    def decode(self, x: Tensor) -> Tensor:
        """``(B, size)`` at the end of the flow to actions ``(B, chunk, action_dim)`` in [-1, 1]."""
        chunk = x.view(len(x), self.config.chunk, self.config.action_dim)
        actions = chunk * self._like(self.config.action_std) + self._like(self.config.action_mean)
        return actions.clamp(-1.0, 1.0)

    def normalise(self, actions: Tensor) -> Tensor:
        """Actions ``(B, chunk, action_dim)`` to ``(B, size)``: the inverse of :meth:`decode` inside the bounds."""
        return ((actions - self._like(self.config.action_mean)) / self._like(self.config.action_std)).flatten(1)

    @torch.no_grad()
    def plan(self, inputs: Inputs, steps: int | None = None, start: Tensor | None = None) -> Tensor:
        """The chunk at the end of the flow from no noise at all, or from ``start``.

        Args:
            inputs: what is seen.
            steps: Euler steps; the configuration's where None.
            start: of the flow, ``(B, size)``.

        Returns:
            ``(B, chunk, action_dim)`` in [-1, 1].
        """
        seen = self.encode(inputs)
        count = self.config.flow_steps if steps is None else steps
        x = torch.zeros(len(seen.mask), self.size, device=seen.mask.device) if start is None else start
        for step in range(count):
            x = x + self.velocity(x, torch.full((len(x),), step / count, device=x.device), seen) / count
        return self.decode(x)

    def forward(self, pixels: Tensor, proprio: Tensor, tokens: Tensor) -> Tensor:
        """:meth:`plan`, for whoever calls a model."""
        return self.plan(Inputs(pixels, proprio, tokens))

    def save_pretrained(self, save_directory: Any) -> None:
        """Write a folder: everything, or with adapters only these and the expert."""
        from .pi0_files import save_pi0

        save_pi0(self, save_directory)

    def _like(self, values: list[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self.device)

    def _dtype(self, module: nn.Module) -> torch.dtype:
        # Adapters are kept in float32; what surrounds them decides.
        return next(p.dtype for name, p in module.named_parameters() if "lora_" not in name)


def fit(pixels: Tensor, size: int) -> Tensor:
    """Pictures at the network's size: the rule of :func:`gen3d_envs.baselines.policies.observations.resize`, batched.

    Args:
        pixels: ``(N, 3, H, W)`` uint8.
        size: wanted, pixels.

    Returns:
        ``(N, 3, size, size)`` float32 in [-1, 1]; black where a picture of other proportions leaves room.
    """
    rows, columns = pixels.shape[-2:]
    x = pixels.float()
    if (rows, columns) != (size, size):
        ratio = max(rows, columns) / size
        height, width = max(1, int(rows / ratio)), max(1, int(columns / ratio))
        x = functional.interpolate(x, (height, width), mode="bilinear", antialias=True).round().clamp(0.0, 255.0)
        top, left = (size - height) // 2, (size - width) // 2
        x = functional.pad(x, (left, size - width - left, top, size - height - top))
    return x / 127.5 - 1.0


def _readable(cache: Any) -> Any:
    """A cache over the same tensors that may grow: growing makes new tensors and leaves these as they are."""
    found = copy.copy(cache)
    found.layers = [copy.copy(layer) for layer in cache.layers]
    return found
