"""The same bits on every x86-64 machine: importing this, before numpy, chooses what it multiplies matrices with.

OpenBLAS, which numpy brings along, takes other kernels where a processor has AVX-512. They add in another order, and
the last bits of a mesh or of a joint angle differ. Those for AVX2 run on such processors too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE, KERNELS = "OPENBLAS_CORETYPE", "Haswell"
"""Read by OpenBLAS when it is loaded."""

CPUINFO = Path("/proc/cpuinfo")
_ENOUGH = 8192


def other_kernels(cpuinfo: Path = CPUINFO) -> bool:
    """Whether OpenBLAS would take kernels for AVX-512 here. False where that cannot be known."""
    try:
        with cpuinfo.open("rb") as file:
            return b" avx512f " in file.read(_ENOUGH)
    except OSError:
        return False


if "numpy" not in sys.modules and VARIABLE not in os.environ and other_kernels():
    os.environ[VARIABLE] = KERNELS
