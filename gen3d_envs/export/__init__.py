"""Scenes in the formats of others: URDF folders, MuJoCo models, GLB files. See :mod:`gen3d_envs.export.scene`."""
