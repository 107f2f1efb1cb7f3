"""The one environment class: a scene, a robot and a task behind Gymnasium's interface."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gen3d_envs.assets.asset import IDENTITY, Quaternion, Vector
from gen3d_envs.build import SUPPORT_THICKNESS_M, BuiltScene
from gen3d_envs.cameras import CAMERAS, camera_specs, scene_view
from gen3d_envs.design.layout import Placement, vary
from gen3d_envs.episode import Episode, LateCommands, Variation
from gen3d_envs.errors import ActionError, FieldError, Gen3DError
from gen3d_envs.observations import AGENT_POS, Snapshot, TermGroup, observation_space, state_terms
from gen3d_envs.reality import Reality
from gen3d_envs.robots import Robot, get_robot
from gen3d_envs.robots.controllers import CONTROLLERS, Controller
from gen3d_envs.scenes import choose_scenes, load_scene
from gen3d_envs.sim.engines import DEFAULT, RobotState, World, WorldSetup, make_world
from gen3d_envs.sim.paint import Look
from gen3d_envs.spec import BACK_M, Family
from gen3d_envs.tasks import Stage, Status, carries, make_task
from gen3d_envs.variations.table import randomization_of, read

EPISODE_S = 20.0
"""Default episode length, simulated s: the paper's 100 control steps at 5 Hz."""

SETTLE_S = 0.25
"""Simulated s between placing the objects and the first observation."""

MAX_PIXELS = 2048

FOREIGN_OPTIONS = frozenset({"lerobot_new_rollout"})
"""Reset options that other codebases give to any environment, and that change nothing here: LeRobot's evaluation marks
the start of a rollout."""

Focus = tuple[int, int | None, tuple[float, float, float] | None]
"""What the state observation shows: target, receptacle, and the spot (x, y, radius in m) instead of a receptacle."""


class Gen3DEnv(gymnasium.Env[Any, NDArray[np.float32]]):
    """A robot arm, a table and generated objects; the task is in ``info["instruction"]``.

    Observations, by ``obs_type``: ``"state"`` (flat float32), ``"pixels"``, ``"pixels_agent_pos"`` (default). Actions:
    numbers in [-1, 1]; what is out of range is clipped to it, what is not finite is refused. Rewards: sparse, 1.0 on
    the step that fulfils the task and 0.0 before; or ``"shaped"``, the weighted terms of ``info["reward_terms"]``, in
    [0, 1]. Episodes terminate on success or when the target fell off the support, and are truncated after 20 simulated
    seconds for each thing to be carried (or ``max_episode_steps`` of ``gym.make``).

    Args:
        scene: one scene, by name, ID or path of a card (or already built, for a scene that has no card yet).
        family: ``"pick"``, ``"place"``, ``"stack"``, ``"push"``, ``"sort"``, ``"rearrange"``, ``"open"`` or
            ``"close"``: draws one of the family's scenes at each reset, unless scenes are named.
        scenes: draws from these scenes instead.
        split: of the benchmark: ``"train"`` (also where None), ``"heldout"`` or ``"handmade"``.
        num_scenes: draws from the first so many scenes of family and split only, in the benchmark's fixed order.
        obs_type: see above.
        observation_width, observation_height: size of each picture in pixels.
        cameras: names of cameras in the observation: ``"front"`` (third person), ``"wrist"``.
        control: ``"ee_delta"`` (7 numbers) or ``"joint_delta"`` (one per arm joint and the gripper).
        control_hz: control steps per simulated second; must divide the physics rate.
        robot: ``"widowx"`` or ``"panda"``; None takes the one the first scene was designed for.
        reward: ``"sparse"`` or ``"shaped"``.
        physics: name of a physics engine (:data:`gen3d_envs.sim.engines.ENGINES`); the default is what an ID means.
        reality: perturbs physics, timing and cameras at every reset by a profile of :mod:`gen3d_envs.reality`:
            ``"mild"``, ``"medium"`` or ``"strong"``; None for the world as it is.
        randomization: what else varies at every reset: ``"paper"``, ``"none"`` or a mapping such as
            ``{"dynamics": {"mass": {"uniform": [0.5, 2]}}}``, see :mod:`gen3d_envs.variations.table`.
        render_mode: ``"rgb_array"``, ``"human"`` or None.
        render_width, render_height: size of ``render()`` pictures in pixels.

    Reset options: ``{"scene": name}`` fixes the scene of the episode (one of this environment's, or any released).

    ``info`` on every reset and step: ``is_success``, ``outcome``, ``instruction``, ``reward_terms``, ``scene``,
    ``scene_hash``, ``engine`` and ``renderer`` (``"none"`` where no pictures are taken). Where something varies the
    episode, the reset's ``info["variation"]`` holds every value that was drawn.
    """

    # A window needs pygame, an extra: what cannot be shown here is not offered to generic tools.
    metadata: dict[str, Any] = {
        "render_modes": ["rgb_array", "human"] if find_spec("pygame") else ["rgb_array"], "render_fps": 5,
    }  # fmt: skip

    def __init__(
        self,
        scene: str | BuiltScene | None = None,
        family: Family | None = None,
        scenes: Sequence[str] | None = None,
        *,
        split: Literal["train", "heldout", "handmade"] | None = None,
        num_scenes: int | None = None,
        obs_type: str = "pixels_agent_pos",
        observation_width: int = 128,
        observation_height: int = 128,
        cameras: Sequence[str] = ("front",),
        control: str = "ee_delta",
        control_hz: int = 5,
        robot: str | None = None,
        reward: str = "sparse",
        physics: str = DEFAULT,
        reality: str | None = None,
        randomization: str | Mapping[str, Any] | None = None,
        render_mode: str | None = None,
        render_width: int = 640,
        render_height: int = 480,
    ) -> None:
        self._given = scene if isinstance(scene, BuiltScene) else None
        self._names: tuple[str, ...] = ()
        if not isinstance(scene, BuiltScene):
            self._names = choose_scenes(scene, family, scenes, split, num_scenes)
        _check_choice("control", control, tuple(CONTROLLERS))
        _check_choice("reward", reward, ("sparse", "shaped"))
        _check_choice("render_mode", render_mode, (None, "rgb_array", "human"))
        self._size = (
            _pixels("observation_width", observation_width), _pixels("observation_height", observation_height)
        )  # fmt: skip
        self._render_size = _pixels("render_width", render_width), _pixels("render_height", render_height)
        listed = [cameras] if isinstance(cameras, str) else cameras
        self._cameras = tuple(listed) if isinstance(listed, Iterable) else ()
        if not self._cameras or len(set(self._cameras)) != len(self._cameras):
            raise FieldError("cameras", cameras, "names no camera, or one twice", f"Use some of {', '.join(CAMERAS)}")
        for name in self._cameras:
            _check_choice("cameras", name, CAMERAS)
        if robot is None:
            robot = (self._given or load_scene(self._names[0])).spec.robot
        self.robot: Robot = get_robot(robot)
        self.robot_name = robot
        self._obs_type = obs_type
        self.state_terms = TermGroup(state_terms(tuple(joint.name for joint in self.robot.model.joints)))
        self.agent_pos_terms = TermGroup(AGENT_POS)
        self.observation_space = observation_space(
            obs_type, self.state_terms, self.agent_pos_terms, self._cameras, *self._size
        )
        self._camera_specs = camera_specs(self.robot)
        self._shaped = reward == "shaped"
        self.variations: list[Variation] = [] if reality is None else [Reality(reality)]
        settings = read(randomization)
        if settings:
            self.variations.append(randomization_of(settings))
        self.render_mode = render_mode
        # The world comes last: whatever is refused above leaves no physics client behind.
        self._world = make_world(physics)
        physics_hz = self._world.physics_hz
        rate = _whole(control_hz)
        if rate is None or rate < 1 or physics_hz % rate:
            self._world.close()
            rates = [hz for hz in range(1, physics_hz + 1) if physics_hz % hz == 0]
            raise FieldError(
                "control_hz", control_hz, f"does not divide the physics rate of {physics_hz} Hz", f"Use one of {rates}"
            )
        self.control_hz = rate
        self._substeps = physics_hz // rate
        self._controller: Controller = CONTROLLERS[control](self.robot, rate)
        self.action_names = self._controller.names
        self.action_space = spaces.Box(-1.0, 1.0, (len(self.action_names),), np.float32)
        self.metadata = {**type(self).metadata, "render_fps": self.control_hz}
        self._camera: Any = None
        self._camera_scene: BuiltScene | None = None
        self._window: Any = None
        self._scene: BuiltScene | None = None
        self._closed = False
        self.task_description = ""
        self.task = ""

    # ---- Gymnasium -------------------------------------------------------------------------------------------------

    @property
    def _max_episode_steps(self) -> int:
        if self.spec is not None and self.spec.max_episode_steps is not None:
            return self.spec.max_episode_steps
        carried = 1 if self._scene is None else carries(self._scene.spec.task)
        return math.ceil(EPISODE_S * carried * self.control_hz)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode: draw a scene and where its objects stand, load, settle; ``options`` as in the class."""
        self._check_open()
        super().reset(seed=seed)
        scene = self._draw_scene(options or {})
        episode = self.nominal(scene, vary(scene.spec, scene.footprints, self.np_random))
        for variation in self.variations:
            episode = variation(episode, self.np_random)
        self.load(episode)
        info = self._info()
        if episode.drawn:
            info["variation"] = dict(episode.drawn)
        return self._observe(), info

    def nominal(self, scene: BuiltScene, placements: list[Placement] | None = None) -> Episode:
        """An episode of a scene that nothing varies; objects at ``placements``, or at the card's own."""
        return Episode(
            scene=scene,
            robot=self.robot,
            instruction=scene.spec.instruction,
            placements=scene.placements if placements is None else placements,
            joints=(*self.robot.home, *self.robot.finger_open),
            cameras=self._camera_specs,
            light=scene.room.light,
            look=Look(scene.spec.background, scene.spec.support),
        )

    def load(self, episode: Episode) -> None:
        """Load an episode and let its objects settle."""
        robot, scene, start = self.robot, episode.scene, episode.joints
        spec = scene.spec
        self._world.load(
            WorldSetup(
                robot=RobotState(robot.model, robot.base_position_m, start, robot.drive_effort),
                bodies=scene.bodies(episode.placements),
                support_half_extents_m=(spec.support.depth_m / 2, spec.support.width_m / 2, SUPPORT_THICKNESS_M / 2),
                support_center_m=(spec.support.depth_m / 2 - BACK_M, 0.0, -SUPPORT_THICKNESS_M / 2),
                support_friction=spec.support.friction,
                dynamics=episode.dynamics,
            )
        )
        self._world.drive(start, round(SETTLE_S * self._world.physics_hz))
        self._scene, self._episode = scene, episode
        self._targets: list[float] = list(start)
        self._late = LateCommands(start, self._substeps, round(episode.latency_s * self._world.physics_hz))
        self._controller.reset(start)
        target, receptacle = scene.index(spec.task.target), scene.index(spec.task.receptacle)
        assert target is not None  # the spec refuses a task without one
        self._task = make_task(spec.task)
        names = tuple(item.name for item in spec.objects)
        self._task.reset(
            Stage(self._world, names, scene.assets, target, receptacle, 1.0 / self.control_hz, scene.marks)
        )
        self._goals = self._focuses() or [(target, receptacle, None)]
        self._focus = self._goals[0]
        self._read()
        self._judge()
        self._steps = 0
        self._fixed_info = {
            "instruction": episode.instruction,
            "scene": spec.name,
            "scene_hash": scene.hash,
            "engine": self._world.engine,
            "renderer": self._renderer_name(),
        }
        self.task_description = self.task = episode.instruction

    def step(self, action: NDArray[np.float32]) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Act for one control step."""
        if self._scene is None or self._closed:
            self._check_open()
            raise Gen3DError("step() was called before reset(): call reset() first.")
        targets = self._controller.targets(self._check_action(action))
        for event in self._episode.events:
            event(self._world, self._steps)
        for goal, substeps in self._late.schedule(targets):
            self._world.drive(goal, substeps)
        self._targets = targets
        self._read()
        status = self._judge()
        self._steps += 1
        if self._shaped:
            reward = sum(weight * status.terms[name] for name, weight in self._task.weights.items())
        else:
            reward = float(status.success)
        terminated = status.success or status.failed
        truncated = self._steps >= self._max_episode_steps
        if self.render_mode == "human":
            self.render()
        return self._observe(), reward, terminated, truncated, self._info()

    def render(self) -> NDArray[np.uint8] | None:
        """A picture of the front camera, ``(render_height, render_width, 3)`` uint8; in a window for ``"human"``."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs render_mode='rgb_array' or 'human' in gym.make().")
            return None
        picture = self.picture("front", *self._render_size)
        if self.render_mode == "rgb_array":
            return picture
        if self._window is None:
            from gen3d_envs.sim.window import Window

            self._window = Window("Gen3D", *self._render_size)
        self._window.show(picture)
        return None

    def close(self) -> None:
        """Give the physics client and the camera back. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._window is not None:
            self._window.close()
        if self._camera is not None:
            self._camera.close()
        self._world.close()

    # ---- beyond Gymnasium: for experts, certificates and tests -----------------------------------------------------

    @property
    def scene(self) -> BuiltScene:
        """The scene of the current episode."""
        if self._scene is None:
            raise Gen3DError("No scene is loaded: call reset() first.")
        return self._scene

    @property
    def scenes(self) -> tuple[str, ...]:
        """Names of the scenes that resets draw from, as given or in the benchmark's order."""
        return self._names if self._given is None else (self._given.spec.name,)

    def hold(self, seconds: float) -> None:
        """Let simulated time pass with the arm held where it was last sent."""
        self._check_open()
        self._world.drive(self._targets, round(seconds * self._world.physics_hz))
        self._read()

    @property
    def renderer(self) -> str | None:
        """Name of the renderer; None before the first picture."""
        return None if self._camera is None else str(self._camera.renderer)

    @property
    def world(self) -> World:
        """The physics world (see :class:`gen3d_envs.sim.world.World`): privileged, not for policies."""
        return self._world

    @property
    def controller(self) -> Controller:
        """What turns actions into joint targets."""
        return self._controller

    @property
    def status(self) -> Status:
        """The task's verdict after the last reset or step."""
        return self._status

    def snapshot(self) -> Snapshot:
        """Privileged state after the last reset or step, scene frame."""
        joints, velocities = self._joints
        scene, world = self.scene, self._world
        target, other, spot = self._focus
        if spot is not None:
            receptacle, size = ((spot[0], spot[1], 0.0), IDENTITY), (2 * spot[2], 2 * spot[2], 0.0)
        elif other is not None:
            receptacle, size = world.body_pose(other), scene.assets[other].size_m
        else:
            receptacle, size = None, (0.0, 0.0, 0.0)
        return Snapshot(
            base_m=self.robot.base_position_m,
            joints=joints,
            joint_velocities=velocities,
            tool_m=self._tool[0],
            tool_rotation=self._tool[1],
            opening=self.robot.gripper_opening(joints),
            target=self._pose_of(target),
            receptacle=receptacle,
            target_size_m=scene.assets[target].size_m,
            receptacle_size_m=size,
            target_velocity=world.body_velocity(target)[0],
        )

    def _pose_of(self, target: int) -> tuple[Vector, Quaternion]:
        """Asset frame of the target, or of the part of it that the task is about."""
        part = self.scene.spec.task.part
        if isinstance(part, str):
            names = [each.name for each in self.scene.assets[target].parts]
            return self._world.part_poses(target)[names.index(part)]
        return self._world.body_pose(target)

    def picture(self, camera: str, width: int, height: int) -> NDArray[np.uint8]:
        """A picture of any camera: ``(height, width, 3)`` uint8, top row first."""
        picture: NDArray[np.uint8] = self._posed_camera().render(camera, width, height)
        return picture

    def depth(self, camera: str, width: int, height: int) -> NDArray[np.float32]:
        """Distance along the optical axis: ``(height, width)`` float32, m."""
        depth: NDArray[np.float32] = self._posed_camera().render_depth(camera, width, height)
        return depth

    def segmentation(self, camera: str, width: int, height: int) -> NDArray[np.uint8]:
        """Which thing each pixel shows: ``(height, width)`` uint8; 0 room, 1 robot, 2 + i object i, 255 support."""
        segments: NDArray[np.uint8] = self._posed_camera().render_segmentation(camera, width, height)
        return segments

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._closed:
            raise Gen3DError("This environment was closed: make a new one.")

    def _draw_scene(self, options: dict[str, Any]) -> BuiltScene:
        if not isinstance(options, dict) or set(options) - {"scene"} - FOREIGN_OPTIONS:
            raise FieldError("options", options, "no such reset option", "The only option is 'scene'")
        wanted = options.get("scene")
        if wanted is not None:
            if not isinstance(wanted, str):
                raise FieldError("options['scene']", wanted, "is not a name", "Give the name of a scene as text")
            return load_scene(wanted)
        if self._given is not None:
            return self._given
        if len(self._names) == 1:
            return load_scene(self._names[0])
        return load_scene(self._names[int(self.np_random.integers(len(self._names)))])

    def _check_action(self, action: Any) -> list[float]:
        try:
            values = np.asarray(action)
            if values.dtype.kind not in "fiub":
                raise TypeError(values.dtype)
        except (TypeError, ValueError):
            raise ActionError("action", action, "is no array of numbers", f"Give {self.action_names}") from None
        if values.shape != self.action_space.shape:
            raise ActionError(
                "action", values.shape, "has the wrong shape", f"Give {self.action_space.shape}: {self.action_names}"
            )
        numbers = [float(value) for value in values.tolist()]
        if not all(map(math.isfinite, numbers)):
            raise ActionError("action", numbers, "is not finite", "Check the policy for NaN or overflow")
        return [-1.0 if v < -1.0 else 1.0 if v > 1.0 else v for v in numbers]

    def _judge(self) -> Status:
        """Ask the task how far it has come; the state observation then shows the first goal that is still open."""
        self._status = status = self._task.evaluate(self._tool[0])
        if len(self._goals) > 1:
            self._focus = self._goals[next((i for i, done in enumerate(status.goals) if not done), 0)]
        return status

    def _focuses(self) -> list[Focus]:
        """What each goal is about, in the world as it was loaded."""
        scene, focuses = self.scene, []
        for goal in scene.spec.task.all_goals:
            target, other = scene.index(goal.target), scene.index(goal.receptacle)
            assert target is not None  # the spec refuses goals for what is not there
            spot = scene.marks.get(goal.receptacle)
            if goal.predicate == "at" and other is not None:
                (x, y, _), _ = self._world.body_pose(other)
                spot = (x, y, 0.0)
            focuses.append((target, other, spot))
        return focuses

    def _read(self) -> None:
        self._joints = self._world.joint_states()
        self._tool = self.robot.forward(self._joints[0][: self.robot.arm_joints])

    def _observe(self) -> Any:
        observation = self._sense()
        for sensor in self._episode.sensors:
            observation = sensor(observation)
        return observation

    def _sense(self) -> Any:
        if self._obs_type == "state":
            return self.state_terms.read(self.snapshot())
        camera, (width, height) = self._posed_camera(), self._size
        if len(self._cameras) == 1:
            pixels: Any = self._affected(camera.render(self._cameras[0], width, height))
        else:
            pixels = {name: self._affected(camera.render(name, width, height)) for name in self._cameras}
        if self._obs_type == "pixels":
            return {"pixels": pixels}
        return {"agent_pos": self.agent_pos_terms.read(self.snapshot()), "pixels": pixels}

    def _affected(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        for effect in self._episode.effects:
            picture = effect(picture, self.np_random)
        return picture

    def _info(self) -> dict[str, Any]:
        status = self._status
        return {
            "is_success": status.success,
            "outcome": status.outcome,
            "reward_terms": status.terms,
            **self._fixed_info,
        }

    def _renderer_name(self) -> str:
        """What draws this environment's pictures; ``"none"`` where it takes none."""
        if self._obs_type == "state" and self.render_mode is None:
            return "none"
        from gen3d_envs.sim.camera import Camera

        return Camera.renderer

    def _posed_camera(self) -> Any:
        scene = self.scene
        self._check_open()
        if self._camera is None or self._camera_scene is not scene:
            from gen3d_envs.sim.camera import Camera

            if self._camera is not None:
                self._camera.close()
            self._camera = Camera(scene_view(scene, self.robot, self._camera_specs))
            self._camera_scene = scene
            look = Look(scene.spec.background, scene.spec.support)
            self._shown: dict[str, Any] = {"light": scene.room.light, "look": look}
            self._shown |= {f"camera/{spec.name}": spec for spec in self._camera_specs}
        shown, camera = self._shown, self._camera
        episode = self._episode
        if shown["light"] != episode.light:
            shown["light"] = episode.light
            camera.set_light(episode.light)
        if shown["look"] != episode.look:
            self._dress(camera, shown["look"], episode.look)
            shown["look"] = episode.look
        for spec in episode.cameras:
            if shown[f"camera/{spec.name}"] != spec:
                shown[f"camera/{spec.name}"] = spec
                camera.set_camera(spec)
        links = self.robot.model.links
        for link, pose in zip(links, self._world.link_poses(), strict=True):
            if shown.get(link.name) != pose:
                shown[link.name] = pose
                camera.set_pose(f"robot/{link.name}", *pose)
        for index, item in enumerate(scene.spec.objects):
            pose = self._world.body_pose(index)
            if shown.get(item.name) != pose:
                shown[item.name] = pose
                camera.set_pose(f"object/{item.name}", *pose)
        for index, names in scene.part_nodes:
            for name, pose in zip(names, self._world.part_poses(index), strict=True):
                if shown.get(name) != pose:
                    shown[name] = pose
                    camera.set_pose(name, *pose)
        return camera

    @staticmethod
    def _dress(camera: Any, old: Look, new: Look) -> None:
        if (old.background, old.support, old.surfaces) != (new.background, new.support, new.surfaces):
            camera.set_static(new.room.nodes, new.room.sky)
        before, now = dict(old.nodes), dict(new.nodes)
        for name in {**before, **now}:
            if before.get(name) != now.get(name):
                camera.paint(name, now.get(name))


def _whole(value: Any) -> int | None:
    """The value as an int where it is a whole number of any library's integer type, else None."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def _pixels(field: str, value: Any) -> int:
    size = _whole(value)
    if size is None or not 8 <= size <= MAX_PIXELS:
        raise FieldError(field, value, "is not a picture size", f"Use a whole number from 8 to {MAX_PIXELS}")
    return size


def _check_choice(field: str, value: Any, known: tuple[Any, ...]) -> None:
    if value not in known:
        raise FieldError(field, value, "is not known", f"Use one of {', '.join(repr(k) for k in known)}")
