"""A real Chromium for tests of pages, driven over the DevTools protocol through a pipe: no port, no driver program.

``open_browser()`` starts one with a profile of its own; ``tests/conftest.py`` has the fixture ``browser`` that skips
where no Chromium is installed.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import io
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT_S = 30.0

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu-sandbox", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--hide-scrollbars", "--force-color-profile=srgb", "--mute-audio",
    # WebGL on the processor.
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--remote-debugging-pipe",
)  # fmt: skip

KEYS = {
    "Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
    "ArrowDown": 40,
}  # fmt: skip
"""Windows key codes, which the protocol wants beside the names."""


def find_chromium() -> str | None:
    """The browser's program, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A running browser; see :func:`open_browser`."""

    def __init__(self, program: str, profile: str) -> None:
        mine_in, theirs_out = os.pipe()
        theirs_in, mine_out = os.pipe()
        # The browser reads commands from descriptor 3 and writes answers to 4; these may be ours, so out of the way.
        high_in, high_out = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs_in, theirs_out))
        null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
        pipes = [(os.POSIX_SPAWN_DUP2, high_in, 3), (os.POSIX_SPAWN_DUP2, high_out, 4)]
        self._process = os.posix_spawn(
            program, [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"], {**os.environ, "HOME": profile},
            file_actions=[*null, *pipes], setpgroup=0,
        )  # fmt: skip
        for end in (theirs_in, theirs_out, high_in, high_out):
            os.close(end)
        self._in, self._out = mine_in, mine_out
        self._buffer = b""
        self._next = 0
        self._pages: dict[str, Page] = {}

    def open(self, address: str, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        """A new page, loaded."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self._pages[session] = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", {"features": [scheme]})
        page.go(address)
        return page

    def call(self, method: str, parameters: dict[str, Any] | None = None, session: str | None = None) -> dict[str, Any]:
        """Send one command and return its result; events that come before it go to their pages."""
        self._next += 1
        number = self._next
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters or {}}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + TIMEOUT_S
        while True:
            answer = self._read(end, method)
            if answer.get("id") == number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def poll(self, seconds: float) -> None:
        """Let events come in for a while."""
        end = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            while True:
                self._read(end, "events")

    def _read(self, end: float, waiting_for: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._in], [], [], left)[0]:
                raise TimeoutError(f"the browser did not answer: {waiting_for}")
            chunk = os.read(self._in, 1 << 20)
            if not chunk:
                raise ConnectionError("the browser ended")
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        page = self._pages.get(message.get("sessionId", ""))
        if "method" in message and page is not None:
            page.hear(message["method"], message["params"])
        return message

    def close(self) -> None:
        """End the browser with all its helpers."""
        with contextlib.suppress(OSError, AssertionError, TimeoutError):
            self.call("Browser.close")
        for attempt in range(100):
            if os.waitpid(self._process, os.WNOHANG)[0]:
                break
            if attempt == 60:
                os.killpg(self._process, signal.SIGKILL)
            time.sleep(0.05)
        os.close(self._in)
        os.close(self._out)


class Page:
    """One page.

    Attributes:
        errors: what the console complained about: exceptions, errors, warnings, and files that did not load.
        requests: addresses asked for, without ``data:`` and ``blob:``.
    """

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser, self._session, self._target = browser, session, target
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._loaded = False

    def hear(self, method: str, event: dict[str, Any]) -> None:
        """Take in an event."""
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(a.get("value", a.get("description"))) for a in event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{event['entry']['text']} {event['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            address = event["request"]["url"]
            if not address.startswith(("data:", "blob:")):
                self.requests.append(address)

    def call(self, method: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a command about this page."""
        return self._browser.call(method, parameters, self._session)

    def go(self, address: str) -> None:
        """Load an address and wait until the page has loaded."""
        self._loaded = False
        answer = self.call("Page.navigate", {"url": address})
        assert "errorText" not in answer, answer
        end = time.monotonic() + TIMEOUT_S
        # Without a loader only the fragment has changed, and nothing is loaded.
        while not self._loaded and "loaderId" in answer:
            assert time.monotonic() < end, f"{address} does not load"
            self._browser.poll(0.02)

    def resize(self, width: int, height: int) -> None:
        """Give the page another size, in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", size)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; promises are awaited."""
        parameters = {"expression": expression, "returnByValue": True, "awaitPromise": True, "userGesture": True}
        answer = self.call("Runtime.evaluate", parameters)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + timeout_s
        while not self.evaluate(f"!!({condition})"):
            assert time.monotonic() < end, f"never true: {condition}; errors: {self.errors}"
            self._browser.poll(0.03)

    def text(self, selector: str) -> str:
        """The text of the first element that fits, as shown."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def middle(self, selector: str) -> tuple[float, float]:
        """Where an element is in the window, after scrolling to it."""
        x, y = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'}); "
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        return x, y

    def click(self, selector: str) -> None:
        """Click an element with the mouse, as a person would."""
        self.click_at(*self.middle(selector))

    def click_at(self, x: float, y: float) -> None:
        """Click a place in the window."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self._mouse(kind, x, y)

    def drag(self, start: tuple[float, float], dx: float, dy: float, steps: int = 8) -> None:
        """Press, move and let go."""
        x, y = start
        self._mouse("mouseMoved", x, y)
        self._mouse("mousePressed", x, y)
        for step in range(1, steps + 1):
            self._mouse("mouseMoved", x + dx * step / steps, y + dy * step / steps, held=True)
        self._mouse("mouseReleased", x + dx, y + dy)

    def _mouse(self, kind: str, x: float, y: float, held: bool = False) -> None:
        event: dict[str, Any] = {"type": kind, "x": x, "y": y, "pointerType": "mouse"}
        if kind != "mouseMoved" or held:
            event |= {"button": "left", "buttons": 0 if kind == "mouseReleased" else 1, "clickCount": 1}
        self.call("Input.dispatchMouseEvent", event)

    def paste(self) -> None:
        """Paste the clipboard into what has the focus."""
        event = {"key": "v", "code": "KeyV", "windowsVirtualKeyCode": 86, "modifiers": 2, "commands": ["paste"]}
        self.call("Input.dispatchKeyEvent", {"type": "rawKeyDown", **event})
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def press(self, key: str, shift: bool = False) -> None:
        """Press and release one key, e.g. ``"Tab"`` or ``"a"``."""
        code = KEYS.get(key, ord(key.upper()[0]))
        event = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        text = "\r" if key == "Enter" else key if len(key) == 1 else None
        down = {"type": "keyDown", **event, **({"text": text} if text else {})}
        self.call("Input.dispatchKeyEvent", down)
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def type(self, text: str) -> None:
        """Type text into what has the focus."""
        for letter in text:
            self.press(letter)

    def screenshot(self, selector: str | None = None, whole: bool = False) -> bytes:
        """PNG of the window, of the whole page, or of the box of one element."""
        parameters: dict[str, Any] = {"format": "png", "captureBeyondViewport": whole}
        if selector is not None:
            self.middle(selector)
            x, y, width, height = self.evaluate(
                f"(() => {{ const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
                "return [r.x + scrollX, r.y + scrollY, r.width, r.height]; })()"
            )
            parameters["clip"] = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
        return base64.b64decode(self.call("Page.captureScreenshot", parameters)["data"])

    def pixels(self, selector: str) -> NDArray[np.uint8]:
        """What an element looks like now, (h, w, 3) uint8."""
        from PIL import Image

        return np.asarray(Image.open(io.BytesIO(self.screenshot(selector))).convert("RGB"))

    def close(self) -> None:
        """Close the page."""
        self._browser.call("Target.closeTarget", {"targetId": self._target})


@contextlib.contextmanager
def open_browser(program: str) -> Iterator[Browser]:
    """A browser with an empty profile, gone with it at the end."""
    profile = Path(tempfile.mkdtemp(prefix="browser-"))
    browser = Browser(program, str(profile))
    try:
        yield browser
    finally:
        browser.close()
        shutil.rmtree(profile, ignore_errors=True)
