"""ROS 2 topics over Cyclone DDS: the same wire, names and types as a ROS 2 node has, without a ROS installation.

Topics only: services, actions and parameters need a real ROS 2 (the ``rclpy`` transport). The node is a bare
participant, so ``ros2 node list`` does not name it; ``ros2 topic list`` and ``echo`` see its topics.
"""

from __future__ import annotations

import dataclasses
import types
from collections import deque
from typing import Any

from gen3d_envs.errors import EngineUnavailable, FieldError

from . import messages
from .cdr import decode, encode, fields, type_hash, type_name
from .messages import BadMessage
from .transport import Message, Networked, Received

try:
    from cyclonedds import idl
    from cyclonedds._clayer import ddspy_write
    from cyclonedds.builtin import BuiltinDataReader, BuiltinTopicDcpsPublication
    from cyclonedds.core import Policy, Qos
    from cyclonedds.domain import Domain, DomainParticipant
    from cyclonedds.idl import types as idl_types
    from cyclonedds.idl.annotations import final
    from cyclonedds.pub import DataWriter
    from cyclonedds.sub import DataReader
    from cyclonedds.topic import Topic
    from cyclonedds.util import duration
except ImportError as error:
    raise EngineUnavailable(
        "transport='cyclonedds' needs Cyclone DDS, which is not installed. Run: pip install 'gen3d-envs[ros]'"
    ) from error

IMAGES = (messages.IMAGE, messages.COMPRESSED_IMAGE)

LOOPBACK = (
    '<CycloneDDS><Domain Id="any"><General><Interfaces><NetworkInterface name="lo" multicast="true"/></Interfaces>'
    "</General></Domain></CycloneDDS>"
)
"""Configuration that keeps everything on this machine."""

WRITE_DEPTH = 10


class _Raw:
    """Received bytes, undecoded: decoding an image as a Python dataclass takes 6-12 ms, this takes none."""

    __slots__ = ("data", "sample_info")

    def __init__(self, data: bytes) -> None:
        self.data, self.sample_info = data, None

    @classmethod
    def deserialize(cls, data: bytes, has_header: bool = True, use_version_2: Any = None) -> _Raw:
        return cls(data)

    @classmethod
    def deserialize_key(cls, data: bytes, has_header: bool = True, use_version_2: Any = None) -> _Raw:
        return cls(b"")


class DdsTransport(Networked):
    """One DDS participant.

    Args:
        domain: the ``ROS_DOMAIN_ID`` of the robot.
        loopback: stay on this machine.
        configuration: of Cyclone DDS, as XML; instead of ``loopback``.
        reliable: ask for lost pictures again; between two simulations, where one that is late is better than none.

    Raises:
        FieldError: a domain that does not exist.
    """

    name = "cyclonedds"

    def __init__(
        self, domain: int = 0, loopback: bool = False, configuration: str | None = None, reliable: bool = False
    ) -> None:
        if isinstance(domain, bool) or not isinstance(domain, int) or not 0 <= domain <= 232:
            raise FieldError("domain", domain, "is no ROS_DOMAIN_ID", "Use a whole number from 0 to 232")
        super().__init__()
        self._reliable = reliable
        text = configuration or (LOOPBACK if loopback else None)
        if text is not None:
            _configure(domain, text)
        self._participant = DomainParticipant(domain, qos=Qos(Policy.Userdata(b"enclave=/;")))
        self._topics: dict[str, Any] = {}
        self._writers: dict[str, tuple[Any, str]] = {}
        self._readers: dict[str, tuple[Any, str, int]] = {}
        self._counts: dict[str, int] = {}
        self._discovered = BuiltinDataReader(self._participant, BuiltinTopicDcpsPublication)
        self._publications: dict[str, str] = {}
        self._closed = False

    def subscribe(self, topic: str, kind: str, depth: int) -> None:
        """See :meth:`Transport.subscribe`. Images are taken as they come: a lost one is not asked for again."""
        reader: Any = DataReader(self._participant, self._topic(topic, kind), qos=self._qos(kind, depth))
        reader._topic = _RawTopic(self._topics[topic])
        self._readers[topic] = (reader, kind, depth)

    def advertise(self, topic: str, kind: str) -> None:
        """See :meth:`Transport.advertise`."""
        if topic not in self._writers:
            qos = self._qos(kind, WRITE_DEPTH) + Qos(Policy.Userdata(f"typehash={type_hash(kind)};".encode()))
            self._writers[topic] = (DataWriter(self._participant, self._topic(topic, kind), qos=qos), kind)

    def publish(self, topic: str, message: Message) -> None:
        """See :meth:`Transport.publish`."""
        writer, kind = self._writers[topic]
        data = encode(kind, message)
        # The wheel's own write() would make a dataclass of the message first: 22-35 ms for a picture.
        result = ddspy_write(writer._ref, data.ljust((len(data) + 3) & ~3, b"\0"))
        if result < 0:
            raise OSError(f"DDS could not write on {topic} (code {result})")

    def take(self, topic: str) -> list[Received]:
        """See :meth:`Transport.take`. What cannot be decoded comes as an empty message, for the reader to refuse."""
        reader, kind, depth = self._readers[topic]
        found: deque[Received] = deque(maxlen=depth)
        now = self.now()
        for sample in reader.take(N=4 * depth):
            data = getattr(sample, "data", b"")
            if not data:
                continue
            self._counts[topic] = self._counts.get(topic, 0) + 1
            try:
                message = decode(kind, data)
            except BadMessage:
                message = {}
            found.append(Received(message, now, self._counts[topic]))
        return list(found)

    def publishers(self, topic: str) -> int | None:
        """See :meth:`Transport.publishers`. From DDS discovery, own writers included."""
        for sample in self._discovered.take(N=1000):
            key = str(getattr(sample, "key", ""))
            name = getattr(sample, "topic_name", None)
            alive = sample.sample_info.instance_state == 16  # DDS_IST_ALIVE
            if name is not None and alive:
                self._publications[key] = name
            else:
                self._publications.pop(key, None)
        return sum(name == f"rt{topic}" for name in self._publications.values())

    def matched(self, topic: str) -> bool:
        """See :meth:`Networked.matched`."""
        return bool(self._writers[topic][0].get_matched_subscriptions())

    def hears(self, topic: str) -> bool:
        """A topic that is subscribed here is heard from somebody. Both sides find each other at different times."""
        return bool(self._readers[topic][0].get_matched_publications())

    def trouble(self) -> str:
        """See :meth:`Transport.trouble`. DDS has no master that could be lost."""
        return ""

    def close(self) -> None:
        """See :meth:`Transport.close`."""
        if not self._closed:
            self._closed = True
            self._readers.clear()
            self._writers.clear()
            self._topics.clear()
            del self._discovered, self._participant

    def _qos(self, kind: str, depth: int) -> Any:
        lossy = kind in IMAGES and not self._reliable
        reliability = Policy.Reliability.BestEffort if lossy else Policy.Reliability.Reliable(duration(seconds=1))
        return Qos(reliability, Policy.History.KeepLast(depth), Policy.Durability.Volatile)

    def _topic(self, topic: str, kind: str) -> Any:
        if topic not in self._topics:
            self._topics[topic] = Topic(self._participant, f"rt{topic}", idl_type(type_name(kind)))
        return self._topics[topic]


_DOMAINS: dict[int, tuple[str, Any]] = {}
"""Configured domains of this process: a second configuration of one is an error in DDS, and closing one ends all."""


def _configure(domain: int, text: str) -> None:
    known = _DOMAINS.get(domain)
    if known is None:
        _DOMAINS[domain] = (text, Domain(domain, text))
    elif known[0] != text:
        raise FieldError("configuration", text, f"differs from that of domain {domain} in this process", "Use one")


class _RawTopic:
    """Makes a reader hand out bytes."""

    data_type = _Raw

    def __init__(self, topic: Any) -> None:
        self._topic = topic


_TYPES: dict[str, Any] = {}

_BASES = {
    "bool": bool, "string": str, "octet": idl_types.uint8, "byte": idl_types.uint8, "char": idl_types.uint8,
    **{name: getattr(idl_types, name) for name in (
        "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64",
    )},
}  # fmt: skip


def idl_type(name: str) -> Any:
    """The DDS type that ROS 2 makes of a message type: final, members in order, named ``package::msg::dds_::Name_``."""
    if name not in _TYPES:
        package, _, short = name.split("/")
        hints = {field: _idl_field(how) for field, how in fields(name)}
        made = types.new_class(
            f"{short}_", (idl.IdlStruct,), {"typename": f"{package}.msg.dds_.{short}_"},
            lambda space: space.update({"__annotations__": hints, "__module__": __name__}),
        )  # fmt: skip
        made = final(dataclasses.dataclass(made))
        _TYPES[name] = made
    return _TYPES[name]


def _idl_field(how: Any) -> Any:
    node, detail = how
    if node == 2:
        return idl_type(detail)
    if node == 1:
        return _BASES[detail[0]]
    inner, length = detail
    kinds: Any = idl_types
    return kinds.array[_idl_field(inner), length] if node == 3 else kinds.sequence[_idl_field(inner)]
