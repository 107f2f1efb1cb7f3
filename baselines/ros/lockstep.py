"""Simulated time over a real network: the adapter says until when, the simulated robot goes there and answers.

A robot in real time costs real time, and a loaded computer changes what it does. In lockstep nothing depends on how
fast anybody is: the robot's clock moves when it is asked to, a request names how many messages were sent before it,
and an answer how many were published, so that none is overtaken. The same bytes go over the same topics as ever.

Two topics of ``std_msgs/String`` carry requests and answers as JSON; ``/clock`` tells everybody else the time, as
programs with ``use_sim_time`` expect it.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import Gen3DError, RobotStop

from . import messages
from .commands import command_topics
from .profiles import Profile
from .sim_robot import SimRobot
from .transport import Message, Received, Transport

ADVANCE_TOPIC, ANSWER_TOPIC, CLOCK_TOPIC = "/gen3d/advance", "/gen3d/advanced", "/clock"

DEPTH = 64
"""Messages of one topic that may come in one step before the first is lost: 5 Hz steps of a robot at 240 Hz fit."""

ANSWER_S = 20.0
"""How long an answer may take: a scene that has to be built takes seconds."""

HELLO_S = 0.1
LOST_S = 1.0
"""How long a message that was announced may take."""

IDLE_S = 0.0002
START_S = 1000.0


class LockstepTransport:
    """A transport in simulated time: what it waits for, the simulated robot's clock does.

    Args:
        inner: carries the messages.

    Attributes:
        lost: messages that were announced and never came.
    """

    simulated = True

    def __init__(self, inner: Transport) -> None:
        self.name, self._inner, self.lost = inner.name, inner, 0
        self._now, self._session, self._ask = START_S, uuid.uuid4().hex, 0
        self._queues: dict[str, deque[Received]] = {}
        self._counts: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()
        self._owed: Counter[str] = Counter()
        self._advertised: list[str] = []
        self._met = -1
        inner.subscribe(ANSWER_TOPIC, messages.STRING, DEPTH)
        inner.advertise(ADVANCE_TOPIC, messages.STRING)

    def subscribe(self, topic: str, kind: str, depth: int) -> None:
        """See :meth:`Transport.subscribe`."""
        self._queues[topic] = deque(maxlen=depth)
        self._inner.subscribe(topic, kind, DEPTH)

    def advertise(self, topic: str, kind: str) -> None:
        """See :meth:`Transport.advertise`."""
        self._inner.advertise(topic, kind)
        self._advertised.append(topic)

    def publish(self, topic: str, message: Message) -> None:
        """See :meth:`Transport.publish`."""
        self._meet()
        self._inner.publish(topic, message)
        self._sent[topic] += 1

    def take(self, topic: str) -> list[Received]:
        """See :meth:`Transport.take`."""
        self._pull()
        queue = self._queues[topic]
        found = list(queue)
        queue.clear()
        return found

    def publishers(self, topic: str) -> int | None:
        """See :meth:`Transport.publishers`."""
        return self._inner.publishers(topic)

    def wait_for_match(self, topic: str, within_s: float) -> bool:
        """See :meth:`Transport.wait_for_match`. In real time: the robot's does not pass by itself."""
        self._meet()
        return self._inner.wait_for_match(topic, within_s)

    def trouble(self) -> str:
        """See :meth:`Transport.trouble`."""
        return self._inner.trouble()

    def now(self) -> float:
        """See :meth:`Transport.now`."""
        return self._now

    def wait_until(self, when_s: float) -> None:
        """See :meth:`Transport.wait_until`.

        Raises:
            RobotStop: the simulated robot does not answer.
        """
        if when_s > self._now:
            self._request(when_s)

    def sync(self) -> None:
        """Wait until all that was sent was understood, and all that was said about it came; no time passes.

        Raises:
            RobotStop: the simulated robot does not answer.
        """
        self._request(self._now)

    def close(self) -> None:
        """See :meth:`Transport.close`."""
        self._inner.close()

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _request(self, until_s: float) -> None:
        self._meet()
        answer = self._answered({"until": until_s, "sent": dict(self._sent)}, ANSWER_S)
        self._sent.clear()
        if answer is None or "published" not in answer:
            raise RobotStop("connection_lost", "the simulated robot does not answer", "Start gen3d robot-sim again")
        # Never back: an answer is rounded to the robot's physics steps.
        self._now = max(self._now, float(answer["time_s"]))
        self._owed.update({topic: count for topic, count in answer["published"].items() if topic in self._queues})
        end = time.monotonic() + LOST_S
        self._pull()
        while any(count > 0 for count in self._owed.values()):
            if time.monotonic() > end:
                self.lost += sum(max(0, count) for count in self._owed.values())
                self._owed.clear()
                return
            time.sleep(IDLE_S)
            self._pull()

    def _pull(self) -> None:
        for topic, queue in self._queues.items():
            for received in self._inner.take(topic):
                self._counts[topic] += 1
                self._owed[topic] -= 1
                queue.append(Received(received.message, self._now, self._counts[topic]))

    def _answered(self, request: dict[str, Any], within_s: float) -> dict[str, Any] | None:
        """The answer to a request; None where none comes."""
        self._ask += 1
        text = json.dumps({"session": self._session, "ask": self._ask, **request})
        self._inner.publish(ADVANCE_TOPIC, {"data": text})
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            for received in self._inner.take(ANSWER_TOPIC):
                answer = json.loads(str(received.message.get("data", "")) or "{}")
                if (answer.get("session"), answer.get("ask")) == (self._session, self._ask):
                    return dict(answer)
            time.sleep(IDLE_S)
        return None

    def _meet(self) -> None:
        """Make sure that both sides hear each other on every topic: what is sent before is lost."""
        known = len(self._queues) + len(self._advertised)
        if self._met == known:
            return
        end = time.monotonic() + ANSWER_S
        while time.monotonic() < end:
            answer = self._answered({"hello": [*self._queues], "sends": self._advertised}, HELLO_S)
            if answer is not None and answer["heard"] and self._matched(answer["takes"], end):
                self._met, self._now = known, float(answer["time_s"])
                return
            time.sleep(HELLO_S / 5)
        raise Gen3DError("No simulated robot answers: start gen3d robot-sim --simulated-time on the same network.")

    def _matched(self, takes: list[str], end: float) -> bool:
        topics = [topic for topic in self._advertised if topic in takes]
        return all(self._inner.wait_for_match(topic, max(0.0, end - time.monotonic())) for topic in topics)


class LockstepRobot:
    """The other side: a simulated robot whose time passes on request.

    Args:
        env: its world.
        profile: its topics and names.
        transport: carries them.
        state_hz, camera_hz, width, height: see :class:`SimRobot`.
    """

    def __init__(
        self, env: Gen3DEnv, profile: Profile, transport: Transport, state_hz: int, camera_hz: int, width: int,
        height: int,
    ) -> None:  # fmt: skip
        self._transport, self._published, self._taken = transport, Counter[str](), Counter[str]()
        self._session, self._wish = "", dict[str, Any]()
        self._announced: list[str] = []
        self.robot = SimRobot(env, profile, self._emit, state_hz, camera_hz, width, height, START_S)
        for topic, kind in [
            *self.robot.topics().items(),
            (ANSWER_TOPIC, messages.STRING),
            (CLOCK_TOPIC, messages.CLOCK),
        ]:
            transport.advertise(topic, kind)
            self._announced.append(topic)
        self._heard = {**command_topics(profile), str(profile.reset_topic): messages.STRING}
        for topic, kind in (*self._heard.items(), (ADVANCE_TOPIC, messages.STRING)):
            transport.subscribe(topic, kind, DEPTH)

    def _emit(self, topic: str, kind: str, message: Message) -> None:
        self._transport.publish(topic, message)
        self._published[topic] += 1

    def run(self, running: Callable[[], bool], seed: int | None = None) -> float:
        """Answer requests until told otherwise; returns how much simulated time passed.

        Raises:
            FieldError, SceneError: a reset that cannot be understood.
        """
        self.robot.reset(seed)
        while running():
            busy = self._listen()
            if self._wish and all(self._taken[t] >= n for t, n in self._wish["sent"].items()):
                self._advance()
            elif not busy:
                time.sleep(IDLE_S)
        return self.robot.time_s - START_S

    def _listen(self) -> bool:
        """Take commands and requests in; says whether there were any."""
        busy = False
        for received in self._transport.take(ADVANCE_TOPIC):
            busy = True
            self._asked(received)
        for topic in self._heard:
            for received in self._transport.take(topic):
                busy = True
                self._taken[topic] += 1
                self.robot.receive(topic, received.message)
        return busy

    def _asked(self, received: Received) -> None:
        try:
            wish = json.loads(str(received.message.get("data", "")))
            session, ask = str(wish["session"]), int(wish["ask"])
            if "hello" in wish:
                self._greet(session, ask, [str(t) for t in wish["hello"]], [str(t) for t in wish["sends"]])
            elif session != self._session:
                self._say({"session": session, "ask": ask, "unknown": True})
            else:
                sent = {str(topic): int(count) for topic, count in wish["sent"].items()}
                self._wish = {"session": session, "ask": ask, "until": float(wish["until"]), "sent": sent}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return  # whoever sent this gets no answer, and stops

    def _greet(self, session: str, ask: int, listens: list[str], sends: list[str]) -> None:
        if session != self._session:
            self._session, self._wish = session, {}
            self._taken.clear()
            self._published.clear()
        matched: Callable[[str], bool] = getattr(self._transport, "matched", lambda topic: True)
        hears: Callable[[str], bool] = getattr(self._transport, "hears", lambda topic: True)
        heard = all(matched(topic) for topic in listens if topic in self._announced)
        heard = heard and all(hears(topic) for topic in sends if topic in self._heard)
        answer = {"session": session, "ask": ask, "heard": heard, "takes": [*self._heard]}
        self._say({**answer, "time_s": self.robot.time_s})

    def _advance(self) -> None:
        wish, self._wish = self._wish, {}
        self._taken.subtract(wish["sent"])
        self.robot.advance(wish["until"])
        self._transport.publish(CLOCK_TOPIC, {"clock": messages.stamp(self.robot.time_s)})
        published = dict(self._published)
        self._published.clear()
        answer = {"session": wish["session"], "ask": wish["ask"], "time_s": self.robot.time_s}
        self._say({**answer, "published": published})

    def _say(self, answer: dict[str, Any]) -> None:
        self._transport.publish(ANSWER_TOPIC, {"data": json.dumps(answer)})
