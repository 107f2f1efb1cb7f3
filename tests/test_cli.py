"""The command line: what it says, what it writes, and how it ends."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gen3d_envs.cli import build_parser, main
from gen3d_envs.commands import demo as demo_command
from gen3d_envs.commands.console import Progress, table
from gen3d_envs.errors import FieldError, Gen3DError
from gen3d_envs.spec import from_card

SCENES = Path(__file__).resolve().parent / "data" / "scenes"
PICK = str(SCENES / "TestPickCube.json")
SENTENCE = "put the red cube on the plate"
ENGINES = ("pybullet", "panda3d", "trimesh", "torch", "scipy", "PIL", "av")


def subcommands() -> dict[str, argparse.ArgumentParser]:
    for action in build_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("no subcommands")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEN3D_SCENES", str(tmp_path / "my scenes"))
    monkeypatch.chdir(tmp_path)


# ---- help, usage, exit codes ---------------------------------------------------------------------------------------


def test_help_loads_no_engine() -> None:
    code = (
        "import sys; from gen3d_envs.cli import build_parser; build_parser().format_help();"
        f"print([name for name in {ENGINES} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", subcommands())
def test_every_subcommand_has_help_with_examples_that_parse(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    examples = capsys.readouterr().out.partition("examples:\n")[2].strip().splitlines()
    assert 2 <= len(examples) <= 3
    for example in examples:
        match = re.search(r"gen3d ([^>)]*)", example)
        assert match is not None
        parsed = build_parser().parse_args(
            shlex.split(match.group(1).rstrip('"') if "eval" in example else match.group(1))
        )
        assert parsed.command == name


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "examples:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["nothing"], ["design"], ["design", "x", "--seed", "-1"], ["design", "x", "--seed", "1.5"],
     ["demo", "x", "--episodes", "0"], ["play", "x", "--policy", "best"], ["design", "x", "--se", "1"]],
)  # fmt: skip
def test_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["design", "hello world"], ("sentence", "put the green apple in the bowl")),
        (["demo", "hello world"], ("sentence",)),
        (["demo", SENTENCE, "--robot", "hal"], ("robot", "hal", "widowx")),
        (["design", SENTENCE, "--robot", "hal"], ("robot", "hal", "widowx")),
        (["info", "Gen3D/Nothing-v0"], ("Gen3D/Nothing-v0", "gen3d list")),
        (["certify", "nothing.json"], ("nothing.json", "cannot be read")),
        (["play", PICK, "--robot", "hal"], ("robot", "hal")),
        (["docs", "nothing.md"], ("nothing.md", "No such file")),
        (["design", SENTENCE, "--out", "/dev/null/x"], ("/dev/null",)),
    ],
)
def test_mistakes_give_one_clean_line(
    arguments: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("gen3d: ") and error.count("\n") == 1
    assert all(word in error for word in words)
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "stopped"),
        (Gen3DError("two\nlines"), 1, "two lines"),
        (OSError(28, "No space left on device", "x.json"), 1, "No space left on device: x.json"),
    ],
)
def test_exit_codes(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(args: argparse.Namespace) -> int:
        raise error

    monkeypatch.setattr(demo_command, "run", fail)
    assert main(["demo", SENTENCE]) == code
    assert capsys.readouterr().err == f"gen3d: {words}\n"


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{shlex.quote(sys.executable)} -m gen3d_envs.cli info {shlex.quote(PICK)} | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# ---- commands ------------------------------------------------------------------------------------------------------


def test_design_prints_the_scene(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["design", "put the red cube on the plate next to the zorgle", "--seed", "2"]) == 0
    text = capsys.readouterr().out
    for word in ("red_cube", "target", "receptacle", "cm", "next to", "note:", "zorgle"):
        assert word in text


def test_design_prints_and_writes_cards(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["design", SENTENCE, "--json", "--out", "scenes"]) == 0
    card = from_card(capsys.readouterr().out.encode())
    assert from_card(Path(f"scenes/{card.name}.json").read_bytes()) == card
    assert card.certificates == ()


def test_certify(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["certify", PICK])
    text = capsys.readouterr().out
    assert code == (1 if "FAILED" in text else 0)
    assert all(word in text for word in ("TestPickCube", "drift", "penetration", "expert", "pybullet"))


def test_list_and_info(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "my scenes"
    folder.mkdir()
    (folder / "TestPickCube.json").write_bytes(Path(PICK).read_bytes())
    (folder / "Broken.json").write_text("{")
    assert main(["list", "--family", "pick"]) == 0
    text = capsys.readouterr().out
    assert "Gen3D/TestPickCube-v0" in text and "Gen3D-Pick-v0" in text and "Gen3D-Place-v0" not in text
    assert "note: Broken cannot be used" in text
    assert main(["info", PICK]) == 0
    text = capsys.readouterr().out
    for word in (
        "certificate",
        "hash: ",
        "agent_pos",
        "| 0-2 | tool_position |",
        "target_pose",
        "dx (0.05 m)",
        "gym.make(",
    ):
        assert word in text


def test_play_writes_a_film(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", PICK, "--video", "films/a.mp4"]) == 0
    assert Path("films/a.mp4").read_bytes()[4:8] == b"ftyp"
    assert capsys.readouterr().out.splitlines()[-1] == "Open films/a.mp4"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [(["gen3d", "de"], "demo design"), (["gen3d", "play", "--po"], "--policy"), (["gen3d", "completion", "z"], "zsh")],
)
def test_completion(typed: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    assert "bashcompinit" in capsys.readouterr().out
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    script += f"\nCOMP_WORDS=({' '.join(typed)}); COMP_CWORD={len(typed) - 1}; _gen3d; echo ${{COMPREPLY[*]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


def test_progress_is_plain_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    progress.stage("first", "a")
    progress.stage("first", "b")
    progress.stage("second")
    progress.end("done")
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r"[\d.]+ s", "T", line).split() for line in lines] == [["first", "T", "b"], ["second", "T", "done"]]


def test_tables_align() -> None:
    assert table([("a", "b"), ("ccc", "d")], ("x", "y")) == "x    y\n---  -\na    b\nccc  d"


# ---- the demo ------------------------------------------------------------------------------------------------------


def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", SENTENCE, "--episodes", "3"]) == 0
    text = capsys.readouterr().out
    last = text.splitlines()[-1]
    assert last.startswith("Open demo/") and last.endswith("report.html")
    page = Path(last.removeprefix("Open "))
    folder = page.parent
    figures = json.loads((folder / "demo.json").read_text())
    assert figures["results"]["Scripted expert"]["episodes"] == 3
    assert (folder / "expert.mp4").read_bytes()[4:8] == b"ftyp"
    assert {"before_front.png", "after_front.png", f"{folder.name}.json"} <= {path.name for path in folder.iterdir()}
    assert figures["id"] in page.read_text(encoding="utf-8")
    assert [path.name for path in Path("demo").iterdir()] == [folder.name], "nothing half-written is left"
    code = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    assert figures["id"] in code
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ.copy(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    # Again: an earlier demo may be replaced, and comes out the same.
    card, film = (folder / f"{folder.name}.json").read_bytes(), (folder / "expert.mp4").read_bytes()
    assert main(["demo", SENTENCE, "--episodes", "3"]) == 0
    assert ((folder / f"{folder.name}.json").read_bytes(), (folder / "expert.mp4").read_bytes()) == (card, film)


def test_demo_leaves_the_folders_of_others_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("years of work")
    assert main(["demo", SENTENCE, "--out", "mine"]) == 1
    assert "mine" in capsys.readouterr().err
    assert [path.name for path in Path("mine").iterdir()] == ["thesis.tex"]
    assert main(["demo", SENTENCE, "--out", "."]) == 1
    assert Path("mine").is_dir()


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), FieldError("a", 1, "is wrong", "Mend it"), KeyboardInterrupt()]
)
def test_a_failed_demo_leaves_nothing_half_written(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(report: object) -> str:
        raise error

    monkeypatch.setattr(demo_command, "render_html", fail)
    monkeypatch.setattr(demo_command, "_evaluate", lambda *arguments: ())
    monkeypatch.setattr(demo_command, "write_mp4", lambda path, frames, fps: path.write_bytes(b"film") or 1)
    assert main(["demo", SENTENCE, "--out", "here/demo"]) in (1, 130)
    assert not list(Path("here").iterdir())


def test_demo_works_where_scenes_cannot_be_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEN3D_SCENES", "/dev/null/scenes")
    assert main(["demo", "pick up the red cube", "--episodes", "1", "--out", "x"]) == 0
    text = capsys.readouterr().out
    assert "cannot be written" in text and "register_scene" in text
