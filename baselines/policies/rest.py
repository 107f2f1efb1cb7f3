"""A policy behind OpenVLA's REST protocol: POST the picture and the instruction, get the action.

The body is JSON with json-numpy's arrays: ``image`` ``(H, W, 3)`` uint8, ``instruction``, and ``unnorm_key`` where one
is set. The answer is an array; a list of numbers or of arrays (a chunk); or a text that holds such JSON ("double
encoded"). The text ``"error"`` means that the server failed. Source: ``vla-scripts/deploy.py`` of OpenVLA and of
OpenVLA-OFT.
"""

from __future__ import annotations

import http.client
import select
import time
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import FieldError, PolicyError

from .observations import OPENVLA, map_with
from .options import PolicyOptions
from .remote import Attempts, dropped, late, reported, unreachable
from .wire import dump_json, load_json

CHUNK_BYTES = 65536


class RestPolicy:
    """A policy on a server that speaks OpenVLA's protocol; gives ``(A,)`` or ``(H, A)``.

    One connection is kept open over requests where the server allows it. Redirections are not followed.

    Args:
        url: ``"http://host:port/act"`` or ``"https://..."``.
        options: time limits, retries, sizes, keys and ``unnorm_key``.

    Raises:
        FieldError: no such address.
    """

    def __init__(self, url: str, options: PolicyOptions | None = None) -> None:
        self._options = options or PolicyOptions()
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise FieldError("policy", url, "is no web address", "Give http://host:port/act")
        self._url, self._host, self._port, self._secure = url, parts.hostname, port, parts.scheme == "https"
        self._path = (parts.path or "/act") + (f"?{parts.query}" if parts.query else "")
        self._map = map_with(OPENVLA, self._options)
        self._attempts = Attempts(self._options)
        self._connection: http.client.HTTPConnection | None = None
        self._instruction = ""

    @property
    def retries(self) -> int:
        """How often something was tried again so far."""
        return self._attempts.retries

    def reset(self, instruction: str) -> None:
        """Start an episode; connects, so that a server that is not there is found at once.

        Raises:
            PolicyError: the server cannot be reached.
        """
        self._instruction = instruction
        self._attempts.run(self._connect)

    def act(self, observation: Any) -> NDArray[Any]:
        """The server's actions for this observation, as they came.

        Raises:
            PolicyError: no usable answer came.
            FieldError: the observation holds nothing to send.
        """
        message = self._map.to_remote(observation, self._instruction)
        if self._options.unnorm_key is not None:
            message["unnorm_key"] = self._options.unnorm_key
        body = dump_json(message)
        data = self._attempts.run(lambda: self._exchange(body))
        try:
            answer = load_json(data)
            if isinstance(answer, str) and answer != "error":
                answer = load_json(answer)
        except FieldError as error:
            raise self._unusable(f"answered what cannot be read: {error.field}: {error.problem}") from None
        if answer == "error" if isinstance(answer, str) else isinstance(answer, dict):
            raise reported(self._url, answer if isinstance(answer, str) else str(answer)[:500])
        try:
            return np.array(answer)
        except ValueError:
            raise self._unusable("answered actions of different lengths") from None

    def close(self) -> None:
        """Close the connection. A later :meth:`reset` opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            connection = kind(self._host, self._port, timeout=self._options.connect_timeout_s)
            try:
                connection.connect()
            except OSError as error:
                raise unreachable(self._url, error) from None
            self._connection = connection
        return self._connection

    def _exchange(self, body: bytes) -> bytes:
        if self._connection is not None and _hung_up(self._connection):
            # Servers close a kept connection that is idle for a while; that is no failure of this request.
            self.close()
        connection = self._connect()
        try:
            return self._request(connection, body)
        except TimeoutError:
            self.close()
            raise late(self._url, self._options.timeout_s) from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise dropped(self._url, error) from None

    def _request(self, connection: http.client.HTTPConnection, body: bytes) -> bytes:
        """One request; the time limit holds for the whole of it, however slowly the answer drips."""
        deadline = time.monotonic() + self._options.timeout_s
        headers = {"Content-Type": "application/json"}
        if self._options.api_key:
            headers["Authorization"] = f"Api-Key {self._options.api_key}"
        # The socket goes with the response where the server closes after it, so it is kept here.
        wire = connection.sock
        wire.settimeout(self._options.timeout_s)
        connection.request("POST", self._path, body, headers)
        response = connection.getresponse()
        read: list[bytes] = []
        left = self._options.max_answer_bytes
        while True:
            rest = deadline - time.monotonic()
            if rest <= 0.0:
                raise TimeoutError
            if wire.fileno() >= 0:
                wire.settimeout(rest)
            part = response.read1(CHUNK_BYTES)
            if not part:
                break
            read.append(part)
            left -= len(part)
            if left < 0:
                self.close()
                raise self._unusable(f"answered more than {self._options.max_answer_mb:g} MB")
        if response.length:
            raise http.client.IncompleteRead(b"".join(read), response.length)
        response.close()
        if response.will_close:
            self.close()
        data = b"".join(read)
        if response.status != 200:
            self.close()
            text = data[:2000].decode("utf-8", "replace")
            raise reported(self._url, f"{text}\nHTTP {response.status} {response.reason}")
        return data

    def _unusable(self, problem: str) -> PolicyError:
        return PolicyError(self._url, None, problem, "It must answer as OpenVLA's server does", "answer")


def _hung_up(connection: http.client.HTTPConnection) -> bool:
    """Whether the other side closed an idle connection: it became readable though nothing was asked."""
    wire = connection.sock
    return wire is None or wire.fileno() < 0 or bool(select.select([wire], [], [], 0.0)[0])
