"""Checkpoints of pi0: somebody's network as the beginning, adapters, and folders that can be acted with.

Nothing is unpickled, and nothing is fetched unless it is asked for. A folder holds ``config.json`` (ours, with contract
and statistics), ``tokenizer.json`` and the weights: all of them as a checkpoint of transformers in ``network``; or,
with adapters, only those (``adapter_model.safetensors``, as peft writes them) and the expert (``expert.safetensors``).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import msgspec
import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import PI0Config, PI0ForConditionalGeneration

from gen3d_envs.assets.store import write_atomically
from gen3d_envs.contract import Contract
from gen3d_envs.errors import EngineUnavailable, FieldError

from .card import card
from .files import safetensors_into
from .pi0 import Pi0VLA
from .pi0_config import TEXT_LENGTH, Pi0VLAConfig, make_pi0_config
from .pi0_lora import TARGETS, add_lora

P = ParamSpec("P")
T = TypeVar("T")

NETWORK, EXPERT, ADAPTER, TOKENIZER = "network", "expert.safetensors", "adapter_model.safetensors", "tokenizer.json"

UNUSED = "model.dit.embed_tokens."
"""The expert's table of words, which no expert reads."""

_PEFT = "base_model.model."
_REMEDY = "Restore the folder, or save the model again"
_ANYTHING = (OSError, ValueError, TypeError, RuntimeError, ArithmeticError, AttributeError, KeyError)
"""What a damaged or tampered folder makes transformers, safetensors or tokenizers raise."""


# ---- beginning -----------------------------------------------------------------------------------------------------


def pi0_from_base(
    base: str | Path, contract: Contract, *, tokenizer: str | Path | None = None, chunk: int = 4, flow_steps: int = 10,
    text_length: int = TEXT_LENGTH, download: bool = False, dtype: torch.dtype = torch.float32,
    vlm_dtype: torch.dtype | None = None,
) -> Pi0VLA:  # fmt: skip
    """A policy that begins as somebody's pi0, such as ``"lerobot/pi0_base"``.

    Its statistics are those of numbers left as they are: set them from the data it is then trained with.

    Args:
        base: folder, or name on the hub, of a PI0 as transformers or LeRobot writes it, with safetensors.
        contract: of the environments that it is for.
        tokenizer: folder or file of a ``tokenizer.json``; the base's own where None.
        chunk: control steps that are planned at once.
        flow_steps: Euler steps from noise to actions when acting.
        text_length: tokens of an instruction.
        download: whether to fetch what is not on this computer.
        dtype: of the expert.
        vlm_dtype: of the vision-language model; the expert's where None.

    Raises:
        FieldError: nothing there, pickles only, weights that do not fit, or no tokenizer.
        EngineUnavailable: it would have to be fetched and cannot.
    """
    folder = _located(base, download)
    _require_safetensors(folder)
    config = make_pi0_config(contract, chunk, flow_steps, text_length)
    words = _tokenizer(folder if tokenizer is None else Path(tokenizer))
    network = _network(folder, dtype)
    network.model.vlm.to(dtype if vlm_dtype is None else vlm_dtype)
    model = Pi0VLA(config, network, words)
    config.base = str(base)
    return model.eval()


def _located(base: str | Path, download: bool) -> Path:
    """The folder of a checkpoint by path or hub name."""
    if Path(base).is_dir():
        return Path(base)
    parts = str(base).split("/")
    if isinstance(base, Path) or len(parts) != 2 or not all(parts) or parts[0] in (".", "..", "~"):
        raise FieldError("base", str(base), "is no folder", "Give the folder of a checkpoint, or OWNER/NAME on the hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(str(base), local_files_only=not download, allow_patterns=["*.json", "*.safetensors"])
        )
    except HFValidationError as error:
        raise FieldError("base", str(base), f"is no name on the hub ({_first(error)})", "Give OWNER/NAME") from None
    except LocalEntryNotFoundError:
        if not download:
            raise FieldError(
                "base", str(base), "is not on this computer", "Fetch it with download=True, or give a folder"
            ) from None  # fmt: skip
        raise EngineUnavailable(
            f"{base} is not on this computer and the hub cannot be reached: give a folder."
        ) from None
    except (HfHubHTTPError, OSError) as error:
        raise EngineUnavailable(f"{base} cannot be fetched ({_first(error)}): give a folder of it.") from None


def _tokenizer(path: Path) -> Tokenizer:
    file = path / TOKENIZER if path.is_dir() else path
    if not file.is_file():
        raise FieldError(
            "tokenizer", str(file), "is not there", f"Give the {TOKENIZER} of the PaliGemma that the network was "
            "trained with"
        )  # fmt: skip
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing more special
        raise FieldError("tokenizer", str(file), f"is damaged ({_first(error)})", "Restore the file") from None


def _network(folder: Path, dtype: torch.dtype) -> Any:
    """The network in a folder of transformers or LeRobot; its weights must be complete and finite."""
    _require_safetensors(folder)
    try:
        # What is missing is drawn at random before it is found missing; the caller's generator must not move on.
        with torch.random.fork_rng(devices=[]):
            answer: Any = _quietly(PI0ForConditionalGeneration.from_pretrained)(
                folder, config=_network_config(folder), local_files_only=True, use_safetensors=True, dtype=dtype,
                output_loading_info=True,
            )  # fmt: skip
    except FieldError:
        raise
    except Exception as error:  # safetensors' own error derives from Exception alone
        raise FieldError("pi0", str(folder), f"is damaged ({_first(error)})", _REMEDY) from None
    network, found = answer
    wrong = [name for name in sorted(found["missing_keys"]) if not name.startswith(UNUSED)]
    wrong += [str(each[0]) for each in found["mismatched_keys"]] + sorted(found["unexpected_keys"])
    if wrong:
        problem = f"does not fit its config.json ({wrong[0]}, {len(wrong)} in all)"
        raise FieldError("pi0", str(folder), problem, _REMEDY)
    for name, tensor in network.named_parameters():
        if not name.startswith(UNUSED) and not bool(torch.isfinite(tensor).all()):
            raise FieldError("pi0", f"{folder}: {name}", "holds numbers that are not finite", "Use another checkpoint")
    return network.eval()


def _require_safetensors(folder: Path) -> None:
    if not any(folder.glob("*.safetensors")):
        others = sorted(p.name for p in folder.glob("*") if p.suffix in (".bin", ".pt", ".pth", ".pkl", ".ckpt"))
        problem = f"holds pickles ({', '.join(others)}) and no safetensors" if others else "holds no safetensors"
        raise FieldError("pi0", str(folder), problem, "Only safetensors are read")


def _network_config(folder: Path) -> PI0Config:
    """The network's configuration: transformers' own, or LeRobot's, which names only what differs from pi0."""
    raw = _json(folder / "config.json")
    if raw.get("model_type") == "pi0":
        return PI0Config.from_pretrained(folder, local_files_only=True)
    if raw.get("type") == "pi0":
        names = ("chunk_size", "max_state_dim", "max_action_dim", "min_period", "max_period")
        return PI0Config(**{name: raw[name] for name in names if name in raw})
    raise FieldError(
        "pi0", str(folder), f"is of {raw.get('model_type', raw.get('type'))!r}", "Give a checkpoint of PI0"
    )  # fmt: skip


# ---- folders -------------------------------------------------------------------------------------------------------


def save_pi0(model: Pi0VLA, folder: str | Path) -> None:
    """Write what :func:`load_pi0` reads; ``config.json`` comes last, so that a folder without one is unfinished.

    Raises:
        FieldError: adapters on a network that came from nowhere: there would be nothing to put them on again.
        OSError: the folder cannot be written.
    """
    folder, config = Path(folder), model.config
    if config.lora_rank and not config.base:
        raise FieldError(
            "base", config.base, "is not known, and adapters are nothing without it", "merge_lora() before saving"
        )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / TOKENIZER, model.tokenizer.to_str().encode())
    if config.lora_rank:
        from peft import LoraConfig, get_peft_model_state_dict

        rest = {n: t for n, t in model.network.state_dict().items() if not n.startswith("model.vlm.")}
        adapters = get_peft_model_state_dict(model.vlm)
        _write(folder / EXPERT, rest)
        _write(folder / ADAPTER, {_PEFT + name: tensor for name, tensor in adapters.items()})
        LoraConfig(
            r=config.lora_rank, lora_alpha=config.lora_alpha, target_modules=TARGETS, inference_mode=True,
            base_model_name_or_path=config.base,
        ).save_pretrained(str(folder))  # fmt: skip
    else:
        with safetensors_into(folder / NETWORK):
            _quietly(model.network.save_pretrained)(folder / NETWORK)
    parameters = sum(parameter.numel() for parameter in model.network.parameters())
    write_atomically(folder / "README.md", card("pi0", config, parameters, config.base).encode())
    config.save_pretrained(folder)


def load_pi0(
    folder: str | Path, device: str | torch.device = "cpu", *, base: str | Path | None = None, download: bool = False,
    dtype: torch.dtype = torch.float32, vlm_dtype: torch.dtype | None = None,
) -> Pi0VLA:  # fmt: skip
    """The model in a folder that :func:`save_pi0` wrote.

    Args:
        folder: what to read.
        device: where it is to compute.
        base: where the network is that adapters belong on; what the folder says where None.
        download: whether to fetch the base if it is not on this computer.
        dtype: of the expert.
        vlm_dtype: of the vision-language model; the expert's where None.

    Raises:
        FieldError: files that are missing, damaged or do not fit, or another base than the adapters were made on.
        EngineUnavailable: the base would have to be fetched and cannot, or peft is not installed.
    """
    folder = Path(folder)
    try:
        config = Pi0VLAConfig.from_pretrained(folder, local_files_only=True)
        rank, alpha = int(config.lora_rank), int(config.lora_alpha)
        config.require_statistics("proprio", "action")
    except _ANYTHING as error:
        raise FieldError("policy", str(folder / "config.json"), f"is damaged ({_first(error)})", _REMEDY) from None
    where = folder / NETWORK if not rank else _located(base or config.base, download)
    if not rank and not where.is_dir():
        raise FieldError("policy", str(folder), f"holds no folder {NETWORK!r}", _REMEDY)
    network = _network(where, dtype)
    network.model.vlm.to(dtype if vlm_dtype is None else vlm_dtype)
    try:
        model = Pi0VLA(config, network, _tokenizer(folder))
    except (TypeError, AttributeError) as error:
        raise FieldError("policy", str(folder / "config.json"), f"is damaged ({_first(error)})", _REMEDY) from None
    if rank:
        _put_on(model, folder, rank, alpha, str(where))
    return model.to(torch.device(device)).eval()


def _put_on(model: Pi0VLA, folder: Path, rank: int, alpha: int, where: str) -> None:
    """Adapters and expert of a folder onto the base."""
    wanted = model.config.base_sha256
    model.config.lora_rank = 0
    with torch.random.fork_rng(devices=[]):
        add_lora(model, rank, alpha)
    if model.config.base_sha256 != wanted:
        problem = "is another network than the adapters were made on"
        raise FieldError("base", where, problem, "Give the one that config.json names")
    model.config.base_sha256 = wanted
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    own = get_peft_model_state_dict(model.vlm)
    given = {name.removeprefix(_PEFT): tensor for name, tensor in _read(folder / ADAPTER).items()}
    _same(folder / ADAPTER, own, given)
    set_peft_model_state_dict(model.vlm, given)
    rest = {n: t for n, t in model.network.state_dict().items() if not n.startswith("model.vlm.")}
    given = _read(folder / EXPERT)
    _same(folder / EXPERT, rest, given)
    model.network.load_state_dict(given, strict=False)


def _same(path: Path, own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    wrong = [name for name in own if name not in given or given[name].shape != own[name].shape]
    wrong += [name for name in given if name not in own]
    if wrong:
        raise FieldError("policy", str(path), f"does not fit its config.json ({wrong[0]})", _REMEDY)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in given.values()):
        raise FieldError("policy", str(path), "holds numbers that are not finite", "Use an earlier checkpoint")


def _read(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise FieldError("policy", str(path.parent), f"holds no {path.name}", _REMEDY)
    try:
        found: dict[str, Tensor] = load_file(path, device="cpu")
    except (SafetensorError, OSError, ValueError) as error:
        raise FieldError("policy", str(path), f"is damaged ({_first(error)})", _REMEDY) from None
    return found


def _write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    from safetensors.torch import save_file

    # Not write_atomically: a large expert would stand in memory twice.
    work = path.with_name(f".writing-{path.name}")
    try:
        with safetensors_into(path):
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, work)
        os.replace(work, path)
    finally:
        work.unlink(missing_ok=True)


def _quietly(work: Callable[P, T]) -> Callable[P, T]:
    """The same without transformers' own bars, which would stand among ours."""
    from transformers.utils import logging

    @functools.wraps(work)
    def quiet(*args: P.args, **kwargs: P.kwargs) -> T:
        shown = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()
        try:
            return work(*args, **kwargs)
        finally:
            if shown:
                logging.enable_progress_bar()

    return quiet


def _json(path: Path) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FieldError("pi0", str(path), f"cannot be read ({_first(error)})", _REMEDY) from None
    return found if isinstance(found, dict) else {}


def _first(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:160]
