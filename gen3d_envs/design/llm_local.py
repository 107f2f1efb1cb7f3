"""A language model in a local folder, run by ``transformers``, whose every token ``xgrammar`` holds to the schema.

Decoding is done here and not by ``generate``: tokens are drawn from a numpy generator and not from torch's global one,
and what the grammar leaves no choice about is taken without asking the model, which is most of a JSON document.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gen3d_envs.design.llm_designer import Message, ModelError
from gen3d_envs.errors import DesignError, EngineUnavailable

MAX_NEW_TOKENS = 4_000
"""More than any proposal has, one token per byte."""

TEMPERATURE = 0.7


@dataclass(frozen=True)
class LocalModel:
    """A causal language model in a folder as ``save_pretrained`` writes it, in safetensors.

    Loaded on first use; no code and no pickle of the folder is run, and nothing is downloaded. Equal seeds give equal
    answers on the same machine with the same number of threads.

    Attributes:
        folder: the folder.
        temperature: 0 takes the likeliest token, 1 draws as the model has it.
    """

    folder: str
    temperature: float = TEMPERATURE

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature <= 10.0:
            raise DesignError("temperature", self.temperature, "is not within 0 and 10", f"Use e.g. {TEMPERATURE}")

    @property
    def name(self) -> str:
        """``local:`` and the name of the folder, without the path to it."""
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(os.path.abspath(self.folder)).name)
        return f"local:{stem[:56] or 'model'}"

    def answer(self, messages: tuple[Message, ...], schema: dict[str, Any], seed: int) -> str:
        """One answer, always valid under the schema; errors as in ``LanguageModel.answer``."""
        loaded = _load(str(Path(self.folder).resolve()))
        grammar = loaded.grammar(json.dumps(schema))
        prompt = loaded.encode(messages)
        limit = loaded.context - len(prompt)
        if limit < 1:
            raise ModelError("designer", self.name, f"has a context of {loaded.context} tokens, and the question has "
                             f"{len(prompt)}", "Take a model with a longer context")  # fmt: skip
        tokens = loaded.decode(prompt, grammar, min(limit, MAX_NEW_TOKENS), self.temperature, seed)
        if tokens is None:
            raise DesignError("answer", "(cut off)", "was cut off at the model's length limit", "Answer more briefly")
        return tokens


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise EngineUnavailable(
            f"The designer local:FOLDER needs {name}, which is not installed. "
            "Install the extra: pip install 'gen3d-envs[llm]'."
        ) from None


class _Loaded:
    """A model with its tokenizer and the compiler of grammars for it."""

    def __init__(self, folder: str) -> None:
        self._torch, transformers, self._xgrammar = _module("torch"), _module("transformers"), _module("xgrammar")
        options = {"local_files_only": True, "trust_remote_code": False}
        bars, problem = transformers.utils.logging, ""
        shown = bars.is_progress_bar_enabled()
        bars.disable_progress_bar()
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **options)
            self._model = transformers.AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, **options)
            self._model.eval()
            config = self._model.config.get_text_config()
            info = self._xgrammar.TokenizerInfo.from_huggingface(self._tokenizer, vocab_size=config.vocab_size)
            self._compiler = self._xgrammar.GrammarCompiler(info, max_threads=1)
        except Exception as error:  # whatever a broken folder makes three libraries raise
            problem = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]
        finally:
            if shown:
                bars.enable_progress_bar()
        if problem:
            raise ModelError("designer", f"local:{Path(folder).name}", f"cannot be loaded ({problem})",
                             "Give a folder that save_pretrained wrote: config, tokenizer and safetensors")  # fmt: skip
        self._vocab_size = int(config.vocab_size)
        self._stop = frozenset(info.stop_token_ids)
        self.context = int(getattr(config, "max_position_embeddings", None) or 4096)

    def grammar(self, schema: str) -> Any:
        """The compiled grammar of a JSON schema."""
        return self._compiler.compile_json_schema(schema, any_whitespace=False)

    def encode(self, messages: tuple[Message, ...]) -> list[int]:
        """The conversation in tokens, in the model's own template where it has one."""
        if getattr(self._tokenizer, "chat_template", None):
            turns = [{"role": message.role, "content": message.content} for message in messages]
            text = self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
            return list(self._tokenizer.encode(text, add_special_tokens=False))
        text = "\n\n".join(f"{message.role}: {message.content}" for message in messages) + "\n\nassistant: "
        return list(self._tokenizer.encode(text))

    def decode(self, prompt: list[int], grammar: Any, limit: int, temperature: float, seed: int) -> str | None:
        """Draw tokens until the grammar is complete; None where the limit comes first."""
        torch, xgrammar = self._torch, self._xgrammar
        matcher = xgrammar.GrammarMatcher(grammar, terminate_without_stop_token=True)
        mask = xgrammar.allocate_token_bitmask(1, self._vocab_size)
        rng = np.random.default_rng(seed)
        taken: list[int] = []
        unseen, cache = list(prompt), None
        with torch.inference_mode():
            for _ in range(limit):
                matcher.fill_next_token_bitmask(mask)
                allowed = _allowed(mask.numpy(), self._vocab_size)
                if len(allowed) == 1:
                    token = int(allowed[0])
                else:
                    ids = torch.tensor([unseen], dtype=torch.long, device=self._model.device)
                    out = self._model(input_ids=ids, past_key_values=cache, use_cache=True)
                    unseen, cache = [], out.past_key_values
                    logits = out.logits[0, -1].to(torch.float64).cpu().numpy()
                    token = _draw(logits, allowed, temperature, rng)
                if not matcher.accept_token(token):  # pragma: no cover - the mask and the matcher are one grammar
                    raise DesignError("answer", token, "is no token of the grammar", "Answer by the schema")
                taken.append(token)
                unseen.append(token)
                if matcher.is_terminated():
                    words = [token for token in taken if token not in self._stop]
                    return str(
                        self._tokenizer.decode(words, skip_special_tokens=True, clean_up_tokenization_spaces=False)
                    )
        return None


def _allowed(mask: np.ndarray[Any, np.dtype[np.int32]], vocab_size: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Tokens whose bit is set: 32 a word, lowest first."""
    bits = np.unpackbits(mask.reshape(-1).astype("<i4").view(np.uint8), bitorder="little")[:vocab_size]
    return np.flatnonzero(bits)


def _draw(
    logits: np.ndarray[Any, np.dtype[np.float64]], allowed: np.ndarray[Any, np.dtype[np.int64]], temperature: float,
    rng: np.random.Generator,
) -> int:  # fmt: skip
    """One of the allowed tokens, with the softmax of its logit as its chance."""
    scores = np.nan_to_num(logits[allowed], nan=-1e9, posinf=1e9, neginf=-1e9)
    if temperature == 0.0:
        return int(allowed[int(np.argmax(scores))])
    weights = np.exp((scores - scores.max()) / temperature)
    place = int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), side="right"))
    return int(allowed[min(place, len(allowed) - 1)])


@lru_cache(maxsize=1)
def _load(folder: str) -> _Loaded:
    """The model of a folder; the last one is kept."""
    if not Path(folder, "config.json").is_file():
        raise ModelError("designer", f"local:{Path(folder).name}", "is no folder of a model: it has no config.json",
                         "Give a folder that save_pretrained wrote")  # fmt: skip
    return _Loaded(folder)
