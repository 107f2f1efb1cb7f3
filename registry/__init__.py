"""Released scene cards and their assets: data only. The code that reads them is ``gen3d_envs.registration``."""
