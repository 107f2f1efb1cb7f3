"""``gen3d completion``: a script that lets a shell complete commands and options."""

from __future__ import annotations

import argparse

from gen3d_envs.commands.console import say

SHELLS = ("bash", "zsh")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    from gen3d_envs.cli import build_parser

    say(script(build_parser(), args.shell))
    return 0


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script for a shell, written from the parser, so that it knows every command and option."""
    commands = _commands(parser)
    cases = []
    for name, command in commands.items():
        options = " ".join(flag for action in command._actions for flag in action.option_strings)
        choices = " ".join(
            str(choice) for action in command._actions if not action.option_strings for choice in action.choices or ()
        )
        cases.append(f"    {name}) words='{' '.join(part for part in (choices, options) if part)}' ;;")
    options = " ".join(flag for action in parser._actions for flag in action.option_strings)
    body = "\n".join(
        (
            "_gen3d() {",
            '  local word="${COMP_WORDS[COMP_CWORD]}" words',
            '  case "${COMP_WORDS[1]}" in',
            *cases,
            "  esac",
            f"  [ \"$COMP_CWORD\" = 1 ] && words='{' '.join(commands)} {options}'",
            '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
            "}",
            "complete -o default -F _gen3d gen3d",
        )
    )
    if shell == "zsh":
        return f'# eval "$(gen3d completion zsh)"\nautoload -Uz bashcompinit && bashcompinit\n{body}'
    return f'# eval "$(gen3d completion bash)"\n{body}'


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}
