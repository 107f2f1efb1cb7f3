"""Offers a policy over openpi's websocket protocol: ``gen3d serve``."""

from __future__ import annotations

import contextlib
import dataclasses
import http
import threading
import time
import traceback
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from gen3d_envs.errors import EngineUnavailable, FieldError

from .get import get_policy, load_policy
from .observations import OPENPI, ObservationMap, map_with
from .options import parse_policy
from .protocol import ChunkPolicy, close
from .websocket import EPISODE_KEY, PROTOCOL, REQUEST_KEY
from .wire import pack, unpack

HOST = "127.0.0.1"
"""Whoever can connect can use the policy, so other computers have to be let in by name."""

MAX_REQUEST_BYTES = 64_000_000


class PolicyServer:
    """A policy on a port, for clients of openpi's protocol and of ours (see :mod:`websocket`).

    One episode runs at a time. It begins with a client's first observation, or where the instruction changes, or where
    one of our clients says so; whoever goes on with an episode after another client began one gets an error. Requests
    are answered one after the other. ``GET /healthz`` answers 200.

    Args:
        policy: acts.
        observation_space: what it observes: messages are turned into this.
        observation_map: names of what clients send.
        about: more to say in the greeting.
        host: address to listen at.
        port: 0 takes any free one.

    Raises:
        EngineUnavailable: websockets or msgpack is not installed.
        OSError: the port is taken.
    """

    def __init__(
        self, policy: ChunkPolicy, observation_space: gymnasium.Space[Any], observation_map: ObservationMap = OPENPI,
        about: dict[str, Any] | None = None, host: str = HOST, port: int = 0,
    ) -> None:  # fmt: skip
        try:
            from websockets.sync.server import serve
        except ImportError:
            raise EngineUnavailable("Serving needs websockets: pip install 'gen3d-envs[remote]'") from None
        self._policy, self._space, self._map = policy, observation_space, observation_map
        ours = {"protocol": PROTOCOL, "observation": dataclasses.asdict(observation_map), **(about or {})}
        self._greeting = pack({"gen3d": ours})
        self._busy, self._owner, self._prompt = threading.Lock(), "", ""
        self._request, self._answer = -1, b""
        self._clients: set[Any] = set()
        self._server = serve(
            self._serve_client, host, port, compression=None, max_size=MAX_REQUEST_BYTES, close_timeout=0.5,
            process_request=_health,
        )  # fmt: skip
        self.host, self.port = host, int(self._server.socket.getsockname()[1])

    @property
    def address(self) -> str:
        """Where clients connect."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ws://{host}:{self.port}"

    def run(self) -> None:
        """Serve until :meth:`close` is called in another thread, or an exception such as Ctrl+C ends it."""
        self._server.serve_forever()

    def close(self) -> None:
        """Take no more connections, end those there are (code 1001, going away), and give the policy back."""
        with contextlib.suppress(OSError):
            self._server.shutdown()
        for client in list(self._clients):
            client.close(1001, "the server stops")
        with self._busy:
            close(self._policy)

    def _serve_client(self, client: Any) -> None:
        from websockets.exceptions import ConnectionClosed

        self._clients.add(client)
        plain = f"connection {id(client)}"
        fresh = True
        try:
            client.send(self._greeting)
            while True:
                data = client.recv()
                begin = time.perf_counter()
                try:
                    if isinstance(data, str):
                        raise FieldError("message", data, "is text", "Send one msgpack map of the observation")
                    with self._busy:
                        answer = self._answered(unpack(data), plain, fresh, begin)
                # Whatever a policy raises is the client's to know; the server goes on for the next one.
                except Exception:
                    self._owner = ""
                    client.send(traceback.format_exc())
                    client.close(1011, "error; see the text before")
                    return
                fresh = False
                client.send(answer)
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)

    def _answered(self, message: Any, plain: str, fresh: bool, begin: float) -> bytes:
        """The answer to a message; held by one client at a time."""
        if not isinstance(message, dict):
            raise FieldError("message", type(message).__name__, "is no map", "Send one msgpack map of the observation")
        prompt = message.get(self._map.prompt_key)
        if not isinstance(prompt, str):
            raise FieldError(f"message[{self._map.prompt_key!r}]", prompt, "is no text", "Send the instruction")
        owner, request = message.get(EPISODE_KEY), message.get(REQUEST_KEY)
        if isinstance(owner, str) and isinstance(request, int):
            if owner == self._owner and request == self._request:
                return self._answer
            begins = request == 0
            goes_on = owner == self._owner and request == self._request + 1
        else:
            owner, request = plain, self._request + 1
            begins = fresh or (owner == self._owner and prompt != self._prompt)
            goes_on = owner == self._owner
        if not begins and not goes_on:
            raise FieldError(
                "episode", owner, "is not the one that runs here: the server was started anew, or another client "
                "began an episode", "Begin the episode again; run one server for each client",
            )  # fmt: skip
        observation = self._map.to_ours(message, self._space)
        # An error below must not leave a half-begun episode that could go on.
        self._owner = ""
        if begins:
            self._policy.reset(prompt)
            request = 0
        actions = np.atleast_2d(np.asarray(self._policy.act(observation), np.float32))
        spent = {"infer_ms": 1000.0 * (time.perf_counter() - begin)}
        self._answer = pack({"actions": actions, "server_timing": spent})
        self._owner, self._request, self._prompt = owner, request, prompt
        return self._answer


def serve_policy(
    text: str, env: gymnasium.Env[Any, Any], env_id: str, seed: int = 0, host: str = HOST, port: int = 0
) -> PolicyServer:
    """A server for a policy as ``--policy`` names it; ``run()`` serves.

    Chunks are handed out whole and the client executes them, unless the policy's options change actions on the way.

    Args:
        text: the policy.
        env: has the spaces and the control that the policy was made for; nothing runs in it.
        env_id: its ID, for the greeting.
        seed: of a policy that draws.
        host: where to listen.
        port: where to listen; 0 takes any free one.

    Raises:
        FieldError: a policy that reads its environment, which is not the client's.
        PolicyError, EngineUnavailable: as :func:`get.get_policy`.
        OSError: the port is taken.
    """
    what, options = parse_policy(text)
    if what == "expert":
        raise FieldError(
            "policy", what, "reads the environment it acts in, and the client's is not here", "Run it where the env is"
        )
    own = options.convention is None and options.replan is options.horizon is options.ensemble is None
    policy: ChunkPolicy = load_policy(what, env, options, seed).policy if own else get_policy(text, env, seed)
    width, height = picture_size(env.observation_space)
    about = {"policy": what, "env": env_id, "actions": list(env.action_space.shape or ())}
    observation_map = map_with(dataclasses.replace(OPENPI, width=width, height=height), options)
    return PolicyServer(policy, env.observation_space, observation_map, about, host, port)


def picture_size(space: gymnasium.Space[Any]) -> tuple[int | None, int | None]:
    """Width and height of the first picture in an observation space; None where there is none."""
    if isinstance(space, spaces.Dict):
        found = (picture_size(part) for part in space.spaces.values())
        return next((size for size in found if size[0] is not None), (None, None))
    shape = space.shape
    return (shape[1], shape[0]) if shape is not None and len(shape) == 3 else (None, None)


def _health(connection: Any, request: Any) -> Any:
    return connection.respond(http.HTTPStatus.OK, "OK\n") if request.path == "/healthz" else None
