"""Any policy behind one protocol: local, from a file, over a network. Start with :func:`get_policy`."""

from __future__ import annotations

from .broker import ChunkBroker
from .conventions import CONVENTIONS, ActionConvention, ActionConverter
from .get import get_policy, load_policy
from .observations import ObservationMap
from .options import PolicyOptions, parse_policy
from .protocol import ChunkPolicy

__all__ = [
    "get_policy",
    "load_policy",
    "parse_policy",
    "ChunkPolicy",
    "ChunkBroker",
    "PolicyOptions",
    "ObservationMap",
    "ActionConvention",
    "ActionConverter",
    "CONVENTIONS",
]
