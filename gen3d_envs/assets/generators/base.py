"""What every asset generator is: a function from an object's spec and a seed to an asset that passes the gate."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from gen3d_envs.assets.asset import Asset
from gen3d_envs.assets.generate import generate
from gen3d_envs.errors import UnfitError
from gen3d_envs.spec import ObjectSpec, replace, to_json

REMEMBERED = 64
"""Assets that :class:`Remembered` keeps."""


class AssetGenerator(Protocol):
    """Makes the asset of an object.

    Deterministic: the same spec and seed give the same bits, as far as what stands behind it (a command, a server, a
    network on other hardware) does. The asset has the spec's category and passes
    :func:`gen3d_envs.assets.quality.check`.
    """

    name: str
    """What made it, for people: ``"procedural"``, ``"folder my_meshes"``."""

    def __call__(self, spec: ObjectSpec, seed: int) -> Asset:
        """Make the asset.

        Args:
            spec: what is asked for; its own ``seed`` draws the size within the category's real range.
            seed: which of all that fit.

        Raises:
            UnfitError: it has nothing that fits, or what it made does not pass the gate; another seed may do.
            AssetError: it does not work: a timeout, a failed command, a server's error, no mesh.
            FieldError: the spec itself cannot be built.
            EngineUnavailable: an extra is not installed.
        """


class Procedural:
    """The default: the builders of :mod:`gen3d_envs.assets.categories`, some milliseconds per asset."""

    name = "procedural"

    def __call__(self, spec: ObjectSpec, seed: int) -> Asset:
        """Generate the asset; equal to :func:`~gen3d_envs.assets.generate.generate` where ``seed`` is the spec's."""
        return generate(spec if seed == spec.seed else replace(spec, seed=seed))


class Fallback:
    """The first generator's asset, or the second's where the first has nothing that fits.

    Errors of a generator that does not work are not covered up.
    """

    def __init__(self, first: AssetGenerator, second: AssetGenerator) -> None:
        self._first, self._second = first, second
        self.name = f"{first.name}, else {second.name}"

    def __call__(self, spec: ObjectSpec, seed: int) -> Asset:
        """As :meth:`AssetGenerator.__call__`."""
        try:
            return self._first(spec, seed)
        except UnfitError:
            return self._second(spec, seed)


class Remembered:
    """A generator that makes equal things once: arranging a scene anew asks for the same objects again."""

    def __init__(self, generator: AssetGenerator) -> None:
        self._generator = generator
        self._known: OrderedDict[bytes, Asset] = OrderedDict()
        self.name = generator.name

    def __call__(self, spec: ObjectSpec, seed: int) -> Asset:
        """As :meth:`AssetGenerator.__call__`; what failed is tried again."""
        key = to_json(replace(spec, name="x", role="target", pose=None, asset_sha256=None)) + b"%d" % seed
        if key not in self._known:
            self._known[key] = self._generator(spec, seed)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[key]


def prompt_of(spec: ObjectSpec) -> str:
    """What a text-to-3D model is asked for: the description, and colour and material where it does not say them."""
    words = spec.description.lower().split()
    extra = [
        name.replace("_", " ")
        for name in (spec.color, spec.material)
        if name is not None and not set(name.split("_")) & set(words)
    ]
    return " ".join(["a", *extra, spec.description])
