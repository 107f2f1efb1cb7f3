"""A policy behind openpi's websocket protocol.

The server greets with one msgpack map (its metadata). Then, again and again: one map of the observation goes there, one
map with ``actions`` ``(H, A)`` comes back; a text frame instead is the traceback of an error there. Arrays as in
:mod:`wire`. Source: openpi's ``websocket_policy_server.py`` and ``websocket_client_policy.py``.

The protocol knows no episodes. Our own server (:mod:`serve`) says so in its metadata and then gets an episode's name
and the number of the request with each observation, so that it starts anew where we do, and answers a repeated request
with the same actions. Other servers are sent nothing but the observation.
"""

from __future__ import annotations

import dataclasses
import secrets
import socket
import struct
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import EngineUnavailable, FieldError, PolicyError

from .observations import OPENPI, ObservationMap, map_with
from .options import PolicyOptions
from .remote import Attempts, dropped, late, reported, unreachable
from .wire import pack, unpack

EPISODE_KEY, REQUEST_KEY = "gen3d/episode", "gen3d/request"
PROTOCOL = 1
"""Version of what our own server adds to the protocol."""


class WebsocketPolicy:
    """A policy on a server that speaks openpi's protocol; gives chunks ``(H, A)``.

    The connection is opened by the first :meth:`reset` and kept over episodes; it is opened again after an error. A
    repeated request sends the same observation over a new connection: harmless for a server that keeps nothing between
    requests, as openpi's does not.

    Args:
        url: ``"ws://host:port"`` or ``"wss://..."``.
        options: time limits, retries, sizes and keys.

    Raises:
        EngineUnavailable: websockets or msgpack is not installed.
    """

    def __init__(self, url: str, options: PolicyOptions | None = None) -> None:
        self._url, self._options = url, options or PolicyOptions()
        self._attempts = Attempts(self._options)
        self._socket: Any = None
        self._map: ObservationMap = map_with(OPENPI, self._options)
        self._counted = False
        self._instruction, self._episode, self._request = "", "", 0
        self.metadata: dict[str, Any] = {}
        try:
            import websockets.sync.client as client
        except ImportError:
            raise EngineUnavailable("Remote policies need websockets: pip install 'gen3d-envs[remote]'") from None
        self._client = client
        pack({})

    @property
    def retries(self) -> int:
        """How often something was tried again so far."""
        return self._attempts.retries

    def reset(self, instruction: str) -> None:
        """Start an episode; connects where no connection is open.

        Raises:
            PolicyError: the server cannot be reached or does not greet as it should.
        """
        self._instruction, self._episode, self._request = instruction, secrets.token_hex(8), 0
        self._attempts.run(self._connect)

    def act(self, observation: Any) -> NDArray[Any]:
        """The server's actions for this observation, as they came.

        Raises:
            PolicyError: no usable answer came.
            FieldError: the observation holds nothing to send.
        """
        answer = self._attempts.run(lambda: self._exchange(observation))
        self._request += 1
        if not isinstance(answer, dict) or "actions" not in answer:
            keys = sorted(map(str, answer)) if isinstance(answer, dict) else type(answer).__name__
            raise self._unusable(f"answered without 'actions': {str(keys)[:120]}")
        try:
            return np.array(answer["actions"])
        except ValueError:
            raise self._unusable("answered actions of different lengths") from None

    def close(self) -> None:
        """Close the connection. A later :meth:`reset` opens it again."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def _connect(self) -> None:
        if self._socket is not None:
            return
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

        options = self._options
        headers = {"Authorization": f"Api-Key {options.api_key}"} if options.api_key else None
        try:
            # No pings: a server that computes for long, say at its first request, cannot answer them, and the time
            # limit of the answer finds dead ones as well.
            connection = self._client.connect(
                self._url, compression=None, max_size=options.max_answer_bytes, additional_headers=headers,
                open_timeout=options.connect_timeout_s, close_timeout=0.5, ping_interval=None, proxy=None,
            )  # fmt: skip
        except InvalidURI as error:
            raise FieldError("policy", self._url, f"is no websocket address ({error})", "Give ws://host:port") from None
        except (OSError, InvalidHandshake, EOFError) as error:
            raise unreachable(self._url, error) from None
        self._socket = connection
        _limit_send(connection.socket, options.timeout_s)
        try:
            greeting = self._receive(options.connect_timeout_s)
        except ConnectionClosed as error:
            self.close()
            raise dropped(self._url, error) from None
        if not isinstance(greeting, dict):
            self.close()
            raise self._unusable(f"greeted with {type(greeting).__name__} instead of a map")
        self.metadata = greeting
        self._adopt(greeting.get("gen3d"))

    def _adopt(self, ours: Any) -> None:
        """Take over what a server of this library says of itself: what it wants to see, and that it counts."""
        self._counted = isinstance(ours, dict) and ours.get("protocol") == PROTOCOL
        if self._counted and isinstance(ours.get("observation"), dict):
            known = {field.name for field in dataclasses.fields(ObservationMap)}
            said = {key: value for key, value in ours["observation"].items() if key in known}
            if all(isinstance(value, (str, int, type(None))) for value in said.values()):
                self._map = map_with(dataclasses.replace(OPENPI, **said), self._options)

    def _exchange(self, observation: Any) -> Any:
        from websockets.exceptions import ConnectionClosed

        # The map may change with the greeting, so the message is made once the connection stands.
        self._connect()
        message = self._map.to_remote(observation, self._instruction)
        if self._counted:
            message |= {EPISODE_KEY: self._episode, REQUEST_KEY: self._request}
        begin, sent = time.monotonic(), False
        try:
            self._socket.send(pack(message))
            sent = True
            return self._receive(self._options.timeout_s)
        except ConnectionClosed as error:
            self.close()
            if not sent and time.monotonic() - begin >= self._options.timeout_s:
                raise late(self._url, self._options.timeout_s) from None
            if error.sent is not None and error.sent.code == 1009:
                raise self._unusable(f"answered more than {self._options.max_answer_mb:g} MB") from None
            raise dropped(self._url, error) from None
        except OSError as error:
            self.close()
            raise dropped(self._url, error) from None

    def _receive(self, timeout_s: float) -> Any:
        try:
            data = self._socket.recv(timeout=timeout_s)
        except TimeoutError:
            # A late answer must not be taken for that of the next request.
            self.close()
            raise late(self._url, timeout_s) from None
        if isinstance(data, str):
            self.close()
            raise reported(self._url, data)
        try:
            return unpack(data)
        except FieldError as error:
            self.close()
            raise self._unusable(f"sent what cannot be read: {error.field}: {error.problem}") from None

    def _unusable(self, problem: str) -> PolicyError:
        return PolicyError(self._url, None, problem, "It must answer as openpi's server does", "answer")


def _limit_send(connection: socket.socket, timeout_s: float) -> None:
    """Let a send to a server that no longer reads fail after a while; websockets has no limit of its own for it."""
    if sys.platform == "win32":  # it counts in milliseconds there, and is not tested
        return
    whole = int(timeout_s)
    value = struct.pack("ll", whole, int((timeout_s - whole) * 1e6))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
