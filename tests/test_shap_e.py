"""Shap-E as a generator, with a tiny random pipeline built on the spot: no weights are downloaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("skimage")

from gen3d_envs.assets import quality  # noqa: E402
from gen3d_envs.assets.generators import get_generator  # noqa: E402
from gen3d_envs.assets.generators.shap_e import ShapE, load  # noqa: E402
from gen3d_envs.errors import AssetError  # noqa: E402
from gen3d_envs.spec import ObjectSpec  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
"""diffusers and transformers warn of each other's age."""


def potato(seed: int = 0) -> ObjectSpec:
    return ObjectSpec(name="thing", role="target", category="potato", description="brown potato", seed=seed)


def tiny(folder: Path) -> Any:
    """A Shap-E pipeline of some ten thousand random weights."""
    from diffusers import HeunDiscreteScheduler, PriorTransformer, ShapEPipeline
    from diffusers.pipelines.shap_e import ShapERenderer
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=len(words), hidden_size=16, projection_dim=16, intermediate_size=37, num_attention_heads=4,
        num_hidden_layers=1, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    hidden, size = 8, (93, 8, 8, 8)
    names = tuple(f"nerstf.mlp.{k}.weight" for k in range(4))
    return ShapEPipeline(
        prior=PriorTransformer(
            num_attention_heads=2, attention_head_dim=16, embedding_dim=16, num_embeddings=32, embedding_proj_dim=16,
            time_embed_dim=64, num_layers=1, clip_embed_dim=32, additional_embeddings=0,
            time_embed_act_fn="gelu", norm_in_type="layer", encoder_hid_proj_type=None, added_emb_type=None,
        ),
        text_encoder=CLIPTextModelWithProjection(config).eval(),
        tokenizer=CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77),
        scheduler=HeunDiscreteScheduler(
            beta_schedule="exp", num_train_timesteps=64, prediction_type="sample", use_karras_sigmas=True,
            clip_sample=True, clip_sample_range=1.0,
        ),
        shap_e_renderer=ShapERenderer(
            param_names=names, param_shapes=tuple((hidden, width) for width in size), d_latent=16, d_hidden=hidden,
            n_output=12,
        ),
    )  # fmt: skip


class Decoder(torch.nn.Module):
    """Marching cubes of scikit-image on a lumpy ball: the lookup tables of the model's own are part of its weights."""

    def forward(self, field: Any, min_point: Any, size: Any) -> Any:
        from diffusers.pipelines.shap_e.renderer import MeshDecoderOutput
        from skimage.measure import marching_cubes

        values = field.detach().cpu().numpy().astype(np.float64)
        axes = np.meshgrid(*(np.linspace(-1.0, 1.0, count) for count in values.shape), indexing="ij")
        noise = np.clip((values - np.median(values)) / (values[1:-1, 1:-1, 1:-1].std() + 1e-9), -1.0, 1.0)
        ball = 0.6 - np.sqrt(axes[0] ** 2 + (1.25 * axes[1]) ** 2 + (1.4 * axes[2]) ** 2) + 0.04 * noise
        vertices, faces, _, _ = marching_cubes(np.pad(ball[1:-1, 1:-1, 1:-1], 1, constant_values=-1.0), 0.0)
        spacing = size.cpu().numpy() / (np.array(values.shape) - 1)
        points = torch.tensor(vertices * spacing + min_point.cpu().numpy(), dtype=torch.float32)
        return MeshDecoderOutput(verts=points, faces=torch.tensor(faces[:, ::-1].copy()), vertex_channels=None)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = tiny(tmp_path_factory.mktemp("tokenizer"))
    made.shap_e_renderer.mesh_decoder = Decoder()
    made.set_progress_bar_config(disable=True)
    return made


@pytest.mark.slow
def test_shap_e_makes_a_usable_thing(pipeline: Any) -> None:
    generator = ShapE(pipeline=pipeline, steps=2)
    asset = generator(potato(), 7)
    assert [result for result in quality.check(asset, potato()) if not result.passed] == []
    assert asset.category == "potato" and asset.notes[0] == "made by shap-e"
    assert generator(potato(), 7).sha256 == asset.sha256, "the same seed gives the same bits"
    assert generator(potato(), 8).sha256 != asset.sha256


def test_a_saved_pipeline_is_loaded_by_its_path(pipeline: Any, tmp_path: Path) -> None:
    saved = tiny(tmp_path)
    saved.save_pretrained(tmp_path / "saved")
    assert not list((tmp_path / "saved").rglob("*.bin")), "nothing that must be unpickled"
    loaded = load(str(tmp_path / "saved"))
    for before, after in zip(saved.prior.parameters(), loaded.prior.parameters(), strict=True):
        assert torch.equal(before, after)
    assert get_generator(f"shap-e:{tmp_path / 'saved'}").name == "shap-e"
    assert load(str(tmp_path / "saved")) is loaded, "once per process"


def test_a_path_without_a_pipeline(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="cannot be loaded"):
        get_generator(f"shap-e:{tmp_path}")


def test_a_model_that_makes_no_mesh_says_so(tmp_path: Path) -> None:
    """Random weights without lookup tables: the model's own decoder finds no face."""

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("torch.cat(): expected a non-empty list of Tensors")

    with pytest.raises(AssetError, match="makes no mesh of it"):
        ShapE(pipeline=broken)(potato(), 0)
