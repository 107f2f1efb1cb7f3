"""The command line, ``gen3d``. Subcommands are imported when called: ``gen3d --help`` loads no engine."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from gen3d_envs.errors import Gen3DError
from gen3d_envs.registration import FAMILIES, SPLITS

MAX_SEED = 2**53


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``gen3d``.

    Returns:
        0 done; 1 the request cannot be fulfilled, with one line on standard error; 2 wrong usage; 3 the time given to
        ``gen3d study`` is used up, and the same command goes on; 130 stopped by the user.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        module = import_module(f"gen3d_envs.commands.{args.module}")
        code: int = getattr(module, args.function)(args)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _complain("stopped", 130)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Gen3DError as error:
        return _complain(str(error), 1)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _complain(f"{error.strerror or error}{where}", 1)


def _complain(text: str, code: int) -> int:
    line = " ".join(text.split())
    start = "\n" if sys.stdout.isatty() else ""
    sys.stderr.write(f"{start}gen3d: {line}\n")
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser of every subcommand."""
    first = ['gen3d demo "put the banana in the bowl"', "gen3d list --family pick", "gen3d info Gen3D-Pick-v0"]
    parser = argparse.ArgumentParser(
        prog="gen3d", description="From a sentence to a certified robot scene behind gym.make.",
        epilog=_examples(first), formatter_class=_FORMAT, allow_abbrev=False,
    )  # fmt: skip
    from gen3d_envs import __version__

    parser.add_argument("--version", action="version", version=f"gen3d-envs {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    def command(name: str, function: str, what: str, examples: Sequence[str]) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(
            name, help=what, description=_sentence(what), epilog=_examples(examples), formatter_class=_FORMAT,
            allow_abbrev=False,
        )  # fmt: skip
        module, _, attribute = function.partition(":")
        added.set_defaults(module=module, function=attribute)
        return added

    demo = command(
        "demo", "demo:run", "turn a sentence into a certified scene and a report with a film",
        ['gen3d demo "put the banana in the bowl"', 'gen3d demo "pick up the red mug" --seed 3 --out mug',
         'gen3d demo "stack the cube on the book" --robot panda'],
    )  # fmt: skip
    _sentence_and_seed(demo)
    _robot(demo)
    _physics(demo)
    _designer(demo)
    demo.add_argument("--out", metavar="DIR", help="folder to write (default: demo/<scene name>)")
    demo.add_argument("--episodes", type=_count, default=20, metavar="N", help="episodes of the expert (default: 20)")

    design = command(
        "design", "design:run", "turn a sentence into a scene and print it, without a certificate",
        ['gen3d design "put the green apple in the bowl"', 'gen3d design "pick up the pen" --seed 3 --out scenes',
         'gen3d design "pick up the pen" --json > pen.json'],
    )  # fmt: skip
    _sentence_and_seed(design)
    _robot(design)
    _designer(design)
    design.add_argument("--out", metavar="DIR", help="folder to write the card and its assets to")
    design.add_argument("--json", action="store_true", help="print the card instead of the description")

    certify = command(
        "certify", "certify:run", "measure scenes again and print their certificates; exit code 1 when one fails",
        ["gen3d certify my_bank --jobs 2", "gen3d certify Gen3D/PutBananaInBowl-bf78-v0 --robot panda"],
    )  # fmt: skip
    certify.add_argument(
        "scenes", metavar="SCENE", nargs="+", help="name, ID, card (*.json), or folder of cards such as a bank"
    )
    _robot(certify)
    _physics(certify)
    certify.set_defaults(physics=None)  # a folder's certificates are measured with the engines that they name
    _jobs(certify)

    generate = command(
        "generate", "generate:run", "make a bank of certified scenes; the same command continues one that was stopped",
        ["gen3d generate --benchmark gen3d-100 --seed 7 --jobs 2 --out my_bank",
         "gen3d generate --from sentences.txt --scenes-per-sentence 3 --out my_bank"],
    )  # fmt: skip
    what = generate.add_mutually_exclusive_group(required=True)
    what.add_argument("--benchmark", metavar="NAME", help="gen3d-100, gen3d-tasks, gen3d-openings or gen3d-broad")
    what.add_argument("--from", dest="sentences", metavar="FILE", help="a text file of sentences, one a line")
    generate.add_argument("--out", metavar="DIR", required=True, help="folder of the bank")
    generate.add_argument(
        "--scenes-per-sentence", type=_count, default=1, metavar="N", help="scenes of each sentence (default: 1)"
    )
    _seed(generate, "of the bank (default: 0)")
    _jobs(generate)
    generate.add_argument("--limit", type=_count, metavar="N", help="only the first N places of the plan")
    generate.add_argument(
        "--robots", nargs="+", default=["widowx"], metavar="NAME", help="certify for all of these (default: widowx)"
    )
    generate.add_argument(
        "--designer", default="rules", metavar="NAME", help="who reads: rules (default), openai:MODEL, local:FOLDER"
    )
    generate.add_argument(
        "--assets", default="procedural", metavar="NAME",
        help="what makes assets: procedural (default), shap-e, command:PROGRAM, http://HOST, or a folder of meshes",
    )  # fmt: skip
    generate.add_argument(
        "--price", type=_price, default=0.04, metavar="USD", help="US dollars per core-hour (default: 0.04)"
    )

    play = command(
        "play", "play:run", "watch a policy in a window or, where there is no screen, as a film",
        ["gen3d play Gen3D-Pick-v0", "gen3d play scenes/PickPen-1f0c.json --policy random --seed 4",
         "gen3d play Gen3D-Place-v0 --video place.mp4"],
    )  # fmt: skip
    play.add_argument("scene", metavar="SCENE", help="name, ID or card (*.json)")
    play.add_argument("--policy", choices=("expert", "random"), default="expert", help="who acts (default: expert)")
    _seed(play, "of the episode (default: 0)")
    _robot(play)
    _physics(play)
    play.add_argument("--video", metavar="FILE.mp4", help="write a film instead of opening a window")

    serve = command(
        "serve", "serve:run", "offer a policy to other programs over openpi's websocket protocol",
        ["gen3d serve --policy random --env Gen3D-Pick-v0",
         "gen3d serve --policy ppo.zip --env Gen3D-Pick-v0 --obs-type state --port 9000"],
    )  # fmt: skip
    serve.add_argument("--policy", metavar="P", required=True, help="as for evaluate, but not expert")
    serve.add_argument("--env", metavar="ID", required=True, help="the environment that the policy was made for")
    serve.add_argument("--port", type=_port, default=8000, metavar="N", help="where to listen; 0: anywhere free (8000)")
    serve.add_argument("--host", metavar="NAME", default="127.0.0.1", help="0.0.0.0 lets other computers in")
    _seed(serve, "of a policy that draws its actions (default: 0)")
    _robot(serve)
    serve.add_argument("--obs-type", choices=("state", "pixels", "pixels_agent_pos"), help="what the policy sees")
    serve.add_argument("--control", choices=("ee_delta", "joint_delta"), help="what its actions are")
    serve.add_argument("--cameras", nargs="+", metavar="NAME", help="front, wrist")
    serve.add_argument("--size", type=_count, metavar="N", help="width and height of its pictures")

    robot_sim = command(
        "robot-sim", "robot:run_sim", "run a scene in real time that answers over ROS 2 as a robot's driver would",
        ["gen3d robot-sim --scene Gen3D/PutBananaInBowl-bf78-v0",
         "gen3d robot-sim --engine mujoco --reality medium --profile panda --scene Gen3D/PutBananaInBowl-bf78-v0"],
    )  # fmt: skip
    _engine(robot_sim)
    robot_sim.add_argument("--scene", metavar="SCENE", required=True, help="name, ID or card (*.json)")
    robot_sim.add_argument("--reality", metavar="NAME", help="perturb the world: mild, medium or strong")
    robot_sim.add_argument("--profile", default="wx250s", metavar="P", help="wx250s (default), panda, or a file")
    robot_sim.add_argument(
        "--transport", choices=("cyclonedds", "rospy", "rclpy"), default="cyclonedds", help="default: cyclonedds"
    )
    robot_sim.add_argument(
        "--ros-packages", metavar="DIR", help="for rospy: where it is, e.g. Debian's /usr/lib/python3/dist-packages"
    )
    robot_sim.add_argument("--domain", type=_domain, default=0, metavar="N", help="ROS_DOMAIN_ID (default: 0)")
    robot_sim.add_argument("--loopback", action="store_true", help="stay on this machine")
    robot_sim.add_argument(
        "--simulated-time", action="store_true",
        help="time passes when the robot environment asks for it, as fast as the computer can (default: real time)",
    )  # fmt: skip
    robot_sim.add_argument("--control-hz", type=_count, default=5, metavar="N", help="how often it judges its task (5)")
    robot_sim.add_argument("--state-hz", type=_count, default=60, metavar="N", help="joint states per second (60)")
    robot_sim.add_argument("--camera-hz", type=_count, default=30, metavar="N", help="pictures per second (30)")
    robot_sim.add_argument("--width", type=_count, default=640, metavar="N", help="of the pictures (640)")
    robot_sim.add_argument("--height", type=_count, default=480, metavar="N", help="of the pictures (480)")
    _seed(robot_sim, "of the first episode (default: 0)")

    robot_replay = command(
        "robot-replay", "robot:run_replay", "simulate what a robot's log recorded again, and compare",
        ["gen3d robot-replay my_log", "gen3d robot-replay my_log --engine mujoco"],
    )  # fmt: skip
    robot_replay.add_argument("log", metavar="LOG", help="folder of a bag that the robot environment recorded")
    _engine(robot_replay)
    robot_replay.add_argument("--scene", metavar="SCENE", help="instead of the recorded one")

    training = command(
        "train", "train:run", "learn a policy; the same command goes on with a training that was stopped",
        ["gen3d train --algo ppo --env Gen3D-Pick-v0 --steps 500000 --out ppo",
         "gen3d train --algo ppo --obs pixels --benchmark gen3d-100 --scenes 10 --steps 1000000 --jobs 2 --out pixels",
         "gen3d train --algo sac --env Gen3D-Pick-v0 --steps 100000 --out sac --set lr=1e-4"],
    )  # fmt: skip
    _algorithm(training)
    target = training.add_mutually_exclusive_group(required=True)
    target.add_argument("--env", metavar="ID", help="a family's ID, one scene's ID, name or card (*.json)")
    target.add_argument("--benchmark", metavar="NAME", help="gen3d-100, gen3d-tasks or gen3d-openings")
    training.add_argument("--split", choices=SPLITS, help="scenes of the benchmark (default: train)")
    training.add_argument("--scenes", type=_count, metavar="N", help="only the first N of them (default: all)")
    training.add_argument("--steps", type=_steps, required=True, metavar="N", help="control steps, all together")
    training.add_argument("--out", metavar="DIR", required=True, help="folder of checkpoints, curve and policy")
    training.add_argument("--obs", choices=("state", "pixels"), default="state", help="what it sees (default: state)")
    training.add_argument("--size", type=_count, default=64, metavar="N", help="of its pictures (default: 64)")
    training.add_argument(
        "--set", dest="options", action="append", default=[], metavar="NAME=VALUE",
        help="what else the algorithm is told; a wrong name lists them all",
    )  # fmt: skip
    training.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="(default: auto)")
    _seed(training, "of everything (default: 0)")
    _robot(training)
    _fast_physics(training)
    _jobs(training)

    study = command(
        "study", "study:run", "train in more and more scenes, and measure what that brings",
        ["gen3d study --out study --jobs 2 --budget 600", "gen3d study --preset smoke --out smoke",
         "gen3d study --out study --only 100 --seeds 0 1 2"],
    )  # fmt: skip
    study.add_argument("--out", metavar="DIR", required=True, help="folder; the same command goes on in it")
    study.add_argument("--preset", choices=("full", "smoke"), default="full", help="how long (default: full)")
    study.add_argument("--budget", type=_minutes, metavar="MINUTES", help="stop after so long (default: when done)")
    study.add_argument("--only", metavar="WHAT", help="a number of scenes, handmade, or imitation (default: all)")
    study.add_argument("--seeds", type=_seed_value, nargs="+", metavar="N", help="of the fine-tuning (default: 0)")
    study.add_argument(
        "--set", dest="options", action="append", default=[], metavar="NAME=VALUE",
        help="another setting; a wrong name lists them all",
    )  # fmt: skip
    study.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="(default: auto)")
    _jobs(study)

    evaluation = command(
        "evaluate", "evaluate:run", "run a policy through fixed episodes, with every one written down",
        ["gen3d evaluate --policy expert --env Gen3D-Pick-v0 --episodes 5 --out run.json",
         "gen3d evaluate --policy ws://localhost:8000 --benchmark gen3d-100 --split heldout --axes all --jobs 2 "
         "--out run.json",
         "gen3d evaluate --policy my_checkpoint --env Gen3D-RealRobot-v0 --physics pybullet --reality medium "
         "--out robot.json"],
    )  # fmt: skip
    evaluation.add_argument(
        "--policy", metavar="P", required=True,
        help="random, expert, MODULE:CLASS, FILE.zip (SB3), a checkpoint's FOLDER, lerobot:FOLDER, ws://HOST:PORT "
        "(openpi) or http://HOST:PORT/act (OpenVLA)",
    )  # fmt: skip
    target = evaluation.add_mutually_exclusive_group(required=True)
    target.add_argument("--env", metavar="ID", help="a family's ID, one scene's ID, name or card (*.json)")
    target.add_argument("--benchmark", metavar="NAME", help="gen3d-100, gen3d-tasks or gen3d-openings")
    evaluation.add_argument("--split", choices=SPLITS, help="scenes of the benchmark (default: train)")
    evaluation.add_argument(
        "--axes", nargs="+", default=[], metavar="NAME",
        help="test conditions or groups of them, see `gen3d axes`; all for every one (default: nothing changes)",
    )  # fmt: skip
    evaluation.add_argument(
        "--episodes",
        type=_count,
        metavar="N",
        help="of each scene under each axis (default: 20; 10 trials for Gen3D-RealRobot-v0)",
    )
    _seed(evaluation, "of all episodes (default: 0)")
    _jobs(evaluation)
    evaluation.add_argument(
        "--out", metavar="FILE.json", required=True,
        help="the result; the same command continues a run that was stopped",
    )  # fmt: skip
    evaluation.add_argument("--name", metavar="TEXT", help="what the policy is called in tables (default: P)")
    _robot(evaluation)
    _physics(evaluation)
    evaluation.add_argument(
        "--transport", choices=("cyclonedds", "rospy", "direct"),
        help="for Gen3D-RealRobot-v0, a simulated robot in a process of its own: how it is spoken to (default: "
        "cyclonedds; direct runs the same trials without ROS, for comparison)",
    )  # fmt: skip
    evaluation.add_argument("--reality", metavar="PROFILE", help="mild, medium or strong (default: none)")
    evaluation.add_argument("--obs-type", choices=("state", "pixels", "pixels_agent_pos"), help="what the policy sees")
    evaluation.add_argument("--control", choices=("ee_delta", "joint_delta"), help="what its actions are")
    evaluation.add_argument("--cameras", nargs="+", metavar="NAME", help="front, wrist")
    evaluation.add_argument("--size", type=_count, metavar="N", help="width and height of its pictures")

    comparing = command(
        "compare", "compare_runs:run", "compare two policies on the episodes that both have run",
        ["gen3d compare mine.json expert.json", "gen3d compare after.json before.json"],
    )  # fmt: skip
    comparing.add_argument("first", metavar="A.json", help="a result of gen3d evaluate")
    comparing.add_argument("second", metavar="B.json", help="another, of the same benchmark, engine, robot and seed")

    report = command(
        "report", "report_runs:run", "write results as one page with tables, plots and films",
        ["gen3d report run.json --out run.html", "gen3d report mine.json expert.json --out page.html"],
    )  # fmt: skip
    report.add_argument("runs", metavar="RUN.json", nargs="+", help="results of gen3d evaluate")
    report.add_argument("--out", metavar="FILE.html", default="report.html", help="(default: report.html)")
    report.add_argument("--no-films", action="store_true", help="do not run any episode again")

    board = command(
        "leaderboard", "leaderboard:run", "print the results that are kept, and draw them",
        ["gen3d leaderboard", "gen3d leaderboard --add run.json --folder my_results --out board.svg"],
    )  # fmt: skip
    board.add_argument("--folder", metavar="DIR", help="where they are (default: the released ones)")
    board.add_argument("--add", metavar="RUN.json", nargs="+", help="keep these results of gen3d evaluate there")
    board.add_argument("--out", metavar="FILE", help="picture to write: .svg or .png")

    recording = command(
        "record", "record:run", "record successful episodes of a policy as a data set of LeRobot or Minari",
        ["gen3d record --env Gen3D-Pick-v0 --episodes 50 --out demos",
         "gen3d record --env Gen3D-Place-v0 --cameras front wrist --size 224 --episodes 200 --out demos"],
    )  # fmt: skip
    target = recording.add_mutually_exclusive_group(required=True)
    target.add_argument("--env", metavar="ID", help="a family's ID, one scene's ID, name or card (*.json)")
    target.add_argument("--benchmark", metavar="NAME", help="gen3d-100, gen3d-tasks or gen3d-openings")
    recording.add_argument("--split", choices=SPLITS, help="scenes of the benchmark (default: train)")
    recording.add_argument("--axes", nargs="+", default=[], metavar="NAME", help="test conditions, as for evaluate")
    recording.add_argument("--policy", metavar="P", default="expert", help="as for evaluate (default: expert)")
    recording.add_argument("--episodes", type=_count, default=50, metavar="N", help="to keep (default: 50)")
    recording.add_argument(
        "--format", choices=("lerobot", "minari"), default="lerobot",
        help="LeRobot's data set, version 3, or Minari's in its Arrow format (default: lerobot)",
    )  # fmt: skip
    recording.add_argument("--out", metavar="DIR", required=True, help="new folder to write")
    _seed(recording, "of all episodes; they are never those of an evaluation (default: 0)")
    _robot(recording)
    _physics(recording)
    recording.add_argument("--reality", metavar="PROFILE", help="mild, medium or strong (default: none)")
    recording.add_argument("--cameras", nargs="+", default=["front"], metavar="NAME", help="front, wrist")
    recording.add_argument("--size", type=_count, default=128, metavar="N", help="of the pictures (default: 128)")
    recording.add_argument("--control-hz", type=_count, default=5, metavar="N", help="steps a second (default: 5)")

    replaying = command(
        "replay", "record:run_replay", "simulate a recording again; exit code 1 where a bit differs",
        ["gen3d replay demos", "gen3d replay data/pick"],
    )  # fmt: skip
    replaying.add_argument("folder", metavar="DIR", help="what gen3d record wrote, or a robot's log (see robot-replay)")

    studio = command(
        "studio", "studio:run", "open a local page on which scenes are made, changed, measured and saved",
        ["gen3d studio", "gen3d studio --robot panda --port 9000 --no-browser"],
    )  # fmt: skip
    _robot(studio)
    _page(studio)

    view = command(
        "view", "studio:view", "open the studio on one scene, with its joints and randomization as sliders",
        ["gen3d view Gen3D/PutBananaInBowl-bf78-v0", "gen3d view scenes/PickPen-1f0c.json --no-browser"],
    )  # fmt: skip
    view.add_argument("scene", metavar="SCENE", help="name, ID or card (*.json)")
    _page(view)

    gallery = command(
        "gallery", "gallery:run", "write a bank of scenes as a static site that opens from disk",
        ["gen3d gallery my_bank --out site", "gen3d gallery released --out site"],
    )  # fmt: skip
    gallery.add_argument("bank", metavar="BANK", help='folder of scene cards and their assets, or "released"')
    gallery.add_argument("--out", metavar="DIR", default="site", help="folder to write (default: site)")

    listing = command(
        "list", "catalog:list_scenes", "list the IDs there are, released ones and your own",
        ["gen3d list", "gen3d list --family pick"],
    )  # fmt: skip
    listing.add_argument("--family", choices=tuple(FAMILIES), help="only this family")

    info = command(
        "info", "catalog:info", "show a scene, its spaces, its certificate and how to make it",
        ["gen3d info Gen3D-Pick-v0", "gen3d info scenes/PickPen-1f0c.json --robot panda"],
    )  # fmt: skip
    info.add_argument("scene", metavar="SCENE", help="name, ID or card (*.json)")
    _robot(info)

    importing = command(
        "import-layout", "import_layout:run", "turn a world of EmbodiedGen's format into a certified scene",
        ["gen3d import-layout layouts/task_0000", "gen3d import-layout world/layout.json --robot panda --out mine"],
    )  # fmt: skip
    importing.add_argument("world", metavar="PATH", help="folder with a layout.json, or that file")
    importing.add_argument("--out", metavar="DIR", help="folder for the card and its assets (default: your own scenes)")
    _robot(importing)

    export = command(
        "export", "export:run", "write a scene for other tools: URDF, MuJoCo's MJCF, one GLB for viewers",
        ["gen3d export Gen3D/PutBananaInBowl-bf78-v0", "gen3d export scenes/PickPen-1f0c.json --format glb --out pen",
         "gen3d export PickLemon-dd91 --format mjcf --robot panda --out lemon --force"],
    )  # fmt: skip
    export.add_argument("scene", metavar="SCENE", help="name, ID or card (*.json)")
    export.add_argument(
        "--format", choices=("urdf", "mjcf", "glb", "all"), default="all", help="what to write (default: all)"
    )
    export.add_argument("--out", metavar="DIR", help="folder to write (default: export/<scene name>)")
    _robot(export)
    export.add_argument("--force", action="store_true", help="replace an earlier export")

    engines = command(
        "compare-engines", "compare_engines:run", "measure the same scenes, seeds and actions on two physics engines",
        ["gen3d compare-engines --env Gen3D-Place-v0", "gen3d compare-engines --env Gen3D-Pick-v0 --out comparison"],
    )  # fmt: skip
    engines.add_argument("--env", metavar="ID", required=True, help="a family's ID, or one scene")
    engines.add_argument("--engines", metavar="NAME", nargs=2, help="which two (default: all there are)")
    engines.add_argument("--episodes", type=_count, default=50, metavar="N", help="paired episodes (default: 50)")
    engines.add_argument("--out", metavar="DIR", help="folder for the figures and the plot")
    _robot(engines)

    axes = command(
        "axes", "axes:run", "list the test conditions, or show a picture of each on a page",
        ["gen3d axes", "gen3d axes semantics light_strong", "gen3d axes --out axes"],
    )  # fmt: skip
    axes.add_argument("axes", metavar="NAME", nargs="*", help="axes or groups (default: all)")
    axes.add_argument("--json", action="store_true", help="print them with their arguments of gym.make")
    axes.add_argument("--out", metavar="DIR", help="folder for a page with pictures")
    axes.add_argument("--scene", metavar="NAME", help="the scene of the pictures (default: the first place scene)")
    _seed(axes, "of the evaluation whose first episodes are shown (default: 0)")

    completion = command(
        "completion", "completion:run", "print a script that completes commands and options in a shell",
        ['eval "$(gen3d completion bash)"', 'eval "$(gen3d completion zsh)"'],
    )  # fmt: skip
    completion.add_argument("shell", choices=("bash", "zsh"), help="which shell")

    docs = command(
        "docs", "docs:run", "bring the generated tables of a Markdown file up to date",
        ["gen3d docs README.md", "gen3d docs README.md --check"],
    )  # fmt: skip
    docs.add_argument("file", metavar="FILE", help="Markdown with <!-- generated:NAME --> markers")
    docs.add_argument("--check", action="store_true", help="change nothing; exit code 1 where it is out of date")
    return parser


_FORMAT = argparse.RawDescriptionHelpFormatter


def _sentence(what: str) -> str:
    return what[:1].upper() + what[1:] + "."


def _examples(lines: Sequence[str]) -> str:
    return "examples:\n" + "\n".join(f"  {line}" for line in lines)


def _algorithm(parser: argparse.ArgumentParser) -> None:
    known = import_module("gen3d_envs.commands.train").table().ALGORITHMS
    listed = "; ".join(f"{each.name}: {each.help}" for each in known.values())
    parser.add_argument("--algo", choices=tuple(known), required=True, help=listed)


def _sentence_and_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sentence", metavar="SENTENCE", help="what the robot is to do, in English, in quotes")
    _seed(parser, "draws what the sentence leaves open (default: 0)")


def _seed(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--seed", type=_seed_value, default=0, metavar="N", help=what)


def _robot(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--robot", metavar="NAME", help="widowx or panda (default: the scene's own, or widowx)")


def _engine(parser: argparse.ArgumentParser) -> None:
    from gen3d_envs.sim.engines import DEFAULT, ENGINES

    parser.add_argument("--engine", choices=tuple(ENGINES), default=DEFAULT, help=f"physics (default: {DEFAULT})")


def _physics(parser: argparse.ArgumentParser) -> None:
    from gen3d_envs.sim.engines import DEFAULT, ENGINES

    parser.add_argument(
        "--physics", metavar="NAME", choices=tuple(ENGINES), default=DEFAULT,
        help=f"physics engine: {' or '.join(ENGINES)} (default: {DEFAULT}, which is what an ID means)",
    )  # fmt: skip


def _fast_physics(parser: argparse.ArgumentParser) -> None:
    from gen3d_envs.sim.engines import ENGINES, FASTEST

    parser.add_argument(
        "--physics", metavar="NAME", choices=tuple(ENGINES), default=FASTEST,
        help=f"physics engine: {' or '.join(ENGINES)} (default: {FASTEST}, the fastest)",
    )  # fmt: skip


def _designer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--designer", metavar="NAME", default="rules",
        help="who reads the sentence: rules, openai:MODEL (OPENAI_BASE_URL, OPENAI_API_KEY) or local:FOLDER "
        "(default: rules)",
    )  # fmt: skip


def _jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=_job_count, default=1, metavar="N", help="processes (default: 1)")


def _job_count(text: str) -> int:
    return _whole(text, 1, 256)


def _price(text: str) -> float:
    return _above_zero(text, "price")


def _minutes(text: str) -> float:
    return _above_zero(text, "number of minutes")


def _above_zero(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no {what} above 0")
    return value


def _page(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, default=8080, metavar="N", help="where to listen (default: 8080)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")


def _port(text: str) -> int:
    return _whole(text, 0, 65535)


def _seed_value(text: str) -> int:
    return _whole(text, 0, MAX_SEED - 1)


def _domain(text: str) -> int:
    return _whole(text, 0, 232)


def _steps(text: str) -> int:
    return _whole(text, 1, 10**12)


def _count(text: str) -> int:
    return _whole(text, 1, 10_000)


def _whole(text: str, low: int, high: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")
    return value


if __name__ == "__main__":
    sys.exit(main())
