"""Rearrange: things beside others, on or in them, or two that change places."""

from __future__ import annotations

from gen3d_envs.tasks.several import Several


class Rearrange(Several):
    """Success: every target is where its goal says, all at once (:mod:`gen3d_envs.tasks.rules`).

    A goal ``at`` is where the other thing stood when the episode began: two of them exchange two things.
    """
