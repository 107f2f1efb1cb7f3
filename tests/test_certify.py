"""Certificates: what passes, what does not and why; and the whole way from a sentence."""

from __future__ import annotations

from pathlib import Path

import helpers
import pytest
from helpers import SCENES

from gen3d_envs.author import author, save_scene
from gen3d_envs.build import BuiltScene, build
from gen3d_envs.certify import certify
from gen3d_envs.errors import CertificateError
from gen3d_envs.spec import Certificate, Pose, SceneSpec, from_card, read_card, replace, to_card


def scene(name: str = "TestPickCube") -> BuiltScene:
    return build(read_card(SCENES / f"{name}.json"), SCENES)


def results(certificate: Certificate) -> dict[str, bool]:
    return {check.name: check.passed for check in certificate.checks}


def moved(built: BuiltScene, **poses: Pose) -> BuiltScene:
    objects = tuple(replace(o, pose=poses.get(o.name, o.pose)) for o in built.spec.objects)
    return BuiltScene(replace(built.spec, objects=objects), built.assets)


WEAK = {("TestSortTwo", "panda"): "the Panda drops one of two small things in 4 of 10 episodes of this scene"}
"""Scenes of the tests that are no certified scenes for a robot; released ones are all certified for both."""


@pytest.mark.parametrize("robot", helpers.ROBOT_NAMES)
@pytest.mark.parametrize("name", [path.stem for path in sorted(SCENES.glob("*.json"))])
def test_scenes_of_the_tests_pass(name: str, robot: str) -> None:
    built = scene(name)
    certificate = certify(built, robot)
    if (name, robot) in WEAK and not certificate.passed:
        pytest.xfail(f"{WEAK[name, robot]}: {[check for check in certificate.checks if not check.passed]}")
    assert certificate.passed, [check for check in certificate.checks if not check.passed]
    assert certificate.scene_hash == built.hash and certificate.robot == robot
    assert "pybullet" in certificate.engine and certificate.renderer
    names = [check.name for check in certificate.checks]
    assert names == [
        "drift", "speed", "penetration", "reach", "visible", "unsolved_at_start", "random_policy", "expert",
    ]  # fmt: skip


def test_certificates_are_deterministic() -> None:
    assert certify(scene()) == certify(scene())


def test_objects_inside_each_other_fail() -> None:
    pose = Pose(x_m=0.30, y_m=0.0, z_m=0.0, yaw_rad=0.0)
    found = results(certify(moved(scene(), red_cube=pose, die=replace(pose, x_m=0.31))))
    assert not (found["drift"] and found["penetration"])


def test_a_target_out_of_reach_fails() -> None:
    found = certify(moved(scene(), red_cube=Pose(x_m=0.52, y_m=0.45, z_m=0.0, yaw_rad=0.0)))
    assert not results(found)["reach"] and not results(found)["expert"] and not found.passed


def test_an_object_in_the_air_fails() -> None:
    found = results(certify(moved(scene(), red_cube=Pose(x_m=0.30, y_m=0.0, z_m=0.2, yaw_rad=0.0))))
    assert not found["drift"]


def test_a_hidden_target_fails() -> None:
    built = scene()
    mug = Pose(x_m=0.22, y_m=-0.04, z_m=0.0, yaw_rad=0.0)
    behind = Pose(x_m=0.62, y_m=-0.40, z_m=0.0, yaw_rad=0.0)
    assert not results(certify(moved(built, mug=mug, red_cube=behind)))["visible"]


def test_a_scene_that_is_solved_already_fails() -> None:
    built = scene("TestPlaceBallInBowl")
    bowl = next(o.pose for o in built.spec.objects if o.name == "bowl")
    found = certify(moved(built, ball=replace(bowl, z_m=0.02)))
    assert not results(found)["random_policy"] or not results(found)["unsolved_at_start"]
    assert not found.passed


def test_progress_is_told() -> None:
    said: list[str] = []
    certify(scene(), progress=said.append)
    assert said[0] == "settling" and said[-1].startswith("expert") and len(said) >= 12


# ---- from a sentence -----------------------------------------------------------------------------------------------

SENTENCES = ("put the ball in the bowl", "pick up the can", "put the block on the plate", "pick up the red cube")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_becomes_a_certified_scene(sentence: str, tmp_path: Path) -> None:
    authored = author(sentence, seed=0)
    spec = authored.scene.spec
    assert spec.instruction and all(certificate.passed for certificate in spec.certificates) and spec.certificates
    path = save_scene(authored.scene, tmp_path)
    again = read_card(path)
    assert again == spec and path.name == f"{spec.name}.json"
    assert {p.stem for p in (tmp_path / "assets").glob("*.npz")} == {a.sha256 for a in authored.scene.assets}
    assert certify(build(again, tmp_path)) == spec.certificates[0]


def test_authoring_is_deterministic() -> None:
    first, second = (author("put the ball in the bowl", seed=5).scene.spec for _ in range(2))
    other = author("put the ball in the bowl", seed=6).scene.spec
    assert first == second and first.hash != other.hash


def test_authoring_is_the_same_in_another_process() -> None:
    code = (
        "from gen3d_envs.author import author\n"
        "import hashlib\nfrom gen3d_envs.spec import to_card\n"
        "print(hashlib.sha256(to_card(author('put the can in the basket', seed=1).scene.spec)).hexdigest())"
    )
    assert len({helpers.run_python(code, hash_seed=seed) for seed in ("1", "77")}) == 1


def test_what_cannot_be_certified_is_refused_with_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    from gen3d_envs import author as module
    from gen3d_envs.author import author_spec

    monkeypatch.setattr(module, "REDESIGNS", 1)
    monkeypatch.setattr(module, "RELAYOUTS", 1)

    def unreachable(seed: int) -> SceneSpec:
        spec = read_card(SCENES / "TestPickCube.json")
        far = Pose(x_m=0.52, y_m=0.48, z_m=0.0, yaw_rad=0.0)
        return replace(spec, objects=(replace(spec.objects[0], pose=far), *spec.objects[1:]), seed=seed)

    with pytest.raises(CertificateError, match=r"no arrangement passed.*reach"):
        author_spec(unreachable, "pick up the red cube", 0, ("widowx",))


def test_certified_cards_round_trip() -> None:
    spec = author("pick up the can").scene.spec
    assert from_card(to_card(spec)) == spec
