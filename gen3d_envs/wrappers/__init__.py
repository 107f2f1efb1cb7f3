"""Wrappers around any of the environments; each is recorded in the ``EnvSpec``, so vector workers rebuild it."""

from gen3d_envs.wrappers.camera import CameraRandomization
from gen3d_envs.wrappers.dynamics import DynamicsRandomization
from gen3d_envs.wrappers.flatten import FlattenCameras
from gen3d_envs.wrappers.language import LanguageRandomization
from gen3d_envs.wrappers.layout import LayoutRandomization
from gen3d_envs.wrappers.sensing import SensingRandomization
from gen3d_envs.wrappers.variation import PaperRandomization, Randomize
from gen3d_envs.wrappers.visual import VisualRandomization

__all__ = [
    "CameraRandomization",
    "DynamicsRandomization",
    "FlattenCameras",
    "LanguageRandomization",
    "LayoutRandomization",
    "PaperRandomization",
    "Randomize",
    "SensingRandomization",
    "VisualRandomization",
]
