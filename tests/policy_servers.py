"""Servers of policies as other people write them, run as a process of their own: ``python policy_servers.py ws|http``.

They follow openpi's and OpenVLA's protocols and share no code with the clients under test. What they do is said by the
instruction: ``"nan@2"`` misbehaves at the third request of a connection (websocket) or of the process (HTTP), and
``"echo"`` never does. The first line they print is their port.
"""

from __future__ import annotations

import base64
import http
import http.server
import json
import socket
import struct
import sys
import time
import traceback
from typing import Any

import numpy as np

ACTION = [0.1, 0.2, 0.3, 0.0, 0.0, 0.0, 1.0]
SLOW_S = 1.5


def unpack_array(item: dict[Any, Any]) -> Any:
    if b"__ndarray__" in item:
        return np.ndarray(buffer=item[b"data"], dtype=np.dtype(item[b"dtype"]), shape=item[b"shape"])
    return item


def pack_array(value: Any) -> Any:
    assert isinstance(value, np.ndarray)
    return {b"__ndarray__": True, b"data": value.tobytes(), b"dtype": value.dtype.str, b"shape": value.shape}


def reset_connection(connection: socket.socket) -> None:
    """Drop a connection as a crash does: without the protocol's goodbye."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Another thread may be reading; closing alone would wait for it.
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def misbehaviour(text: str, request: int) -> str:
    mode, _, at = text.partition("@")
    return mode if not at or int(at) == request else "echo"


def infer(observation: dict[str, Any]) -> dict[str, Any]:
    """A chunk of four; its first number tells the mean of the picture, its second the first number of the state."""
    picture, state = observation["observation/image"], observation["observation/state"]
    assert picture.shape == (224, 224, 3) and picture.dtype == np.uint8
    actions = np.tile(np.array(ACTION, np.float32), (4, 1))
    actions[:, 0], actions[:, 1] = picture.mean() / 255.0, state[0]
    actions[:, 2] = np.arange(4) / 10.0
    return {"actions": actions, "server_timing": {"infer_ms": 0.1}}


def serve_ws() -> None:
    import msgpack
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.server import serve

    def talk(client: Any) -> None:
        client.send(msgpack.packb({"model": "echo"}))
        request = 0
        while True:
            try:
                observation = msgpack.unpackb(client.recv(), object_hook=unpack_array)
            except ConnectionClosed:
                return
            mode = misbehaviour(observation["prompt"], request)
            request += 1
            try:
                answer = infer(observation)
                if mode == "slow":
                    time.sleep(SLOW_S)
                elif mode == "error":
                    raise RuntimeError("out of memory on the accelerator")
                elif mode == "drop":
                    reset_connection(client.socket)
                    return
                elif mode == "leave":
                    client.close(1001)
                    return
                elif mode == "nan":
                    answer["actions"][2, 4] = np.nan
                elif mode == "shape":
                    answer["actions"] = answer["actions"][:, :6]
                elif mode == "empty":
                    answer["actions"] = answer["actions"][:0]
                elif mode == "names":
                    answer = {"action": answer["actions"]}
                elif mode == "huge":
                    answer["padding"] = np.zeros(2_000_000, np.uint8)
                elif mode == "objects":
                    answer["actions"] = {b"__ndarray__": True, b"data": b"12345678", b"dtype": "|O", b"shape": [1]}
                elif mode == "lie":
                    answer["actions"] = {b"__ndarray__": True, b"data": b"", b"dtype": "<f4", b"shape": [9, 7]}
                client.send(b"\xc1 garbage" if mode == "garbage" else msgpack.packb(answer, default=pack_array))
            except ConnectionClosed:
                return
            except RuntimeError:
                client.send(traceback.format_exc())
                client.close(1011)
                return

    def health(connection: Any, request: Any) -> Any:
        return connection.respond(http.HTTPStatus.OK, "OK\n") if request.path == "/healthz" else None

    server = serve(talk, "127.0.0.1", 0, compression=None, max_size=None, process_request=health, close_timeout=0.2)
    print(server.socket.getsockname()[1], flush=True)
    server.serve_forever()


def json_array(array: Any) -> dict[str, Any]:
    return {
        "__numpy__": base64.b64encode(array.tobytes()).decode(), "dtype": array.dtype.str, "shape": list(array.shape)
    }  # fmt: skip


class Act(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    requests = 0

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        mode = misbehaviour(body["instruction"], Act.requests)
        Act.requests += 1
        image = body["image"]
        picture = np.frombuffer(base64.b64decode(image["__numpy__"]), image["dtype"]).reshape(image["shape"])
        assert self.path == "/act" and picture.shape == (224, 224, 3) and picture.dtype == np.uint8
        # Metres, radians, and a gripper of 1 for open: what OpenVLA answers for Bridge.
        action = np.array([0.01, -0.02, 0.05, 0.0, 0.125, -0.25, 1.0 if body.get("unnorm_key") == "bridge" else 0.0])
        answer: Any = json_array(action)
        status = 200
        if mode == "slow":
            time.sleep(SLOW_S)
        elif mode == "error":
            answer = "error"
        elif mode == "drop":
            reset_connection(self.connection)
            self.close_connection = True
            return
        elif mode == "nan":
            answer = json_array(np.full(7, np.nan))
        elif mode == "shape":
            answer = json_array(action[:5])
        elif mode == "ragged":
            answer = [[1.0], [1.0, 2.0]]
        elif mode == "double":
            answer = json.dumps(answer)
        elif mode == "list":
            answer = action.tolist()
        elif mode == "chunk":
            answer = [json_array(action), json_array(2 * action)]
        elif mode == "huge":
            answer = "x" * 2_000_000
        elif mode == "words":
            answer = {"detail": "no such thing"}
        elif mode == "status":
            status, answer = 500, {"detail": "the model is gone"}
        data = b"{" if mode == "garbage" else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data) + (100 if mode == "short" else 0)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if mode == "drip":
            for _ in range(20):
                time.sleep(0.1)
                self.wfile.write(b" ")
            return
        self.wfile.write(data)
        if mode == "short":
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


def serve_http() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Act)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    {"ws": serve_ws, "http": serve_http}[sys.argv[1]]()
