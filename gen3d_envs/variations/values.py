"""A number or a distribution: what any quantity that varies from episode to episode is given as.

In Python a value is a number or one of the classes below; in JSON, as ``EnvSpec`` and command lines hold it, a number
or a mapping of one key: ``{"uniform": [0.8, 1.2]}``, ``{"loguniform": [0.5, 2]}``, ``{"normal": [1, 0.1, 0.8, 1.2]}``,
``{"choice": [0.5, 1, 2]}``. :func:`draw` evaluates all of them with the generator that it is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from gen3d_envs.errors import FieldError

T = TypeVar("T")


class Distribution(Protocol):
    """Something numbers are drawn from."""

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and largest number that can be drawn."""

    @property
    def literal(self) -> Any:
        """The distribution as JSON."""

    def draw(self, rng: np.random.Generator) -> float:
        """One number."""


@dataclass(frozen=True)
class Constant:
    """Always the same number; draws nothing from the generator."""

    value: float

    @property
    def bounds(self) -> tuple[float, float]:
        """See :class:`Distribution`."""
        return self.value, self.value

    @property
    def literal(self) -> Any:
        """See :class:`Distribution`."""
        return self.value

    def draw(self, rng: np.random.Generator) -> float:
        """See :class:`Distribution`."""
        return self.value


@dataclass(frozen=True)
class Uniform:
    """Evenly from ``low`` to ``high``."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _finite("uniform", [self.low, self.high])
        _ordered("uniform", self.low, self.high)

    @property
    def bounds(self) -> tuple[float, float]:
        """See :class:`Distribution`."""
        return self.low, self.high

    @property
    def literal(self) -> Any:
        """See :class:`Distribution`."""
        return {"uniform": [self.low, self.high]}

    def draw(self, rng: np.random.Generator) -> float:
        """See :class:`Distribution`."""
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class LogUniform:
    """Evenly in the logarithm, for factors: halving is as likely as doubling."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _finite("loguniform", [self.low, self.high])
        _ordered("loguniform", self.low, self.high)
        if self.low <= 0.0:
            raise FieldError("loguniform", self.low, "has no logarithm", "Use bounds above 0")

    @property
    def bounds(self) -> tuple[float, float]:
        """See :class:`Distribution`."""
        return self.low, self.high

    @property
    def literal(self) -> Any:
        """See :class:`Distribution`."""
        return {"loguniform": [self.low, self.high]}

    def draw(self, rng: np.random.Generator) -> float:
        """See :class:`Distribution`."""
        value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Normal:
    """A normal distribution, clipped: beyond ``low`` and ``high`` lies nothing (three deviations where not given)."""

    mean: float
    std: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        _finite("normal", [self.mean, self.std, *self.bounds])
        _ordered("normal", *self.bounds)
        if self.std < 0.0:
            raise FieldError("normal", self.std, "is no deviation", "Use 0 or more")

    @property
    def bounds(self) -> tuple[float, float]:
        """See :class:`Distribution`."""
        low = self.mean - 3.0 * self.std if self.low is None else self.low
        return low, self.mean + 3.0 * self.std if self.high is None else self.high

    @property
    def literal(self) -> Any:
        """See :class:`Distribution`."""
        return {"normal": [self.mean, self.std, *self.bounds]}

    def draw(self, rng: np.random.Generator) -> float:
        """See :class:`Distribution`."""
        low, high = self.bounds
        return min(max(float(rng.normal(self.mean, self.std)), low), high)


@dataclass(frozen=True)
class Choice:
    """One of some numbers, each as likely as the others."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise FieldError("choice", self.values, "is empty", "Give at least one number")
        _finite("choice", self.values)

    @property
    def bounds(self) -> tuple[float, float]:
        """See :class:`Distribution`."""
        return min(self.values), max(self.values)

    @property
    def literal(self) -> Any:
        """See :class:`Distribution`."""
        return {"choice": list(self.values)}

    def draw(self, rng: np.random.Generator) -> float:
        """See :class:`Distribution`."""
        return float(self.values[int(rng.integers(len(self.values)))])


Value = float | Uniform | LogUniform | Normal | Choice | Mapping[str, Sequence[float]]
"""A number, a distribution, or a distribution's literal."""

_KINDS: dict[str, Callable[[list[float]], Distribution]] = {
    "uniform": lambda numbers: Uniform(*numbers),
    "loguniform": lambda numbers: LogUniform(*numbers),
    "normal": lambda numbers: Normal(*numbers),
    "choice": lambda numbers: Choice(tuple(numbers)),
}
_FORMS = 'a number, {"uniform": [low, high]}, {"loguniform": [low, high]}, {"normal": [mean, std, low, high]} or ' \
    '{"choice": [...]}'  # fmt: skip
_MOST = 1e9


def parse(value: Any, field: str = "value", low: float = -_MOST, high: float = _MOST) -> Distribution:
    """The distribution of a value.

    Args:
        value: number, distribution or literal.
        field: name for errors.
        low: what no draw may fall below.
        high: what no draw may exceed.

    Raises:
        FieldError: no value, or one that may draw a number out of bounds.
    """
    if isinstance(value, Constant | Uniform | LogUniform | Normal | Choice):
        found: Distribution = value
    elif _is_number(value):
        found = Constant(float(value))
    elif is_literal(value):
        (kind, numbers), *_ = value.items()
        if not isinstance(numbers, Sequence) or isinstance(numbers, str) or not all(map(_is_number, numbers)):
            raise FieldError(field, value, "is no list of numbers", f"Use {_FORMS}")
        try:
            found = _KINDS[kind]([float(number) for number in numbers])
        except TypeError:
            raise FieldError(field, value, "has the wrong count of numbers", f"Use {_FORMS}") from None
        except FieldError as error:
            raise FieldError(field, value, error.problem, error.remedy) from None
    else:
        raise FieldError(field, value, "is neither a number nor a distribution", f"Use {_FORMS}")
    least, most = found.bounds
    if not (math.isfinite(least) and math.isfinite(most)) or least < low or most > high:
        raise FieldError(field, value, f"may leave the range from {low:g} to {high:g}", "Narrow it")
    return found


def draw(value: Value | Distribution, rng: np.random.Generator) -> float:
    """One number of a value; a plain number draws nothing from the generator."""
    return parse(value).draw(rng)


def is_literal(value: Any) -> bool:
    """Whether a value is a mapping that names a kind of distribution."""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _KINDS


def to_literal(value: Any) -> Any:
    """A setting as JSON: distributions become literals, tuples lists; what is no setting stays as it is."""
    if isinstance(value, Constant | Uniform | LogUniform | Normal | Choice):
        return value.literal
    if isinstance(value, Mapping):
        return {key: to_literal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_literal(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


@dataclass(frozen=True)
class Each:
    """Values by key, e.g. for the target and for everything else."""

    default: Distribution | None
    by_key: Mapping[str, Distribution]

    def of(self, key: str) -> Distribution | None:
        """The value of a key; None where it has none."""
        return self.by_key.get(key, self.default)


def parse_each(value: Any, field: str, keys: Sequence[str], low: float, high: float) -> Each:
    """One value for all keys, or a mapping of some keys to values of their own.

    Raises:
        FieldError: an unknown key; see also :func:`parse`.
    """
    if not isinstance(value, Mapping) or is_literal(value):
        return Each(parse(value, field, low, high), {})
    for key in value:
        if key not in keys:
            raise FieldError(field, key, "is neither a distribution nor a known part", f"Use {', '.join(keys)}")
    return Each(None, {key: parse(value[key], f"{field}.{key}", low, high) for key in keys if key in value})


def parse_names(value: Any, field: str, known: Sequence[str]) -> tuple[str, ...]:
    """Some names of a list: one, several, or True for all.

    Raises:
        FieldError: an unknown name, or none.
    """
    if value is True:
        return tuple(known)
    if isinstance(value, Mapping) and tuple(value) == ("choice",):
        value = value["choice"]
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not names:
        raise FieldError(field, value, "names nothing", f"Use true for all, or some of {', '.join(known)}")
    for name in names:
        if name not in known:
            raise FieldError(field, name, "is not known", f"Use true for all, or some of {', '.join(known)}")
    return tuple(names)


def parse_parts(
    value: Any, field: str, parts: Mapping[str, tuple[Any, Callable[[Any, str], T]]], short: str | None = None
) -> dict[str, T]:
    """A mapping of named parts, each with its own reader; what is missing takes its default.

    Args:
        value: the mapping, or the value of the part ``short`` alone.
        field: name for errors.
        parts: name -> (default, reader of (value, field)).
        short: the part that stands alone.

    Raises:
        FieldError: an unknown part, or a value that its reader refuses.
    """
    if short is not None and (not isinstance(value, Mapping) or is_literal(value)):
        value = {short: value}
    if not isinstance(value, Mapping):
        raise FieldError(field, value, "is no mapping", f"Give some of {', '.join(parts)}")
    for key in value:
        if key not in parts:
            raise FieldError(f"{field}.{key}", value[key], "is not known", f"Use some of {', '.join(parts)}")
    return {name: read(value.get(name, default), f"{field}.{name}") for name, (default, read) in parts.items()}


def pick(rng: np.random.Generator, names: Sequence[T]) -> T:
    """One of a list."""
    return names[int(rng.integers(len(names)))]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _finite(kind: str, numbers: Sequence[float]) -> None:
    for number in numbers:
        if not _is_number(number) or not math.isfinite(number):
            raise FieldError(kind, number, "is no finite number", "Use finite numbers")


def _ordered(kind: str, low: float, high: float) -> None:
    if low > high:
        raise FieldError(kind, [low, high], "has its bounds the wrong way round", "Put the smaller one first")
