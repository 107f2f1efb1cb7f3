"""A language model behind any OpenAI-compatible endpoint, through the ``openai`` client.

The key is read from the environment when a request is made and kept nowhere: no attribute, error, card or log of this
package holds it. Nothing that a server sends is trusted: answers are limited in size and time, redirects are not
followed, and no error quotes a server's words.
"""

from __future__ import annotations

import importlib
import math
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gen3d_envs.design.llm_designer import Message, ModelError
from gen3d_envs.errors import DesignError, EngineUnavailable

DEFAULT_BASE_URL = "https://api.openai.com/v1"
MODEL_NAME = r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,55}"
"""Names of models as endpoints have them; with "openai:" it fits the card's 64 characters."""

MAX_RESPONSE_BYTES = 1_000_000
RETRIED = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""Statuses after which the same request may succeed."""

REASONS = {
    400: ("refuses the request", "Use a model and a server that know response_format json_schema"),
    401: ("does not accept the key", "Set OPENAI_API_KEY to a valid key of this endpoint"),
    403: ("denies access", "Ask for access to this model, or take another"),
    404: ("has no such model or path", "Check the model's name and that OPENAI_BASE_URL ends as the server expects"),
    413: ("finds the request too large", "Take a model with a longer context"),
    422: ("refuses the request", "Use a model and a server that know response_format json_schema"),
    429: ("has no capacity or quota left", "Wait, or check the quota of the key"),
}
"""Status -> what it means and what to do."""


class _Said(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Said
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]


@dataclass(frozen=True)
class OpenAIModel:
    """A model of the endpoint at ``OPENAI_BASE_URL``, with the key in ``OPENAI_API_KEY``.

    Attributes:
        model: the endpoint's name of the model.
        timeout_s: longest wait for one request, from first to last byte.
        attempts: requests made for one answer while the endpoint is busy or the connection breaks.
        wait_s: pause before the second request, doubled before each further one.
        sleep: waits for so many seconds.
    """

    model: str
    timeout_s: float = 60.0
    attempts: int = 3
    wait_s: float = 1.0
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        if not re.fullmatch(MODEL_NAME, self.model):
            raise DesignError("designer", f"openai:{self.model}", "names no model", "Use e.g. openai:gpt-4o-mini")
        if not (math.isfinite(self.timeout_s) and self.timeout_s > 0.0):
            raise DesignError("timeout_s", self.timeout_s, "is no time to wait", "Use e.g. 60")
        if self.attempts < 1:
            raise DesignError("attempts", self.attempts, "asks for no request", "Use 1 or more")

    @property
    def name(self) -> str:
        """``openai:MODEL``."""
        return f"openai:{self.model}"

    def answer(self, messages: tuple[Message, ...], schema: dict[str, Any], seed: int) -> str:
        """One chat completion with ``response_format`` json_schema, strict; errors as in ``LanguageModel.answer``."""
        library = _library()
        url = _base_url()
        request = {
            "model": self.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "scene_proposal", "strict": True, "schema": schema},
            },
            "seed": seed,
        }
        for attempt in range(self.attempts):
            if attempt:
                self.sleep(self.wait_s * 2 ** (attempt - 1))
            body, problem = self._ask(library, url, request)
            if problem is None:
                return _content(body)
            if not problem.passing:
                break
        assert problem is not None
        raise ModelError("designer", self.name, f"{_host(url)} {problem.text}", problem.remedy)

    def _ask(self, library: Any, url: str, request: dict[str, Any]) -> tuple[bytes, _Problem | None]:
        """One request: the body, or what went wrong.

        Problems are returned and not raised, so that no error of this package is chained to one that holds the request
        with its headers.
        """
        key = _key()
        deadline = time.monotonic() + self.timeout_s
        status = 200

        def look(response: Any) -> None:
            # Before the client reads the body of an error, which may be of any length and repeat the request.
            nonlocal status
            status = int(response.status_code)
            if not 200 <= status < 300:
                raise ConnectionError("an error status")

        try:
            with (
                library.DefaultHttpxClient(follow_redirects=False, event_hooks={"response": [look]}) as transport,
                library.OpenAI(
                    api_key=key, base_url=url, timeout=self.timeout_s, max_retries=0, http_client=transport
                ) as client,
                client.chat.completions.with_streaming_response.create(
                    **request, extra_headers={"Accept-Encoding": "identity"}
                ) as response,
            ):
                body = bytearray()
                for chunk in response.iter_bytes():  # as they come: a chunk size would wait until it is full
                    body += chunk
                    if len(body) > MAX_RESPONSE_BYTES:
                        return b"", _Problem(f"sent more than {MAX_RESPONSE_BYTES} bytes", "Take another model")
                    if time.monotonic() > deadline:
                        return b"", self._late()
                return bytes(body), None
        except Exception as error:  # the client's own errors, and the HTTP library's where a body is read
            if not 200 <= status < 300:
                return b"", _of_status(status)
            late = isinstance(error, library.APITimeoutError) or "timeout" in type(error).__name__.lower()
            return b"", self._late() if late else _broken()

    def _late(self) -> _Problem:
        return _Problem(f"did not answer within {self.timeout_s:g} s", "Try later, or take a faster model")


@dataclass(frozen=True)
class _Problem:
    """Why a request had no answer; ``passing`` where the next one may have."""

    text: str
    remedy: str
    passing: bool = False


def _of_status(status: int) -> _Problem:
    text, remedy = REASONS.get(status, ("answers with an error", "Look into the server's log, or try later"))
    if 300 <= status < 400:
        text, remedy = "redirects, which is not followed", "Set OPENAI_BASE_URL to where it leads"
    return _Problem(f"{text} (status {status})", remedy, passing=status in RETRIED)


def _broken() -> _Problem:
    return _Problem(
        "cannot be reached, or breaks the connection", "Check OPENAI_BASE_URL and that the server runs", passing=True
    )


def _library() -> Any:
    try:
        return importlib.import_module("openai")
    except ImportError:
        raise EngineUnavailable(
            "The designer openai:MODEL needs openai, which is not installed. "
            "Install the extra: pip install 'gen3d-envs[llm]'."
        ) from None


def _key() -> str:
    """The key; an error about it never shows it."""
    key = os.environ.get("OPENAI_API_KEY", "")
    if not key:
        raise ModelError(
            "OPENAI_API_KEY", "", "is not set", "Export the key of the endpoint; a local one takes any word"
        )
    if not re.fullmatch(r"[!-~]{1,1000}", key):
        raise ModelError("OPENAI_API_KEY", "(not shown)", "holds white space or no ASCII", "Copy the key once more")
    return key


def _base_url() -> str:
    url = os.environ.get("OPENAI_BASE_URL", "") or DEFAULT_BASE_URL
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not re.fullmatch(r"[!-~]{1,400}", url):
        raise ModelError(
            "OPENAI_BASE_URL", "(not shown)", "is no http or https URL", "Use e.g. http://127.0.0.1:8000/v1"
        )
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ModelError("OPENAI_BASE_URL", "(not shown)", "holds a user, a password, a query or a fragment",
                         "Give the key in OPENAI_API_KEY and the bare URL here")  # fmt: skip
    return url


def _host(url: str) -> str:
    """Host and port for messages."""
    return urlsplit(url).netloc[:100]


def _content(body: bytes) -> str:
    """The model's words in a completion.

    Raises:
        DesignError: the body is no completion, or it holds no or half an answer.
    """
    try:
        completion = msgspec.json.decode(body, type=_Completion)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        completion = _Completion([])
    if not completion.choices:
        raise DesignError("answer", len(body), "bytes, is no chat completion", "Check that OPENAI_BASE_URL is right")
    choice = completion.choices[0]
    if choice.message.refusal:
        raise DesignError("answer", "(refusal)", "the model declines to answer", "Say it differently")
    if choice.finish_reason == "length":
        raise DesignError("answer", "(cut off)", "was cut off at the model's length limit", "Answer in compact JSON")
    if not choice.message.content:
        raise DesignError("answer", "", "is empty", "Answer with the JSON document")
    return choice.message.content
