"""The subcommands of ``gen3d``, one file each; imported when called, so that ``gen3d --help`` is fast."""
