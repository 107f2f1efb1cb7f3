"""A certificate in plain words, for people who do not know the measures behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gen3d_envs.report import CHECKS
from gen3d_envs.spec import Certificate, CheckResult

PASSED = {
    "drift": "Everything stays where it was put.",
    "speed": "Everything is at rest.",
    "penetration": "Nothing is stuck in anything else.",
    "reach": "The arm reaches everything it has to.",
    "visible": "The camera sees everything that matters.",
    "unsolved_at_start": "The task is not done before it begins.",
    "random_policy": "Random motion does not do it by luck.",
    "expert": "A scripted robot does it again and again.",
}

FAILED = {
    "drift": "The {what} moves by itself.",
    "speed": "The {what} does not come to rest.",
    "penetration": "The {what} is stuck in something else.",
    "reach": "The arm cannot reach the {what}.",
    "visible": "The camera hardly sees the {what}.",
    "unsolved_at_start": "The task is done before anyone acts.",
    "random_policy": "Random motion does it by luck.",
    "expert": "The scripted robot fails too often.",
}


@dataclass(frozen=True)
class Finding:
    """One line of a certificate as a person would say it.

    Attributes:
        sentence: plain words, English.
        passed: whether the scene meets the limit.
        check: the figures behind it.
    """

    sentence: str
    passed: bool
    check: CheckResult


def findings(certificate: Certificate) -> tuple[Finding, ...]:
    """Every check of a certificate in plain words, in the certificate's order."""
    return tuple(Finding(_sentence(check), check.passed, check) for check in certificate.checks)


def _sentence(check: CheckResult) -> str:
    known = (PASSED if check.passed else FAILED).get(check.name)
    if known is None:
        words = CHECKS.get(check.name, check.name.replace("_", " "))
        return f"{words[:1].upper()}{words[1:]}: {'as it should be' if check.passed else 'not as it should be'}."
    return known.format(what=_thing(check.detail))


def _thing(detail: str) -> str:
    """The object that a detail names, as words."""
    match = re.match(r"[a-z][a-z0-9_]*", detail)
    return match.group().replace("_", " ") if match else "object"


def verdict(certificates: tuple[Certificate, ...]) -> str:
    """All certificates of a scene in one sentence."""
    if not certificates:
        return "Not measured yet."
    if all(certificate.passed for certificate in certificates):
        robots = " and ".join(robot_words(certificate.robot) for certificate in certificates)
        return f"Works: every check passed with the {robots}."
    failed = sum(not check.passed for certificate in certificates for check in certificate.checks)
    return f"Does not work yet: {failed} check{'s' if failed > 1 else ''} failed."


def robot_words(name: str) -> str:
    """A robot as people call it."""
    return {"widowx": "WidowX", "panda": "Franka Panda"}.get(name, name)
