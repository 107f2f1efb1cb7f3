"""Gen3D: certified, interactive 3D robot scenes from sentences, as Gymnasium environments.

Importing the package registers its IDs. It loads no physics engine, renderer or mesh library.
"""

import gen3d_envs.kernels  # noqa: F401  (before anything imports numpy)
from gen3d_envs.registration import register_all, register_folder, register_scene, scene_names

__all__ = ["__version__", "register_folder", "register_scene", "scene_names"]
__version__ = "0.1.0"

register_all()
