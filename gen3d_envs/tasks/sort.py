"""Sort: several things, each on or in its receptacle."""

from __future__ import annotations

from gen3d_envs.tasks.several import Several


class Sort(Several):
    """Success: every target lies on or in its receptacle (:class:`gen3d_envs.tasks.place.Placing`), all at once."""
