"""The 3D library of the pages: three.js, taken from the installed trimesh when a site is written.

trimesh (a dependency of the core) carries a template page with three.js and its GLB loader inside. Only the library
is taken; what the viewer does with it is ours (``viewer.js``).
"""

from __future__ import annotations

import io
import zipfile

from gen3d_envs.errors import EngineUnavailable

MAX_TEMPLATE_BYTES = 8_000_000

BEGIN, END = "<script>", "THREE.GLTFLoader=GLTFLoader;})();"
"""The library stands between the first script tag and the end of its loader."""


def three_js() -> str:
    """three.js with ``THREE.GLTFLoader``, as one script with its licence at the top.

    Raises:
        EngineUnavailable: the installed trimesh does not carry it in the way known here.
    """
    from trimesh import __version__, resources

    try:
        with zipfile.ZipFile(io.BytesIO(resources.get_bytes("templates/viewer.zip"))) as archive:
            (entry,) = archive.infolist()
            if entry.file_size > MAX_TEMPLATE_BYTES:
                raise ValueError("too large")
            page = archive.read(entry).decode("utf-8")
        start = page.index(BEGIN) + len(BEGIN)
        library = page[start : page.index(END) + len(END)]
        if "Three.js Authors" not in library[:400] or "</script" in library:
            raise ValueError("another layout")
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise EngineUnavailable(
            f"trimesh {__version__} does not carry three.js as the 3D view expects it ({error}). "
            "Install the version that constraints.txt pins."
        ) from None
    return library + "\n"
