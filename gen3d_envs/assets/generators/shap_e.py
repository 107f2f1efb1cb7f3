"""Assets from Shap-E (Jun and Nichol, 2023) through diffusers: text to a coloured mesh, some minutes on a CPU."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from gen3d_envs.assets.asset import Asset
from gen3d_envs.assets.generators.base import prompt_of
from gen3d_envs.assets.generators.foreign import Source, fitted
from gen3d_envs.assets.mesh_file import MAX_FACES, RawMesh
from gen3d_envs.errors import AssetError, EngineUnavailable
from gen3d_envs.spec import ObjectSpec

HUB_NAME = "openai/shap-e"
STEPS = 64
GUIDANCE = 15.0
"""Steps and guidance of the model's own example."""


class ShapE:
    """Runs a Shap-E pipeline for each asset.

    Args:
        path: a local folder as ``save_pretrained`` writes it, or a name on the hub; the weights must be safetensors.
        steps: denoising steps.
        pipeline: an already loaded pipeline, used instead of ``path``.

    Raises:
        EngineUnavailable: the extra ``shape`` is not installed.
        AssetError: nothing that can be loaded is at ``path``.
    """

    def __init__(self, path: str = HUB_NAME, steps: int = STEPS, pipeline: Any = None) -> None:
        self._pipeline = load(path) if pipeline is None else pipeline
        self._steps = steps
        self.name = "shap-e"

    def __call__(self, spec: ObjectSpec, seed: int) -> Asset:
        """Sample a mesh; as :meth:`~.base.AssetGenerator.__call__`. Equal bits on equal hardware and libraries."""
        import torch

        # On the CPU, so that the noise does not depend on the device.
        noise = torch.Generator("cpu").manual_seed(seed % 2**63)
        try:
            output = self._pipeline(
                prompt_of(spec), generator=noise, guidance_scale=GUIDANCE, num_inference_steps=self._steps,
                output_type="mesh",
            ).images[0]  # fmt: skip
        except (RuntimeError, ValueError) as error:
            problem = f"makes no mesh of it ({str(error).splitlines()[0][:160]})"
            raise AssetError(self.name, spec.description, problem, "Try another seed") from error
        return fitted(_raw(output), spec, Source("made by shap-e", up_axis="z"))


@lru_cache(maxsize=2)
def load(path: str) -> Any:
    """The pipeline at a path or hub name, once per process."""
    try:
        from diffusers import ShapEPipeline
    except ImportError:
        raise EngineUnavailable(
            "Shap-E needs diffusers and transformers. Install the extra: pip install 'gen3d-envs[shape]'."
        ) from None
    try:
        pipeline = ShapEPipeline.from_pretrained(path, use_safetensors=True)
    except Exception as error:  # the hub's client raises some twenty kinds
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise AssetError(
            "assets", f"shap-e:{path}", f"cannot be loaded ({reason})", "Give the folder of a saved Shap-E pipeline"
        ) from None
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _raw(output: Any) -> RawMesh:
    """The decoder's vertices, faces and colours (0-1) as a mesh."""
    vertices = output.verts.detach().cpu().numpy().astype(np.float64)
    faces = output.faces.detach().cpu().numpy().astype(np.int64)
    channels = [output.vertex_channels[name].detach().cpu().numpy() for name in "RGB"]
    if not 4 <= len(faces) <= MAX_FACES:
        raise AssetError("shap-e", len(faces), "is no usable number of faces", "Try another seed")
    linear = np.clip(np.stack(channels, axis=1).astype(np.float64), 0.0, 1.0)
    # The decoder gives linear light; assets are sRGB (IEC 61966-2-1).
    colors = 255.0 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return RawMesh(vertices, faces, colors, True, ((0, len(faces)),))
