"""Plans: which scenes a bank is to hold. A plan is an ordered list of requests and depends on its inputs alone.

A request says what the scene is about and what surrounds it; making it is the work of ``bank.generate``. A request that
cannot be made has spares: other requests for the same place in the list, which depend on that place alone. So the bank
is the same whatever order its scenes are made in.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.bank.gen3d_100 import GEN3D_100
from gen3d_envs.bank.gen3d_broad import GEN3D_BROAD
from gen3d_envs.bank.gen3d_openings import GEN3D_OPENINGS
from gen3d_envs.bank.gen3d_tasks import GEN3D_TASKS
from gen3d_envs.bank.tables import Benchmark, SentenceBenchmark, Split, SplitTable
from gen3d_envs.build import seeded
from gen3d_envs.design.templates import TEMPLATES, phrase
from gen3d_envs.errors import FieldError
from gen3d_envs.spec import Family, Spec, replace, to_json

_T = TypeVar("_T")

BENCHMARKS: dict[str, Benchmark | SentenceBenchmark] = {
    benchmark.name: benchmark for benchmark in (GEN3D_100, GEN3D_TASKS, GEN3D_OPENINGS, GEN3D_BROAD)
}
"""Benchmarks by name."""

SPARES = 3
"""Other requests for the same place, tried in turn where one cannot be made."""

MAX_SENTENCES = 10_000
MAX_SENTENCE_FILE_BYTES = 4_000_000

_AROUND: dict[Family, tuple[int, int]] = {"place": (2, 4), "pick": (3, 5)}
"""How many things stand around, least and most: with the task's own, five objects a scene on average."""

_COLORED = (
    "mug", "can", "bottle", "marker", "cube", "block", "ball", "toy_car", "candle", "bowl", "box", "bucket", "plate",
    "tray", "towel", "notebook", "cylinder", "toy_fish", "book", "placemat",
)  # fmt: skip
"""Categories that most of whose surface has the colour they are asked for in."""

_COLORED_SHARE = 0.6
_NOUNS = {"cup_cake": "cupcake"}


class SceneRequest(Spec, frozen=True, kw_only=True):
    """One scene that is asked for.

    Attributes:
        index: place in the bank, from 0.
        spare: 0 for the request itself, from 1 for what takes its place.
        split: of the benchmark.
        sentence: the instruction.
        copy: which scene of this sentence, from 0, where a list asks for several.
        around: categories that stand around; None leaves them, room and support to the designer.
        style, support: the room and what stands in it.
        card: name of a card made by hand, instead of all the above.
    """

    index: int
    spare: int = 0
    split: Split = "train"
    sentence: str = ""
    copy: int = 0
    around: tuple[str, ...] | None = None
    style: str | None = None
    support: str | None = None
    card: str | None = None


@dataclass(frozen=True)
class Plan:
    """What a bank is to hold.

    Attributes:
        name: of the benchmark, or ``"sentences"``.
        seed: of the bank.
        requests: in the order of the bank.
        spare: the n-th replacement (from 1) of a request, or None where it has none left.
    """

    name: str
    seed: int
    requests: tuple[SceneRequest, ...]
    spare: Callable[[SceneRequest, int], SceneRequest | None]

    @property
    def sha256(self) -> str:
        """Hash of all requests: the identity of the plan."""
        digest = hashlib.sha256(f"{self.name}/{self.seed}".encode())
        for request in self.requests:
            digest.update(to_json(request))
        return digest.hexdigest()


def benchmark_plan(name: str, seed: int) -> Plan:
    """The plan of a benchmark.

    The training scenes come first, in an order whose every beginning holds as many scenes of one family as of the other
    (one more Place scene where it is odd) and repeats no target before all have had their turn.

    Raises:
        FieldError: no such benchmark.
    """
    if name not in BENCHMARKS:
        raise FieldError("benchmark", name, "is no benchmark", f"Use one of {', '.join(BENCHMARKS)}")
    benchmark = BENCHMARKS[name]
    if isinstance(benchmark, SentenceBenchmark):
        return _listed(benchmark, seed)
    requests: list[SceneRequest] = []
    for table in benchmark.splits:
        requests += _requests(benchmark.name, seed, table, len(requests))
    requests += [
        SceneRequest(index=len(requests) + number, split="handmade", card=card)
        for number, card in enumerate(benchmark.handmade)
    ]
    tables = {table.name: table for table in benchmark.splits}

    def spare(request: SceneRequest, number: int) -> SceneRequest | None:
        if request.split not in tables or not 1 <= number <= SPARES:
            return None
        rng = seeded("spare", name, seed, request.index, number)
        drawer = _Drawer(tables[request.split], rng)
        family: Family = "place" if request.index % 2 == 0 else "pick"
        return drawer.draw(family, request.index, number)

    return Plan(name, seed, tuple(requests), spare)


def _listed(benchmark: SentenceBenchmark, seed: int) -> Plan:
    """A plan of one scene of each sentence; a spare is the same sentence with other things."""
    splits: tuple[tuple[Split, tuple[str, ...]], ...] = (("train", benchmark.train), ("heldout", benchmark.heldout))
    said = [(split, sentence) for split, sentences in splits for sentence in sentences]
    requests = tuple(SceneRequest(index=i, split=split, sentence=text) for i, (split, text) in enumerate(said))

    def spare(request: SceneRequest, number: int) -> SceneRequest | None:
        return replace(request, spare=number) if 1 <= number <= SPARES else None

    return Plan(benchmark.name, seed, requests, spare)


def sentences_plan(sentences: Sequence[str], scenes_per_sentence: int, seed: int) -> Plan:
    """A plan of some scenes of each sentence; a sentence that cannot be made has no spare.

    Raises:
        FieldError: no sentences, too many, or not at least one scene of each.
    """
    count = len(sentences) * scenes_per_sentence
    if not sentences or scenes_per_sentence < 1 or count > MAX_SENTENCES:
        raise FieldError(
            "sentences", count, f"is no number of scenes from 1 to {MAX_SENTENCES}", "Give at least one sentence a line"
        )
    said: Counter[str] = Counter()
    requests = []
    for index in range(count):
        sentence = sentences[index // scenes_per_sentence]
        requests.append(SceneRequest(index=index, sentence=sentence, copy=said[sentence]))
        said[sentence] += 1
    return Plan("sentences", seed, tuple(requests), lambda request, number: None)


def read_sentences(data: bytes, where: str) -> list[str]:
    """The sentences of a text file: one a line, without blank lines and those that begin with ``#``.

    Raises:
        FieldError: no text, or larger than :data:`MAX_SENTENCE_FILE_BYTES`.
    """
    if len(data) > MAX_SENTENCE_FILE_BYTES:
        raise FieldError(where, len(data), f"is larger than {MAX_SENTENCE_FILE_BYTES} bytes", "Split the file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FieldError(where, data[:20], f"is no UTF-8 text ({error.reason})", "Save it as UTF-8") from None
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def noun(category: str) -> str:
    """What a category is called in a sentence."""
    return _NOUNS.get(category, category.replace("_", " "))


def _requests(name: str, seed: int, table: SplitTable, start: int) -> list[SceneRequest]:
    drawer = _Drawer(table, seeded("plan", name, seed, table.name))
    return [
        drawer.draw("place" if index % 2 == 0 else "pick", start + index, 0) for index in range(table.scenes)
    ]  # fmt: skip


class _Drawer:
    """Draws requests from a table, each thing about as often as the others."""

    def __init__(self, table: SplitTable, rng: np.random.Generator) -> None:
        self._table, self._rng = table, rng
        self._used: Counter[tuple[str, object]] = Counter()
        self._said: set[str] = set()

    def draw(self, family: Family, index: int, spare: int) -> SceneRequest:
        """The next request of a family."""
        table = self._table
        holders = [_Holder(c, "in", takes) for c, takes in table.inside.items()]
        holders += [_Holder(c, "on", takes) for c, takes in table.on_top.items()]
        fitting = {target: [h for h in holders if target in h.targets] for target in table.targets}
        target = self._least(family, [c for c in table.targets if family == "pick" or fitting[c]])
        holder = self._least("holder", fitting[target]) if family == "place" else None
        style, support = self._least("room", self._rooms(target))
        taken = {target} if holder is None else {target, holder.category}
        around = self._around(style, taken, self._number(family))
        words = self._words(target), "" if holder is None else self._words(holder.category)
        return SceneRequest(
            index=index, spare=spare, split=table.name, sentence=self._sentence(family, words, holder), around=around,
            style=style, support=support,
        )  # fmt: skip

    def _number(self, family: Family) -> int:
        """How many things stand around: all numbers in turn, from the largest."""
        low, high = _AROUND[family]
        turn = self._used["number", family]
        self._used["number", family] += 1
        return low + (turn + high - low) % (high - low + 1)

    def _sentence(self, family: Family, words: tuple[str, str], holder: _Holder | None) -> str:
        """A sentence of the family that has not been used yet, where one is left."""
        templates = [name for name in self._table.templates if TEMPLATES[name].family == family]
        sentence = ""
        for _ in templates:
            template = self._least("template", templates)
            if holder is None:
                sentence = phrase(template, words[0])
            else:
                sentence = phrase(template, *words, holder.predicate)
            if sentence not in self._said:
                break
        self._said.add(sentence)
        return sentence

    def _least(self, kind: str, options: Sequence[_T]) -> _T:
        """One of the options that were drawn least often for this purpose."""
        least = min(self._used[kind, option] for option in options)
        rarest = [option for option in options if self._used[kind, option] == least]
        chosen = rarest[int(self._rng.integers(len(rarest)))]
        self._used[kind, chosen] += 1
        return chosen

    def _rooms(self, target: str) -> list[tuple[str, str]]:
        """Rooms that the target is found in; all where it is found in none or in any."""
        found = self._table.found_in
        fitting = [room for room in self._table.rooms if target in found.get(room[0], ())]
        return fitting or list(self._table.rooms)

    def _around(self, style: str, taken: set[str], count: int) -> tuple[str, ...]:
        """Things that stand around: what is found in such a room first, and the rarest so far before others."""
        found = self._table.found_in.get(style, ())
        pool = [c for c in (*self._table.targets, *self._table.scenery) if c not in taken]
        keys = dict(zip(pool, self._rng.random(len(pool)).tolist(), strict=True))
        pool.sort(key=lambda c: (bool(found) and c not in found, self._used["around", c], keys[c]))
        for category in pool[:count]:
            self._used["around", category] += 1
        return tuple(pool[:count])

    def _words(self, category: str) -> str:
        if category not in _COLORED or self._rng.random() >= _COLORED_SHARE:
            return noun(category)
        colors = CATEGORIES[category].colors
        return f"{colors[int(self._rng.integers(len(colors)))].replace('_', ' ')} {noun(category)}"


@dataclass(frozen=True)
class _Holder:
    """Something that things are put in or on."""

    category: str
    predicate: Literal["on", "in"]
    targets: tuple[str, ...]
