"""Assets from an HTTP endpoint: a prompt is posted, a GLB comes back."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import IO, Any

import msgspec

from gen3d_envs.assets.asset import Asset
from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.assets.generators.base import prompt_of
from gen3d_envs.assets.generators.glb import MAX_GLB_BYTES, asset_of
from gen3d_envs.errors import AssetError
from gen3d_envs.spec import ObjectSpec

TIMEOUT_S = 600.0
"""For one answer, from the request to its last byte."""

ATTEMPTS = 3
BACKOFF_S = 1.0
"""Pause before the second attempt; it doubles from one to the next."""

_CHUNK_BYTES = 1 << 16
_TRANSIENT = frozenset([408, 429, 500, 502, 503, 504])


class Http:
    """Asks a server for each asset.

    The request is ``POST URL`` with the JSON object ``{"prompt": text, "seed": number, "size": metres}``, where size is
    the longest side that real things of the kind have. The answer is status 200 with the bytes of a GLB (y up; it is
    scaled here). Answers of status 408, 429 and 5xx, and broken connections, are tried again a few times. Redirects are
    followed within the same host and port only. No proxy is used and nothing of the user is sent.

    Args:
        url: ``http://`` or ``https://``.
        timeout_s: for one answer.
        attempts: how often at most a request is sent.
        backoff_s: first pause between attempts.
        sleep: what waits, for tests.

    Raises:
        AssetError: not such an address, or one with a user name or password in it.
    """

    def __init__(
        self,
        url: str,
        timeout_s: float = TIMEOUT_S,
        attempts: int = ATTEMPTS,
        backoff_s: float = BACKOFF_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        try:
            parts = urllib.parse.urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise AssetError("assets", url, f"is no address ({error})", "Write http://HOST:PORT/PATH") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise AssetError("assets", url, "is no address of a server", "Write http://HOST:PORT/PATH")
        if parts.username is not None or parts.password is not None:
            # The address itself is not shown.
            raise AssetError("assets", parts.hostname, "is given with a user name or password", "Leave them out")
        self._url, self._timeout_s, self._attempts = url, timeout_s, attempts
        self._backoff_s, self._sleep = backoff_s, sleep
        self.name = f"server {parts.hostname}"
        handlers = (urllib.request.ProxyHandler({}), _SameHost(parts.scheme, parts.netloc, self.name))
        self._opener = urllib.request.build_opener(*handlers)

    def __call__(self, spec: ObjectSpec, seed: int) -> Asset:
        """Ask the server and use what it answers; as :meth:`~.base.AssetGenerator.__call__`."""
        size = CATEGORIES[spec.category].real_size_m[1] if spec.category in CATEGORIES else 0.1
        body = msgspec.json.encode({"prompt": prompt_of(spec), "seed": seed, "size": size})
        return asset_of(self._asked(body), spec, "made by a server", f"answer of {self.name}")

    def _asked(self, body: bytes) -> bytes:
        problem = "is never asked"
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(self._backoff_s * 2.0 ** (attempt - 1))
            try:
                return self._answer(body)
            except urllib.error.HTTPError as error:
                with error:
                    problem = f"answers with status {error.code} ({error.reason})"
                if error.code not in _TRANSIENT:
                    break
            except TimeoutError:
                problem = f"does not answer within {self._timeout_s:g} s"
            except urllib.error.URLError as error:
                timed_out = isinstance(error.reason, TimeoutError)
                limit = f"does not answer within {self._timeout_s:g} s"
                problem = limit if timed_out else f"cannot be reached ({error.reason})"
            except (OSError, http.client.HTTPException) as error:
                problem = f"breaks off ({type(error).__name__})"
        raise AssetError("assets", self.name, problem, "Check that the server runs and try again")

    def _answer(self, body: bytes) -> bytes:
        """One request; errors of urllib pass through."""
        deadline = time.monotonic() + self._timeout_s
        headers = {"Content-Type": "application/json", "Accept": "model/gltf-binary", "Accept-Encoding": "identity"}
        request = urllib.request.Request(self._url, data=body, headers=headers, method="POST")
        with self._opener.open(request, timeout=self._timeout_s) as answer:
            encoding = answer.headers.get("Content-Encoding", "identity")
            if encoding != "identity":  # a small answer could unpack into a large one
                raise AssetError(
                    "assets", self.name, f"answers in the encoding {encoding!r}", "Make it send plain bytes"
                )
            declared = answer.headers.get("Content-Length", "0")
            if declared.isdigit() and int(declared) > MAX_GLB_BYTES:
                raise self._too_large()
            data = bytearray()
            # read1 returns what has come: a server that trickles would hold a longer read for ever.
            while chunk := answer.read1(_CHUNK_BYTES):
                data += chunk
                if len(data) > MAX_GLB_BYTES:
                    raise self._too_large()
                if time.monotonic() > deadline:
                    raise TimeoutError
            if declared.isdigit() and len(data) < int(declared):
                raise http.client.IncompleteRead(bytes(data[:16]))
        return bytes(data)

    def _too_large(self) -> AssetError:
        problem = f"answers with more than {MAX_GLB_BYTES / 1e6:.0f} MB"
        return AssetError("assets", self.name, problem, "Ask it for fewer faces")


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows redirects within one host and port only: another host was never asked for."""

    max_redirections = 5

    def __init__(self, scheme: str, netloc: str, name: str) -> None:
        self._origin, self._name = (scheme, netloc), name

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        parts = urllib.parse.urlsplit(newurl)
        if (parts.scheme, parts.netloc) != self._origin:
            raise AssetError(
                "assets",
                self._name,
                f"redirects to another host ({parts.hostname})",
                "Give that address if you trust it",
            )
        made: Any = super().redirect_request(req, fp, code, msg, headers, newurl)
        return made
