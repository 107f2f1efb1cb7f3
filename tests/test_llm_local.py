"""The local backend with tiny random models: whatever the weights say, the answer follows the schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gen3d_envs.assets.generate import available
from gen3d_envs.design.designer import get_designer
from gen3d_envs.design.llm_check import narrowed, read
from gen3d_envs.design.llm_designer import LlmDesigner, Message, ModelError
from gen3d_envs.design.llm_local import LocalModel, _allowed, _draw
from gen3d_envs.design.llm_proposal import Pick, Place, decode, schema
from gen3d_envs.errors import DesignError, EngineUnavailable
from gen3d_envs.spec import SceneSpec, from_card, to_card

KNOWN = frozenset(available())
SENTENCES = ("pick up the banana", "put the red cube on the plate", "put the lemon in the bowl next to a mug")
ASKED = (Message("system", "Propose."), Message("user", "pick up the banana"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Builds the folder of a random model of 20,000 weights whose tokens are bytes; one thread is enough for those."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    pytest.importorskip("xgrammar")

    def build(seed: int = 0, context: int = 8192) -> str:
        folder = tmp_path_factory.mktemp("models") / f"tiny-{seed}"
        letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
        vocabulary = {"<s>": 0, "</s>": 1, **{letter: index for index, letter in enumerate(letters, start=2)}}
        tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[]))
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = tokenizers.decoders.ByteLevel()
        transformers.PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>"
        ).save_pretrained(folder)
        config = transformers.LlamaConfig(
            vocab_size=len(vocabulary), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
            num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=context, bos_token_id=0,
            eos_token_id=1,
        )  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = transformers.LlamaForCausalLM(config)
        model.save_pretrained(folder)
        return str(folder)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield build
    torch.set_num_threads(threads)


# ---- schema-valid, always -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.0, 1.0, 10.0])
def test_every_answer_follows_the_schema(tiny: Callable[..., str], temperature: float) -> None:
    kinds, answers = set(), set()
    model = LocalModel(tiny(), temperature)
    for seed in range(12):
        answer = model.answer(ASKED, schema(KNOWN), seed)
        proposal = decode(answer)
        assert json.dumps(json.loads(answer)) == answer, "no white space to get lost in"
        kinds.add(type(proposal.task))
        answers.add(answer)
    assert len(answers) == (1 if temperature == 0.0 else 12)
    assert temperature == 0.0 or len(kinds) == 3


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_narrowed_schema_leaves_the_model_only_what_is_open(tiny: Callable[..., str], sentence: str) -> None:
    model, reading = LocalModel(tiny(1), 1.0), read(sentence)
    for seed in range(5):
        task = decode(model.answer(ASKED, narrowed(schema(KNOWN), reading), seed)).task
        assert isinstance(task, Pick if sentence.startswith("pick") else Place)
        assert task.target.category in sentence


def test_every_design_is_a_scene_or_a_clear_error(tiny: Callable[..., str]) -> None:
    scenes: list[SceneSpec] = []
    unclear: list[str] = []
    for weights in range(2):
        chosen = LlmDesigner(LocalModel(tiny(weights), 1.0))
        for seed in range(4):
            for sentence in (*SENTENCES, "принеси мне банан"):
                try:
                    scene = chosen.design(sentence, seed)
                except DesignError as error:
                    unclear += [str(error)] if "tiny-" not in str(error) else []
                    continue
                assert from_card(to_card(scene)) == scene
                assert (scene.instruction, scene.designer) == (sentence, f"local:tiny-{weights}")
                scenes.append(scene)
    assert not unclear
    simple = [scene for scene in scenes if scene.instruction in SENTENCES[:2]]
    assert len(simple) == 16, "where the sentence says everything, random weights do no harm"
    assert all(scene.target.category in ("banana", "cube") for scene in simple)


# ---- determinism ----------------------------------------------------------------------------------------------------


def test_equal_seeds_give_equal_answers_in_another_process(tiny: Callable[..., str]) -> None:
    import torch

    folder = tiny()
    before = torch.random.get_rng_state()
    scenes = [to_card(get_designer(f"local:{folder}").design(SENTENCES[1], seed)) for seed in (4, 5, 4)]
    assert scenes[0] == scenes[2] != scenes[1]
    assert bool((torch.random.get_rng_state() == before).all()), "no global generator is touched"
    code = (
        "import sys; from gen3d_envs.design.designer import get_designer; from gen3d_envs.spec import to_card;"
        f"sys.stdout.buffer.write(to_card(get_designer('local:{folder}').design({SENTENCES[1]!r}, 4)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == scenes[0]
    assert done.stderr == b"", "no progress bars"


# ---- what cannot be used --------------------------------------------------------------------------------------------


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json"):
        get_designer(f"local:{tmp_path}").design(SENTENCES[0], 0, "widowx", 0.042)
    with pytest.raises(ModelError, match=r"config\.json"):
        get_designer("local:no/such/folder").design(SENTENCES[0], 0, "widowx", 0.042)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b'{"model_type": "no_such_type"}'),
        ("config.json", b'{"auto_map": {"AutoModelForCausalLM": "evil.Model"}, "model_type": "evil"}'),
        ("tokenizer.json", b"[]"),
        ("model.safetensors", b"\x80\x04pickled"),
        ("model.safetensors", b""),
    ],
)
def test_a_broken_folder_is_refused(tiny: Callable[..., str], name: str, content: bytes) -> None:
    folder = Path(tiny())
    (folder / name).write_bytes(content)
    (folder / "evil.py").write_text("raise SystemExit('run')")
    with pytest.raises(ModelError, match="cannot be loaded"):
        LocalModel(str(folder)).answer(ASKED, schema(KNOWN), 0)


def test_pickled_weights_are_not_loaded(tiny: Callable[..., str]) -> None:
    import torch

    folder = Path(tiny())
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="cannot be loaded"):
        LocalModel(str(folder)).answer(ASKED, schema(KNOWN), 0)


def test_a_short_context_is_a_clear_error(tiny: Callable[..., str]) -> None:
    folder = tiny(context=64)
    with pytest.raises(ModelError, match="context of 64 tokens"):
        LocalModel(folder).answer(ASKED * 4, schema(KNOWN), 0)
    with pytest.raises(DesignError, match="cut off"):
        LocalModel(folder).answer(ASKED[1:], schema(KNOWN), 0)


@pytest.mark.parametrize("library", ["torch", "transformers", "xgrammar"])
def test_a_missing_library_names_the_extra(tmp_path: Path, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    if library != "torch":
        pytest.importorskip("torch")
    if library == "xgrammar":
        pytest.importorskip("transformers")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(EngineUnavailable, match=r"gen3d-envs\[llm\]") as caught:
        get_designer(f"local:{tmp_path}").design(SENTENCES[0], 0, "widowx", 0.042)
    assert library in str(caught.value)


@pytest.mark.parametrize("temperature", [-0.1, float("nan"), float("inf")])
def test_a_temperature_out_of_range_is_refused(temperature: float) -> None:
    with pytest.raises(DesignError, match="temperature"):
        LocalModel("x", temperature)


# ---- drawing tokens -------------------------------------------------------------------------------------------------


def test_bits_of_a_mask_are_tokens() -> None:
    mask = np.array([[0b101, -1]], dtype=np.int32)
    assert _allowed(mask, 40).tolist() == [0, 2, *range(32, 40)]


def test_tokens_are_drawn_by_the_softmax_of_what_is_allowed() -> None:
    logits: Any = np.log(np.array([0.1, 0.6, 0.3, 9.0]))
    rng = np.random.default_rng(0)
    drawn = [_draw(logits, np.array([0, 1, 2]), 1.0, rng) for _ in range(4000)]
    shares = [drawn.count(token) / len(drawn) for token in range(4)]
    assert shares == pytest.approx([0.1, 0.6, 0.3, 0.0], abs=0.03)
    assert _draw(logits, np.array([0, 2]), 0.0, rng) == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_broken_logits_still_give_an_allowed_token(bad: float) -> None:
    rng = np.random.default_rng(0)
    assert _draw(np.full(5, bad), np.array([1, 3]), 1.0, rng) in (1, 3)
