"""Wrappers around any of the environments; each is recorded in the ``EnvSpec``, so vector workers rebuild it."""

from gen3d_envs.wrappers.flatten import FlattenCameras

__all__ = ["FlattenCameras"]
