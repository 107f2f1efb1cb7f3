"""What ``gen3d train`` can run: one entry each. No torch in here; an algorithm is imported when it begins.

A new algorithm is one more entry of :data:`ALGORITHMS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from gen3d_envs.errors import FieldError
from gen3d_envs.extras import imported
from gen3d_envs.sim.engines import FASTEST

if TYPE_CHECKING:
    from .vla.scenes import EnvSettings

OBSERVATIONS = ("state", "pixels")
"""What a policy may see: the simulator's state, or one picture and the proprioception."""

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True)
class TrainSettings:
    """What is trained, and where; the same settings give the same policy.

    Attributes:
        algo: a name of :data:`ALGORITHMS`.
        target: a benchmark, a family's ID, a scene's ID or name, or a card.
        steps: control steps of all environments together; for what learns from stored data, steps of the optimizer.
        obs: one of :data:`OBSERVATIONS`.
        split: of the benchmark or family; None where the target has none, or for ``train``.
        scenes: only the first so many of the target's; None for all.
        seed: of everything.
        jobs: worker processes; 0 plays in this one.
        physics: engine.
        robot: arm; None takes the first scene's.
        size: width and height of the pictures in pixels.
        device: where the network learns: ``"auto"``, ``"cpu"``, ``"cuda"``.
        options: what else the algorithm is told, by name, as text; see its own recipe.
    """

    algo: str
    target: str
    steps: int
    obs: str = "state"
    split: str | None = None
    scenes: int | None = None
    seed: int = 0
    jobs: int = 1
    physics: str = FASTEST
    robot: str | None = None
    size: int = 64
    device: str = "auto"
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.algo not in ALGORITHMS:
            raise FieldError("algo", self.algo, "is not known", f"Use one of {', '.join(ALGORITHMS)}")
        if self.obs not in OBSERVATIONS:
            raise FieldError("obs", self.obs, "is not known", f"Use one of {', '.join(OBSERVATIONS)}")
        for name, least in (("steps", 1), ("jobs", 0), ("size", 8), ("scenes", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise FieldError(name, value, f"is below {least}", f"Give at least {least}")

    def env(self, cameras: tuple[str, ...] = ("front",)) -> EnvSettings:
        """The environments.

        Raises:
            FieldError: a name that is not known.
            SceneError: no such scene.
        """
        # The command line reads the table of algorithms for its help: nothing that takes long is imported above.
        from gen3d_envs.evaluation.plan import Settings, make_plan

        from .vla.scenes import EnvSettings

        asked = Settings(
            policy=self.algo, target=self.target, split=self.split, episodes=1, robot=self.robot, physics=self.physics
        )
        plan = make_plan(asked)
        rows = plan.scenes[: self.scenes]
        assert plan.settings.robot is not None
        return EnvSettings(
            scenes=tuple(row.card or row.name for row in rows), size=self.size, cameras=cameras, physics=self.physics,
            robot=plan.settings.robot, pictures=self.obs == "pixels",
        )  # fmt: skip

    def recipe(self, kind: type[T]) -> T:
        """The options as a record with defaults.

        Args:
            kind: a struct of msgspec that forbids unknown fields.

        Raises:
            FieldError: an option that the record does not have, or a value of the wrong kind.
        """
        known = msgspec.structs.fields(kind)
        for name in self.options:
            if name not in {each.name for each in known}:
                listed = ", ".join(f"{each.name}={each.default}" for each in known)
                raise FieldError(f"option {name}", self.options[name], f"{self.algo} has none", f"It has {listed}")
        pairs = {each.name for each in known if isinstance(each.default, tuple)}
        plain = {name: text.split(",") if name in pairs else text for name, text in self.options.items()}
        try:
            return msgspec.convert(plain, kind, strict=False)
        except msgspec.ValidationError as error:
            given = " ".join(f"{name}={value}" for name, value in self.options.items())
            raise FieldError("options", given, str(error), "Give a value of the right kind") from None

    def fingerprint(self, recipe: msgspec.Struct, *without: str) -> dict[str, Any]:
        """What must not differ when a training goes on; how long it is and how many processes work may.

        Args:
            recipe: the options, with defaults.
            without: names of options that may differ, too.
        """
        options = {name: value for name, value in msgspec.to_builtins(recipe).items() if name not in without}
        return {
            "algo": self.algo, "target": self.target, "obs": self.obs, "split": self.split, "scenes": self.scenes,
            "seed": self.seed, "physics": self.physics, "robot": self.robot, "size": self.size,
            "options": msgspec.json.decode(msgspec.json.encode(options)),
        }  # fmt: skip


def require_least(recipe: msgspec.Struct, **least: int) -> None:
    """Refuse options that are too small.

    Args:
        recipe: the options.
        least: the smallest value by name.

    Raises:
        FieldError: names the first one.
    """
    for name, smallest in least.items():
        if getattr(recipe, name) < smallest:
            raise FieldError(
                f"option {name}", getattr(recipe, name), f"is below {smallest}", f"Give at least {smallest}"
            )


@dataclass(frozen=True)
class Report:
    """Where a training stands.

    Attributes:
        done, total: steps.
        success: share of recent episodes, NaN before the first ends.
        figures: what else was measured, by name.
        resumed: steps that were done before this process began.
    """

    done: int
    total: int
    success: float = math.nan
    figures: Mapping[str, float] = field(default_factory=dict)
    resumed: int = 0


Tell = Callable[[Report], None]
Train = Callable[[TrainSettings, Path, Tell], Path]
"""Trains into a folder, going on where an earlier process stopped; gives what ``gen3d evaluate --policy`` takes."""


@dataclass(frozen=True)
class Algorithm:
    """One way to train.

    Attributes:
        name: as ``--algo`` takes it.
        help: half a line.
        function: ``"module:function"``, a :data:`Train`.
    """

    name: str
    help: str
    function: str

    def load(self) -> Train:
        """The function.

        Raises:
            EngineUnavailable: a package is missing.
        """
        found: Train = imported(self.function, self.name)
        return found


_PLAIN = "gen3d_envs.baselines.plain.train"
_VLA = "gen3d_envs.baselines.vla.entry"

ALGORITHMS: dict[str, Algorithm] = {
    each.name: each
    for each in (
        Algorithm("ppo", "PPO of Stable-Baselines3 from nothing, from state or pixels", f"{_PLAIN}:train_ppo"),
        Algorithm("sac", "SAC of Stable-Baselines3 from nothing, from state", f"{_PLAIN}:train_sac"),
        Algorithm("imitation", "FlowVLA from demonstrations of the expert, from pixels", f"{_VLA}:train_imitation"),
        Algorithm("flow", "PPOFlow: a FlowVLA fine-tuned by reinforcement, from pixels", f"{_VLA}:train_flow"),
    )
}
"""By name."""


def train(settings: TrainSettings, out: str | Path, tell: Tell = lambda report: None) -> Path:
    """Train; the same call goes on with a training that was stopped.

    Returns:
        What ``gen3d evaluate --policy`` takes.

    Raises:
        FieldError: settings that do not fit, or a folder that holds another training.
        EngineUnavailable: a package is missing.
    """
    return ALGORITHMS[settings.algo].load()(settings, Path(out), tell)
