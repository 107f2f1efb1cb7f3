"""``gen3d serve``: offer a policy to other programs and computers over openpi's websocket protocol."""

from __future__ import annotations

import argparse
import signal
from types import FrameType

import gymnasium

import gen3d_envs  # noqa: F401
from gen3d_envs.commands.console import say
from gen3d_envs.commands.policies import serving
from gen3d_envs.errors import FieldError


def run(args: argparse.Namespace) -> int:
    """Run the command until Ctrl+C or SIGTERM; returns its exit code."""
    env = _make(args)
    try:
        server = serving().serve_policy(args.policy, env, args.env, args.seed, args.host, args.port)
        before = signal.signal(signal.SIGTERM, _stop)
        try:
            say(f"{args.policy} for {args.env} at {server.address}  (Ctrl+C ends it)")
            server.run()
        except KeyboardInterrupt:
            say("stopped")
        finally:
            signal.signal(signal.SIGTERM, before)
            server.close()
    finally:
        env.close()
    return 0


def _make(args: argparse.Namespace) -> gymnasium.Env:
    options = {"obs_type": args.obs_type, "control": args.control, "cameras": args.cameras, "robot": args.robot}
    options |= {"observation_width": args.size, "observation_height": args.size}
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return gymnasium.make(args.env, disable_env_checker=True, **given)
    except gymnasium.error.Error as error:
        raise FieldError("env", args.env, f"is no ID ({error})", "See 'gen3d list'") from None


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
