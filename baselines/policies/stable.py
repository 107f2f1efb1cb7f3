"""Policies of Stable-Baselines3 files, read without unpickling.

An SB3 zip holds ``data`` (JSON in which everything that is no JSON is a cloudpickle) and ``policy.pth`` (weights).
Unpickling runs whatever the file's author wished. So the weights are read with ``weights_only=True``, and the network
is built anew: its class by the name that ``data`` gives in clear, its spaces from the environment, its arguments as far
as they are JSON or name classes of an allowlist. The weights must then fit exactly; otherwise the file is refused.
"""

from __future__ import annotations

import io
import re
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import gymnasium
import msgspec
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gen3d_envs.errors import EngineUnavailable, FieldError

from .options import PolicyOptions

MAX_DATA_BYTES = 200_000_000
MAX_WEIGHTS_BYTES = 2_000_000_000

POLICIES = {
    "stable_baselines3.common.policies": (
        "ActorCriticPolicy", "ActorCriticCnnPolicy", "MultiInputActorCriticPolicy"
    ),
    "stable_baselines3.sac.policies": ("SACPolicy", "CnnPolicy", "MultiInputPolicy"),
    "stable_baselines3.td3.policies": ("TD3Policy", "CnnPolicy", "MultiInputPolicy"),
    "sb3_contrib.tqc.policies": ("TQCPolicy", "CnnPolicy", "MultiInputPolicy"),
}  # fmt: skip
"""Modules whose policies are built: the class for vectors, for pictures, for dictionaries. PPO and A2C share one."""

ARGUMENTS = {
    "net_arch", "ortho_init", "use_sde", "log_std_init", "full_std", "use_expln", "clip_mean", "squash_output",
    "features_extractor_kwargs", "share_features_extractor", "normalize_images", "n_critics", "n_quantiles",
    "activation_fn", "features_extractor_class",
}  # fmt: skip
"""Arguments of a policy that shape its network."""

TRAINING = {"optimizer_class", "optimizer_kwargs"}
"""Arguments that matter for training only."""

CLASSES = {
    "activation_fn": ("torch.nn.modules.activation", re.compile(r"[A-Z][A-Za-z0-9]*")),
    "features_extractor_class": (
        "stable_baselines3.common.torch_layers", re.compile(r"FlattenExtractor|NatureCNN|CombinedExtractor")
    ),
}  # fmt: skip
"""Arguments that are classes: the module they may come from and their names."""

_TRUST = "If you trust whoever made the file, add #trust_pickle=1"


class StablePolicy:
    """A network of Stable-Baselines3 that acts.

    Running averages of a ``VecNormalize`` are not in the zip; a policy trained behind one needs its wrapper.

    Args:
        network: a policy of SB3 with its weights.
        deterministic: take the mode; otherwise draw from a generator of its own.
        seed: of that generator.
    """

    def __init__(self, network: Any, deterministic: bool, seed: int) -> None:
        import torch

        self._network, self._deterministic = network, deterministic
        self._draws = torch.Generator().manual_seed(seed).get_state()
        network.set_training_mode(False)

    def reset(self, instruction: str) -> None:
        """Nothing to remember."""

    def seed(self, seed: int) -> None:
        """Draw from another seed from now on."""
        import torch

        self._draws = torch.Generator().manual_seed(seed).get_state()

    def act(self, observation: Any) -> NDArray[np.float32]:
        """The action for this observation, clipped to the action space."""
        import torch

        # SB3 draws from torch's global generator; the rest of the process must not notice.
        with torch.random.fork_rng(devices=[], enabled=not self._deterministic):
            if not self._deterministic:
                torch.set_rng_state(self._draws)
            action, _ = self._network.predict(observation, deterministic=self._deterministic)
            if not self._deterministic:
                self._draws = torch.get_rng_state()
        result: NDArray[np.float32] = np.asarray(action, np.float32)
        return result


def load_stable(path: Path, env: gymnasium.Env[Any, Any], options: PolicyOptions, seed: int = 0) -> StablePolicy:
    """The policy in a Stable-Baselines3 zip.

    Args:
        path: the file.
        env: has the spaces it was trained with.
        options: ``deterministic``, and ``trust_pickle``, which lets the file's own pickles be loaded.
        seed: of a policy that draws.

    Raises:
        FieldError: no such file, a file that cannot be read without unpickling, or weights that do not fit.
        EngineUnavailable: Stable-Baselines3 or sb3-contrib is not installed.
    """
    try:
        import stable_baselines3  # noqa: F401
    except ImportError:
        raise EngineUnavailable(f"{path} needs Stable-Baselines3: pip install 'gen3d-envs[baselines]'") from None
    data, weights = _read(path)
    if options.trust_pickle:
        network = _build_trusted(path, data, env)
        problem = _fit(network, weights)
        if problem:
            raise FieldError("policy", str(path), f"its weights do not fit its own class ({problem})", "Save it again")
        return StablePolicy(network, options.deterministic, seed)
    module, names = _module(path, data)
    arguments = _arguments(path, data)
    space = _trained_space(env.observation_space)
    problems: list[str] = []
    for name in _candidates(names, space):
        try:
            network = _build(getattr(module, name), space, env.action_space, arguments)
        except (TypeError, ValueError, AssertionError) as error:
            problems.append(f"{name}: {_first(error)}")
            continue
        problem = _fit(network, weights)
        if not problem:
            return StablePolicy(network, options.deterministic, seed)
        problems.append(f"{name}: {problem}")
    raise FieldError(
        "policy", str(path), f"its weights fit no network for this environment ({'; '.join(problems)})",
        f"Make the environment with the options and wrappers of the training. {_TRUST}",
    )  # fmt: skip


# ---- reading -------------------------------------------------------------------------------------------------------


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The clear part of ``data`` and the weights."""
    import torch

    try:
        with zipfile.ZipFile(path) as archive:
            raw = _member(path, archive, "data", MAX_DATA_BYTES)
            stored = _member(path, archive, "policy.pth", MAX_WEIGHTS_BYTES)
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise FieldError("policy", str(path), problem, "Give a file that model.save() wrote") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise FieldError("policy", str(path), f"is no whole zip file ({error})", "Save the model again") from None
    try:
        data = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FieldError(f"{path}: data", raw[:40], f"is no JSON ({error})", "Save the model again") from None
    try:
        weights = torch.load(io.BytesIO(stored), map_location="cpu", weights_only=True)
    # torch raises many kinds here, among them the unpickler's refusal of anything but weights.
    except Exception as error:
        raise FieldError(
            f"{path}: policy.pth", len(stored), f"holds more than weights, or is damaged ({_first(error)})",
            "Save the model again with model.save()",
        ) from None  # fmt: skip
    if not isinstance(data, dict) or not isinstance(weights, dict):
        raise FieldError("policy", str(path), "is no file of Stable-Baselines3", "Give one that model.save() wrote")
    return data, weights


def _member(path: Path, archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    try:
        with archive.open(name) as stream:
            found = stream.read(limit + 1)
    except KeyError:
        raise FieldError("policy", str(path), f"holds no {name!r}", "Give a file that model.save() wrote") from None
    if len(found) > limit:
        raise FieldError(f"{path}: {name}", len(found), f"is larger than {limit} bytes", "It is no policy")
    return found


def _module(path: Path, data: dict[str, Any]) -> tuple[Any, tuple[str, str, str]]:
    """The module of the policy's class and what it offers."""
    described = data.get("policy_class")
    name = described.get("__module__") if isinstance(described, dict) else None
    if name not in POLICIES:
        raise FieldError(
            f"{path}: policy_class", name, "is no policy class that can be built without unpickling",
            f"Known are those of {', '.join(POLICIES)}. {_TRUST}",
        )  # fmt: skip
    try:
        return import_module(name), POLICIES[name]
    except ImportError:
        raise EngineUnavailable(f"{path} needs {name.partition('.')[0]}, which is not installed") from None


def _arguments(path: Path, data: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the policy's class that are written in clear."""
    stored = data.get("policy_kwargs") or {}
    pickled = isinstance(stored, dict) and ":serialized:" in stored
    arguments: dict[str, Any] = {}
    for name, value in stored.items() if isinstance(stored, dict) else ():
        if name in (":type:", ":serialized:") or name in TRAINING:
            continue
        field = f"{path}: policy_kwargs[{name!r}]"
        if name not in ARGUMENTS:
            raise FieldError(field, value, "is not known", f"It would have to be unpickled. {_TRUST}")
        if name in CLASSES:
            arguments[name] = _class(field, name, value)
        elif pickled and isinstance(value, str):
            raise FieldError(field, value, "is not stored in clear", f"It would have to be unpickled. {_TRUST}")
        else:
            arguments[name] = value
    if data.get("use_sde") is True:
        arguments["use_sde"] = True
    return arguments


def _class(field: str, name: str, value: Any) -> Any:
    """A class of the allowlist from its ``<class '...'>``."""
    home, names = CLASSES[name]
    match = re.fullmatch(r"<class '([\w.]+)\.(\w+)'>", value) if isinstance(value, str) else None
    if match is None or match.group(1) != home or not names.fullmatch(match.group(2)):
        raise FieldError(field, value, f"is no class of {home}", f"It would have to be unpickled. {_TRUST}")
    found = getattr(import_module(home), match.group(2), None)
    if not isinstance(found, type):
        raise FieldError(field, value, f"is not in {home} here", "Install the version it was saved with")
    return found


# ---- building ------------------------------------------------------------------------------------------------------


def _trained_space(space: spaces.Space[Any]) -> spaces.Space[Any]:
    """The space as SB3 sees it behind its own wrappers: pictures with channels first."""
    from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
    from stable_baselines3.common.vec_env import VecTransposeImage

    if isinstance(space, spaces.Dict):
        if any(isinstance(part, spaces.Dict) for part in space.spaces.values()):
            raise FieldError(
                "observation_space", list(space.spaces), "is nested, which SB3 cannot take", "Wrap in FlattenCameras"
            )
        return spaces.Dict({key: _trained_space(part) for key, part in space.spaces.items()})
    if isinstance(space, spaces.Box) and is_image_space(space) and not is_image_space_channels_first(space):
        return VecTransposeImage.transpose_space(space)
    return space


def _candidates(names: tuple[str, str, str], space: spaces.Space[Any]) -> tuple[str, ...]:
    vector, picture, dictionary = names
    if isinstance(space, spaces.Dict):
        return (dictionary,)
    return (vector,) if space.shape is not None and len(space.shape) == 1 else (picture, vector)


def _build(
    kind: Any, space: spaces.Space[Any], actions: spaces.Space[Any], arguments: dict[str, Any]
) -> Any:  # fmt: skip
    import torch

    # The weights are drawn at random and then replaced; the process' own generator must not move on.
    with torch.random.fork_rng(devices=[]):
        return kind(space, actions, lambda _: 0.0, **arguments)


def _build_trusted(path: Path, data: dict[str, Any], env: gymnasium.Env[Any, Any]) -> Any:
    """As the file's own pickles have it; called only where the user accepted the risk."""
    from stable_baselines3.common.save_util import load_from_zip_file

    loaded, _, _ = load_from_zip_file(path, device="cpu")
    if not isinstance(loaded, dict) or "policy_class" not in loaded:
        raise FieldError("policy", str(path), "is no file of Stable-Baselines3", "Give one that model.save() wrote")
    arguments = {key: value for key, value in (loaded.get("policy_kwargs") or {}).items() if key not in TRAINING}
    if loaded.get("use_sde"):
        arguments["use_sde"] = True
    space = loaded.get("observation_space") or _trained_space(env.observation_space)
    return _build(loaded["policy_class"], space, loaded.get("action_space") or env.action_space, arguments)


def _fit(network: Any, weights: dict[str, Any]) -> str:
    """Put the weights into the network; what does not fit, or nothing."""
    own = network.state_dict()
    missing, surplus = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    if missing or surplus:
        return f"without {missing[0]}" if missing else f"with {surplus[0]} besides"
    for name, tensor in own.items():
        shape = tuple(getattr(weights[name], "shape", ()))
        if shape != tuple(tensor.shape):
            return f"{name} is {shape} instead of {tuple(tensor.shape)}"
    network.load_state_dict(weights)
    return ""


def _first(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:160]
