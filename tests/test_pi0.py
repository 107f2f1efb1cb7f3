"""pi0 behind the interface of FlowVLA: time, pictures, words, adapters, and checkpoints that are refused."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

from gen3d_envs.baselines.policies import get_policy  # noqa: E402
from gen3d_envs.baselines.policies.observations import resize  # noqa: E402
from gen3d_envs.baselines.vla import backend, pi0_files  # noqa: E402
from gen3d_envs.baselines.vla.config import make_config  # noqa: E402
from gen3d_envs.baselines.vla.model import FlowVLA, Inputs  # noqa: E402
from gen3d_envs.baselines.vla.pi0 import NO_TOKEN, Pi0VLA, fit  # noqa: E402
from gen3d_envs.baselines.vla.pi0_config import make_pi0_config, network_config  # noqa: E402
from gen3d_envs.baselines.vla.pi0_files import load_pi0, pi0_from_base  # noqa: E402
from gen3d_envs.baselines.vla.pi0_lora import add_lora, merge_lora  # noqa: E402
from gen3d_envs.baselines.vla.text import tokens  # noqa: E402
from helpers import PICK, full_disk, make  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

from gen3d_envs.contract import make_contract  # noqa: E402
from gen3d_envs.errors import ContractError, FieldError  # noqa: E402

SMALL: dict[str, Any] = {"observation_width": 32, "observation_height": 32}
CONTRACT = make_contract(**SMALL)
WORDS = ("<pad>", "<eos>", "<bos>", "<unk>", "\n", "pick", "up", "the", "red", "cube", "cup")
SAID = ("pick up the red cube", "", "cup " * 100)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """These networks are too small to share: several threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    return made


def network(seed: int = 0, **arguments: int) -> Any:
    torch.manual_seed(seed)
    config = network_config(**{"width": 32, "layers": 2, "expert": 24, "vocabulary": 64, "image": 28, **arguments})
    return transformers.PI0ForConditionalGeneration(config).eval()


def tiny(seed: int = 0, **arguments: Any) -> Pi0VLA:
    contract = make_contract(**{**SMALL, **arguments})
    return Pi0VLA(make_pi0_config(contract, flow_steps=3), network(seed), tokenizer()).eval()


def inputs(model: Pi0VLA, *instructions: str, cameras: int = 1) -> Inputs:
    rng = np.random.default_rng(0)
    count = len(instructions)
    pixels = torch.from_numpy(rng.integers(0, 256, (count, cameras, 3, 32, 32), dtype=np.uint8))
    proprio = torch.from_numpy(rng.normal(size=(count, 7)).astype(np.float32))
    return Inputs(pixels, proprio, torch.stack([model.words(text) for text in instructions]))


def write_base(folder: Path, found: Any = None) -> Path:
    """A checkpoint as transformers writes it, with its tokenizer."""
    (network() if found is None else found).save_pretrained(folder)
    tokenizer().save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    tiny().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adapted(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Pi0VLA, Path]:
    folder = tmp_path_factory.mktemp("adapted")
    model = pi0_from_base(base, CONTRACT, flow_steps=3)
    add_lora(model, rank=4)
    shake(model)
    model.save_pretrained(folder)
    return model, folder


def shake(model: Pi0VLA) -> None:
    """Change everything that may be trained."""
    noise = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.05 * torch.randn(parameter.shape, generator=noise)


# ---- the flow ------------------------------------------------------------------------------------------------------


def test_time_runs_from_noise_to_actions_as_in_the_network_s_own_sampler() -> None:
    net = network()
    with torch.no_grad():  # the sampler lets the padding drift, which training would keep at zero
        net.action_out_proj.weight[7:] = 0.0
        net.action_out_proj.bias[7:] = 0.0
    own = copy.deepcopy(net)
    own.config.chunk_size = 4
    model = Pi0VLA(make_pi0_config(CONTRACT, flow_steps=5), net, tokenizer()).eval()
    seen = inputs(model, *SAID)
    text = seen.tokens.long()
    ids = torch.cat([torch.full((3, 4), 64), text.clamp(min=0)], 1)
    given = own.sample_actions(
        state=torch.nn.functional.pad(seen.proprio, (0, 25)), input_ids=ids,
        pixel_values=fit(seen.pixels[:, 0], 28)[:, None], noise=torch.zeros(3, 4, 32), num_steps=5,
        attention_mask=torch.cat([torch.ones(3, 4).long(), (text != NO_TOKEN).long()], 1),
        pixel_attention_mask=torch.ones(3, 1, dtype=torch.bool),
    )  # fmt: skip
    assert float(given.abs().max()) > 0.02
    assert torch.allclose(model.plan(seen), given[..., :7].clamp(-1, 1), atol=1e-5)


def test_the_velocity_is_learned_by_the_network_s_own_loss() -> None:
    """Its loss, with noise in our numbers alone, is ours for the same point on the way."""
    model = tiny()
    seen = inputs(model, SAID[0])
    actions, noise, time = torch.randn(1, 28), torch.randn(1, 28), torch.tensor([0.25])
    x = (1.0 - time) * noise + time * actions
    ours = model.velocity(x, time, model.encode(seen)) - (actions - noise)

    def padded(flat: Any) -> Any:
        return torch.nn.functional.pad(flat.view(1, 4, 7), (0, 25))

    text = seen.tokens.long()
    theirs = model.network(
        state=torch.nn.functional.pad(seen.proprio, (0, 25)), noise=padded(noise), timestep=1.0 - time,
        actions=padded(actions), input_ids=torch.cat([torch.full((1, 4), 64), text.clamp(min=0)], 1),
        pixel_values=fit(seen.pixels[:, 0], 28)[:, None], pixel_attention_mask=torch.ones(1, 1, dtype=torch.bool),
        attention_mask=torch.cat([torch.ones(1, 4).long(), (text != NO_TOKEN).long()], 1),
    )  # fmt: skip
    padding = theirs.logits[..., 7:].square().sum()
    assert torch.allclose(ours.square().sum() + padding, theirs.loss * 4 * 32, rtol=1e-4)


def test_only_the_expert_runs_in_every_step() -> None:
    model, calls = tiny(), {"vlm": 0, "expert": 0}

    def count(name: str) -> Any:
        return lambda *_: calls.update({name: calls[name] + 1})

    model.network.model.vlm.register_forward_pre_hook(count("vlm"))
    model.network.model.dit.register_forward_pre_hook(count("expert"))
    model.plan(inputs(model, *SAID), steps=7)
    assert calls == {"vlm": 1, "expert": 7}


def test_looking_once_serves_any_number_of_steps_and_gradients() -> None:
    model = tiny()
    seen = model.encode(inputs(model, *SAID))
    x, time = torch.randn(3, 28, requires_grad=True), torch.tensor([0.0, 0.4, 1.0])
    first = model.velocity(x, time, seen)
    model.velocity(x + 1.0, time, seen)
    again = model.velocity(x, time, seen)
    assert torch.equal(first, again)
    (first + again).sum().backward()
    assert x.grad is not None
    lacking = {n.split(".")[2] for n, p in model.network.named_parameters() if p.grad is None and ".layers.0." in n}
    assert not lacking  # expert, language and vision all learn through the cache
    assert backend.features(seen).shape == (3, 32 + 7)


def test_a_row_does_not_depend_on_its_batch_and_training_changes_nothing() -> None:
    model = tiny()
    batch = inputs(model, *SAID)
    together = model.plan(batch)
    assert torch.equal(model.train().plan(batch), together)
    for row in range(3):
        one = Inputs(batch.pixels[row : row + 1], batch.proprio[row : row + 1], batch.tokens[row : row + 1])
        assert torch.allclose(model.plan(one)[0], together[row], atol=1e-5)


def test_actions_are_normalised_and_back() -> None:
    model = tiny()
    model.config.action_mean, model.config.action_std = [0.1] * 7, [0.3] * 7
    actions = torch.rand(2, 4, 7) * 2 - 1
    assert torch.allclose(model.decode(model.normalise(actions)), actions, atol=1e-6)
    assert model.decode(torch.full((1, 28), 99.0)).max() == 1.0


# ---- what it sees --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(28, 28), (64, 64), (48, 96), (90, 20), (12, 12)])
def test_pictures_are_resized_by_the_one_rule(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    wanted = resize(picture, 28, 28).transpose(2, 0, 1) / 127.5 - 1.0
    found = fit(torch.from_numpy(picture.transpose(2, 0, 1).copy())[None], 28)[0].numpy()
    assert np.abs(found - wanted).max() <= 2.1 / 255.0 * 2.0


def test_words_are_framed_as_openpi_frames_them() -> None:
    model = tiny()
    row = [int(i) for i in model.words("  pick_up the\nzyxomatic cube ")]
    assert row[:8] == [2, 5, 6, 7, 3, 9, 4, NO_TOKEN] and len(row) == 48 and set(row[8:]) == {NO_TOKEN}
    long = [int(i) for i in model.words("cup " * 100)]
    assert len(long) == 48 and long[0] == 2 and long[-1] == 4


def test_words_and_pictures_and_proprioception_matter() -> None:
    model = tiny()
    batch = inputs(model, "pick up the cube")
    x, time = torch.randn(1, 28), torch.tensor([0.5])

    @torch.no_grad()
    def velocity(**changes: Any) -> Any:
        values = {"pixels": batch.pixels, "proprio": batch.proprio, "tokens": batch.tokens, **changes}
        return model.velocity(x, time, model.encode(Inputs(**values)))

    plain = velocity()
    for changes in ({"pixels": 255 - batch.pixels}, {"proprio": -batch.proprio}, {"tokens": model.words("cup")[None]}):
        assert float((velocity(**changes) - plain).abs().max()) > 1e-6, changes


def test_two_cameras() -> None:
    model = tiny(cameras=("front", "wrist"))
    batch = inputs(model, SAID[0], cameras=2)
    swapped = Inputs(batch.pixels.flip(1), batch.proprio, batch.tokens)
    assert model.encode(batch).mask.shape == (1, 2 * 4 + 48)
    assert not torch.equal(model.plan(batch), model.plan(swapped))


# ---- the interface -------------------------------------------------------------------------------------------------


def test_both_policies_fit_the_backend() -> None:
    flow = FlowVLA(make_config("micro", CONTRACT)).eval()
    both: list[tuple[backend.FlowBackend[Any], Any]] = [(flow, lambda t: torch.from_numpy(tokens(t).copy()))]
    pi0 = tiny()
    both.append((pi0, pi0.words))
    for model, words in both:
        batch = Inputs(
            torch.zeros(2, 1, 3, 32, 32, dtype=torch.uint8), torch.zeros(2, 7), torch.stack([words("a")] * 2)
        )
        seen = model.encode(batch)
        assert model.velocity(torch.zeros(2, model.size), torch.zeros(2), seen).shape == (2, model.size)
        assert backend.features(seen).shape[0] == 2 and model.plan(batch).shape == (2, 4, 7)
        assert model.size == model.config.chunk * model.config.action_dim


def test_stored_tokens_are_exchanged_for_its_own() -> None:
    model = tiny()
    wording = backend.Wording(model.words, ["pick up the cube", "pick up the cup"])
    stored = torch.from_numpy(np.stack([tokens("pick up the cup"), tokens("pick up the cube")]))
    wanted = torch.stack([model.words("pick up the cup"), model.words("pick up the cube")])
    assert torch.equal(wording(stored), wanted)
    with pytest.raises(FieldError, match="unknown instruction"):
        wording(torch.from_numpy(tokens("something else").copy())[None])


# ---- beginning with somebody's network -----------------------------------------------------------------------------


def test_a_checkpoint_of_transformers_begins_a_policy(base: Path) -> None:
    model = pi0_from_base(base, CONTRACT, flow_steps=3)
    batch = inputs(model, *SAID)
    assert torch.equal(model.plan(batch), tiny().plan(batch))


def test_a_checkpoint_named_as_lerobot_names_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import save_file

    net = network()
    renamed = {}
    for name, tensor in net.state_dict().items():
        if name.startswith("model.vlm."):
            part = name.removeprefix("model.vlm.")
            other = f"paligemma_with_expert.paligemma.model.{part}"
        elif name.startswith("model.dit."):
            other = f"paligemma_with_expert.gemma_expert.model.{name.removeprefix('model.dit.')}"
        else:
            other = name.removeprefix("embed_action_time.")
        renamed["model." + other] = tensor.contiguous()
    save_file(renamed, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_text(json.dumps({"type": "pi0", "chunk_size": 50, "n_obs_steps": 1}))
    tokenizer().save(str(tmp_path / "tokenizer.json"))
    monkeypatch.setattr(pi0_files, "PI0Config", lambda **_: net.config)  # LeRobot names no sizes: they are pi0's
    model = pi0_from_base(tmp_path, CONTRACT, flow_steps=3)
    batch = inputs(model, *SAID)
    assert torch.equal(model.plan(batch), tiny().plan(batch))


def test_loading_leaves_the_caller_s_random_numbers_alone(base: Path) -> None:
    torch.manual_seed(3)
    wanted = torch.rand(3)
    torch.manual_seed(3)
    pi0_from_base(base, CONTRACT)
    assert torch.equal(torch.rand(3), wanted)


def test_the_vision_language_model_may_be_smaller_in_memory(base: Path) -> None:
    model = pi0_from_base(base, CONTRACT, flow_steps=3, vlm_dtype=torch.bfloat16)
    batch = inputs(model, *SAID)
    seen = model.encode(batch)
    assert model.vlm.dtype == torch.bfloat16 and seen.cache.layers[0].keys.dtype == torch.float32
    plan = model.plan(batch)
    assert plan.dtype == torch.float32 and torch.allclose(plan, tiny().plan(batch), atol=0.02)


def test_what_is_nowhere_is_not_fetched() -> None:
    with pytest.raises(FieldError, match=r"is not on this computer.*download=True"):
        pi0_from_base("nobody/pi0_of_gen3d_tests", CONTRACT)
    for name in ("no/such/folder", "nothing", "../up"):
        with pytest.raises(FieldError, match="is no folder"):
            pi0_from_base(name, CONTRACT)


def test_a_base_without_tokenizer_needs_one(base: Path, tmp_path: Path) -> None:
    shutil.copytree(base, tmp_path / "bare")
    (tmp_path / "bare" / "tokenizer.json").unlink()
    with pytest.raises(FieldError, match="PaliGemma"):
        pi0_from_base(tmp_path / "bare", CONTRACT)
    assert pi0_from_base(tmp_path / "bare", CONTRACT, tokenizer=base / "tokenizer.json").words("cup")[1] == 10


def test_a_tokenizer_of_another_network_is_refused() -> None:
    with pytest.raises(FieldError, match="knows more words"):
        Pi0VLA(make_pi0_config(CONTRACT), network(vocabulary=8), tokenizer())


def test_a_network_without_room_is_refused() -> None:
    net = network()
    net.config.max_action_dim = 6
    with pytest.raises(FieldError, match="has no room for 7"):
        Pi0VLA(make_pi0_config(CONTRACT), net, tokenizer())
    with pytest.raises(FieldError, match="Use 'pixels_agent_pos'"):
        make_pi0_config(make_contract(obs_type="state"))


def test_pickles_and_other_models_are_refused(base: Path, tmp_path: Path) -> None:
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(FieldError, match="holds pickles"):
        pi0_from_base(tmp_path / "pickled", CONTRACT)
    shutil.copytree(base, tmp_path / "other")
    (tmp_path / "other" / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(FieldError, match="is of 'llama'"):
        pi0_from_base(tmp_path / "other", CONTRACT)


# ---- adapters ------------------------------------------------------------------------------------------------------


def test_adapters_change_nothing_at_first_and_train_alone() -> None:
    model = tiny()
    batch = inputs(model, *SAID)
    before = model.plan(batch)
    add_lora(model, rank=4)
    assert torch.equal(model.plan(batch), before)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    inside = {name for name in trained if ".vlm." in name}
    assert inside and all("lora_" in name for name in inside)
    assert any("vision_tower" in name for name in inside) and any("language_model" in name for name in inside)
    outside = {name for name, _ in model.named_parameters() if ".vlm." not in name}
    assert outside <= trained
    with pytest.raises(FieldError, match="already"):
        add_lora(model)


def test_adapters_are_stored_without_the_base(adapted: tuple[Pi0VLA, Path]) -> None:
    model, folder = adapted
    batch = inputs(model, *SAID)
    again = load_pi0(folder)
    assert torch.equal(again.plan(batch), model.plan(batch))
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "config.json", "tokenizer.json", "expert.safetensors", "adapter_model.safetensors", "adapter_config.json",
        "README.md",
    }  # fmt: skip
    card = (folder / "README.md").read_text()
    assert f"network was another one: {model.config.base}" in card and "license: mit" not in card


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")  # peft asks for what transformers renamed
def test_adapters_are_those_of_peft(adapted: tuple[Pi0VLA, Path], base: Path) -> None:
    from peft import PeftModel

    model, folder = adapted
    other = pi0_from_base(base, CONTRACT, flow_steps=3)
    PeftModel.from_pretrained(other.vlm, str(folder))
    batch = inputs(model, *SAID)
    assert torch.allclose(other.encode(batch).features, model.encode(batch).features, atol=1e-5)


def test_adapters_can_be_merged(adapted: tuple[Pi0VLA, Path], tmp_path: Path) -> None:
    model = load_pi0(adapted[1])
    batch = inputs(model, *SAID)
    before = model.plan(batch)
    merge_lora(model)
    assert not any("lora_" in name for name in model.state_dict())
    assert torch.allclose(model.plan(batch), before, atol=1e-5)
    model.save_pretrained(tmp_path)
    assert torch.equal(load_pi0(tmp_path).plan(batch), model.plan(batch))


def test_adapters_of_another_base_are_refused(adapted: tuple[Pi0VLA, Path], tmp_path: Path) -> None:
    other = write_base(tmp_path / "other", network(seed=1))
    with pytest.raises(FieldError, match="another network than the adapters"):
        load_pi0(adapted[1], base=other)
    moved = write_base(tmp_path / "moved")
    assert load_pi0(adapted[1], base=moved).config.lora_rank == 4


def test_adapters_on_nothing_cannot_be_saved(tmp_path: Path) -> None:
    model = tiny()
    add_lora(model, rank=2)
    with pytest.raises(FieldError, match="merge_lora"):
        model.save_pretrained(tmp_path)


# ---- folders -------------------------------------------------------------------------------------------------------


def test_a_folder_gives_the_same_policy(saved: Path) -> None:
    env = make(PICK, obs_type="pixels_agent_pos", **SMALL)
    seen, _ = env.reset(seed=0)
    policy = get_policy(str(saved), env)
    policy.reset(env.task_description)
    model = tiny()
    pixels = torch.from_numpy(seen["pixels"].transpose(2, 0, 1).copy())[None, None]
    batch = Inputs(pixels, torch.from_numpy(seen["agent_pos"])[None], model.words(env.task_description)[None])
    wanted = model.plan(batch)[0].numpy()
    for step in range(4):
        assert np.allclose(policy.act(seen), wanted[step], atol=1e-6)


def test_another_contract_is_refused(saved: Path) -> None:
    with pytest.raises(ContractError, match=r"pictures.0..width: wanted 32, given 48"):
        get_policy(str(saved), make(PICK, obs_type="pixels_agent_pos", observation_width=48, observation_height=32))


def test_a_bare_network_is_no_policy(base: Path) -> None:
    with pytest.raises(FieldError, match="bare PI0, without contract"):
        get_policy(str(base), make(PICK, obs_type="pixels_agent_pos", **SMALL))


@pytest.mark.parametrize("adapters", [False, True])
def test_a_full_disk_is_an_error_of_the_system(adapted: tuple[Pi0VLA, Path], adapters: bool, tmp_path: Path) -> None:
    model = adapted[0] if adapters else tiny()
    with full_disk(8000), pytest.raises(OSError, match=r"cannot be written .*(network|expert\.safetensors)"):
        model.save_pretrained(tmp_path)
    assert not (tmp_path / "config.json").exists() and not list(tmp_path.rglob("*.safetensors"))


def damage(folder: Path, what: str) -> None:
    weights, config = folder / "network" / "model.safetensors", folder / "config.json"
    if what == "truncated weights":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif what == "weights of another size":
        network(expert=32).config.save_pretrained(folder / "network")
    elif what == "weights missing":
        from safetensors.torch import load_file, save_file

        found = load_file(weights)
        found.pop(next(name for name in found if "action_out_proj" in name))
        save_file(found, weights, metadata={"format": "pt"})
    elif what == "weights not finite":
        from safetensors.torch import load_file, save_file

        found = load_file(weights)
        found[next(name for name in found if "action_out_proj.bias" in name)][0] = float("nan")
        save_file(found, weights, metadata={"format": "pt"})
    elif what == "no network":
        shutil.rmtree(folder / "network")
    elif what == "no tokenizer":
        (folder / "tokenizer.json").unlink()
    elif what == "damaged tokenizer":
        (folder / "tokenizer.json").write_text("{}")
    else:
        values = json.loads(config.read_text())
        values["action_std"] = {"statistics of another length": [1.0], "deviation of zero": [0.0] * 7}[what]
        config.write_text(json.dumps(values))


@pytest.mark.parametrize(
    "what",
    [
        "truncated weights", "weights of another size", "weights missing", "weights not finite", "no network",
        "no tokenizer", "damaged tokenizer", "statistics of another length", "deviation of zero",
    ],
)  # fmt: skip
def test_damaged_folders_are_refused(saved: Path, tmp_path: Path, what: str) -> None:
    shutil.copytree(saved, tmp_path / "copy")
    damage(tmp_path / "copy", what)
    with pytest.raises(FieldError) as caught:
        load_pi0(tmp_path / "copy")
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "expert.safetensors"])
def test_damaged_adapters_are_refused(adapted: tuple[Pi0VLA, Path], tmp_path: Path, name: str) -> None:
    shutil.copytree(adapted[1], tmp_path / "copy")
    file = tmp_path / "copy" / name
    file.write_bytes(file.read_bytes()[:-64])
    with pytest.raises(FieldError, match="is damaged"):
        load_pi0(tmp_path / "copy")
    file.unlink()
    with pytest.raises(FieldError, match=f"holds no {name}"):
        load_pi0(tmp_path / "copy")
