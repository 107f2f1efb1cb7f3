"""Lets PufferLib 3.0.0 be built with NO_OCEAN=1, its own switch for "without the games written in C".

With the switch its setup.py reads a name that it only sets without it; here is that name. Only run.py puts this folder
on the path, and only while PufferLib is being installed.
"""

import builtins

builtins.c_extension_paths = []
