"""Assets from a folder of meshes with labels: the ones whose words agree best with the description."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np

from gen3d_envs.assets.asset import Asset
from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.assets.generators.foreign import Source, fitted
from gen3d_envs.assets.import_mesh import bodies_of
from gen3d_envs.assets.mesh_file import EXTENSIONS, inside, read_bytes, read_mesh
from gen3d_envs.assets.simplify import Array
from gen3d_envs.errors import AssetError, UnfitError
from gen3d_envs.spec import ObjectSpec

LABELS = "labels.json"
MAX_LABEL_BYTES = 4_000_000
MAX_MESHES = 20_000
TRIES = 3
"""Meshes of the right category that are tried until one passes the gate."""

_REMEDY = f"Write {LABELS} as {{'mug_3.glb': {{'category': 'mug', 'description': 'red coffee mug'}}}}"


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a mesh file.

    Attributes:
        category: a name of the catalogue; without one, the words of description and file name are searched for one.
        description: free words: colour, material, style.
        up_axis: which axis of the file points up; without it y for GLB and z for the others.
        real_size: the file's unit is the metre and its size is meant.
    """

    category: str | None = None
    description: Annotated[str, msgspec.Meta(max_length=400)] = ""
    up_axis: Literal["y", "z"] | None = None
    real_size: bool = False


@dataclass(frozen=True)
class _Entry:
    """A mesh of the library: its path, its label, its category and all its words."""

    path: Path
    label: Label
    category: str
    words: frozenset[str]


class Folder:
    """A library of meshes on disk.

    With a ``labels.json`` (an object from file name to :class:`Label`, or to a plain description) only the files named
    there are used; without one, every mesh whose file name holds the name of a category: ``red_mug_01.glb``. A file
    that ends in ``_collision`` holds the convex bodies of the mesh beside it.

    Raises:
        AssetError: no folder, damaged labels, a label of an unknown category or of a file that is not there or lies
            outside, or no mesh at all.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise AssetError("assets", str(folder), "is not a folder", "Give the folder of a mesh library")
        self.name = f"folder {self._folder.resolve().name}"
        labels = self._read_labels()
        if labels is None:
            names = sorted(path.name for path in self._folder.iterdir() if path.suffix.lower() in EXTENSIONS)
            names = [name for name in names if not Path(name).stem.endswith("_collision")]
            entries = [self._entry(name, Label(), f"{name}") for name in names[:MAX_MESHES]]
        else:
            entries = [self._labelled(name, label) for name, label in sorted(labels.items())]
        self._entries = tuple(entry for entry in entries if entry is not None)
        if not self._entries:
            raise AssetError(
                "assets", str(folder), "holds no mesh whose name or label names a category of the catalogue", _REMEDY
            )

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories it has meshes of, in alphabetical order."""
        return tuple(sorted({entry.category for entry in self._entries}))

    def __call__(self, spec: ObjectSpec, seed: int) -> Asset:
        """A mesh of the category whose words agree best; as :meth:`~.base.AssetGenerator.__call__`."""
        found = [entry for entry in self._entries if entry.category == spec.category]
        if not found:
            problem = f"{self.name} has no such mesh, only {', '.join(self.categories)}"
            raise UnfitError(
                f"{spec.name}.category", spec.category, problem,
                "Add one, or append ',procedural' to the generator to make it instead", "no such mesh",
            )  # fmt: skip
        wanted = _words(f"{spec.description} {spec.color or ''} {spec.material or ''}")
        order = np.random.default_rng(seed).permutation(len(found))
        # The sort is stable: among equally good ones the seed decides.
        ranked = sorted((found[k] for k in order), key=lambda entry: -len(wanted & entry.words))
        flaw: UnfitError | None = None
        for entry in ranked[:TRIES]:
            try:
                return self._make(entry, spec)
            except UnfitError as error:
                flaw = flaw or error
        assert flaw is not None
        raise flaw

    def _make(self, entry: _Entry, spec: ObjectSpec) -> Asset:
        raw = read_mesh(entry.path, f"{self.name}: {entry.path.name}")
        bodies: tuple[Array, ...] = ()
        for suffix in EXTENSIONS:
            beside = entry.path.with_name(f"{entry.path.stem}_collision{suffix}")
            if beside.is_file():
                bodies = tuple(bodies_of(read_mesh(beside, f"{self.name}: {beside.name}")))
                break
        up_axis = entry.label.up_axis or ("y" if entry.path.suffix.lower() == ".glb" else "z")
        # Not the folder's name: the same library elsewhere gives the same asset.
        source = Source(f"from a mesh library: {entry.path.name}", up_axis, entry.label.real_size)
        return fitted(raw, spec, source, bodies)

    def _read_labels(self) -> dict[str, Label | str] | None:
        path = self._folder / LABELS
        if not path.exists():
            return None
        data = read_bytes(path, LABELS)
        if len(data) > MAX_LABEL_BYTES:
            raise AssetError(LABELS, len(data), f"is larger than {MAX_LABEL_BYTES} bytes", "Split the library")
        try:
            labels = msgspec.json.decode(data, type=dict[str, Label | str])
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
            raise AssetError(LABELS, data[:40], f"is damaged ({error})", _REMEDY) from None
        if len(labels) > MAX_MESHES:
            raise AssetError(LABELS, len(labels), f"names more than {MAX_MESHES} meshes", "Split the library")
        return labels

    def _labelled(self, name: str, label: Label | str) -> _Entry:
        """An entry of the label file; what it says must be true."""
        label = Label(description=label[:400]) if isinstance(label, str) else label
        field = f"{LABELS}: {name}"
        if label.category is not None and label.category not in CATEGORIES:
            raise AssetError(field, label.category, "is no category of the catalogue", "See: gen3d catalog")
        path = inside(self._folder, name, field)
        if not path.is_file() or path.suffix.lower() not in EXTENSIONS:
            problem = "is not there" if not path.is_file() else "is no mesh file"
            raise AssetError(field, name, problem, f"Name a file of the folder, {', '.join(EXTENSIONS)}")
        entry = self._entry(name, label, f"{name} {label.description}")
        if entry is None:
            raise AssetError(field, label.description, "names no category of the catalogue", _REMEDY)
        return entry

    def _entry(self, name: str, label: Label, text: str) -> _Entry | None:
        words = _words(text)
        category = label.category
        if category is None:
            # The longest name wins: a toy_duck is no duck, a pepper_grinder no pepper.
            named = [key for key in CATEGORIES if set(key.split("_")) <= words]
            category = max(named, key=lambda key: (len(key.split("_")), key), default=None)
        if category is None:
            return None
        return _Entry(inside(self._folder, name, name), label, category, words)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", text.lower()))
