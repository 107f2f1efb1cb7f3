"""Banks: what a plan asks for, how places are made and repaired, and that nothing depends on jobs, order or kills."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import helpers
import pytest

from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.bank import make as make_module
from gen3d_envs.bank.gen3d_100 import HELDOUT, TRAIN
from gen3d_envs.bank.generate import generate
from gen3d_envs.bank.index import INDEX, JOURNAL, BankFolder, Settings
from gen3d_envs.bank.make import TRIES, make, scene_seed
from gen3d_envs.bank.plan import (
    MAX_SENTENCES,
    SPARES,
    Plan,
    SceneRequest,
    benchmark_plan,
    read_sentences,
    sentences_plan,
)
from gen3d_envs.bank.recertify import recertify, recertify_folder
from gen3d_envs.cli import main
from gen3d_envs.design.grammar import parse
from gen3d_envs.design.templates import TEMPLATES
from gen3d_envs.errors import FieldError
from gen3d_envs.spec import Certificate, read_card, replace, to_card

SEED = 7
PLAN = benchmark_plan("gen3d-100", SEED)
GENERATED = [request for request in PLAN.requests if request.card is None]
SENTENCES = ["pick up the red cube", "# a comment", "", "lift the banana"]


def settings_of(plan: Plan, **changes: object) -> Settings:
    return replace(Settings(benchmark=plan.name, seed=plan.seed, plan=plan.sha256, name_digits=8), **changes)


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a bank by its path, without the empty lock file."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


# ---- the plan -----------------------------------------------------------------------------------------------------


def test_the_benchmark_has_its_splits() -> None:
    assert Counter(request.split for request in PLAN.requests) == {"train": 100, "heldout": 50, "handmade": 3}
    assert [request.index for request in PLAN.requests] == list(range(153))


def test_the_plan_is_frozen() -> None:
    """What the catalogue, the rooms and the templates gain must not change the benchmark."""
    assert PLAN.sha256 == "5eb9c7df456010960ee7ef87dca3e3c9f7f8a37d28ca4e24be5ae7c985cbfc32"
    code = "from gen3d_envs.bank.plan import benchmark_plan; print(benchmark_plan('gen3d-100', 7).sha256)"
    assert helpers.run_python(code, hash_seed="99").strip() == PLAN.sha256


def test_what_is_learned_to_be_seen_holds_no_room_support_or_sentence_that_is_held_out() -> None:
    """Its categories are those of all scenes, and README says so; its objects are made from other seeds."""
    broad = benchmark_plan("gen3d-broad", SEED)
    aside = [request for request in PLAN.requests if request.split == "heldout"]
    for field in ("style", "support", "sentence"):
        assert not {getattr(r, field) for r in broad.requests} & {getattr(r, field) for r in aside}, field
    seeds = [
        {scene_seed(settings_of(plan), request, draw) for request in some for draw in range(TRIES)}
        for plan, some in ((broad, broad.requests), (PLAN, aside))
    ]
    assert not seeds[0] & seeds[1]


def test_the_tables_name_what_there_is_and_share_nothing() -> None:
    for table in (TRAIN, HELDOUT):
        assert set(table.categories) <= set(CATEGORIES) and set(table.templates) <= set(TEMPLATES)
        assert len(set(table.categories)) == len(table.categories)
    for kind in ("categories", "rooms", "templates"):
        assert not set(getattr(TRAIN, kind)) & set(getattr(HELDOUT, kind))
    for part in (0, 1):  # neither a room nor a support is shared
        assert not {room[part] for room in TRAIN.rooms} & {room[part] for room in HELDOUT.rooms}
    assert len({*TRAIN.categories, *HELDOUT.categories}) >= 60


def test_enough_ways_of_asking_are_used() -> None:
    """Distinct sentence patterns: what is left of a sentence without its own nouns and colours."""
    patterns = set()
    for request in GENERATED:
        read = parse(request.sentence)
        words = request.sentence
        for phrase in (read.targets[0], read.receptacle):
            words = words if phrase is None else words.replace(phrase.text, "_")
        patterns.add(words)
    assert len(patterns) >= 30


def test_every_request_is_read_as_planned_and_holds_what_its_split_may_hold() -> None:
    tables, objects = {"train": TRAIN, "heldout": HELDOUT}, 0
    for request in GENERATED:
        read, table = parse(request.sentence), tables[request.split]
        assert not read.warnings and request.around is not None
        named = [read.targets[0].category, *([read.receptacle.category] if read.receptacle else [])]
        held = [*named, *request.around]
        assert set(held) <= set(table.categories) and len(set(held)) == len(held)
        assert (request.style, request.support) in table.rooms
        assert read.family == ("place" if request.index % 2 == 0 else "pick")
        objects += len(held)
    assert abs(objects / len(GENERATED) - 5.0) < 0.15
    assert len({request.sentence for request in GENERATED}) == len(GENERATED)


@pytest.mark.parametrize("count", [10, 25, 50, 100])
def test_beginnings_are_balanced(count: int) -> None:
    first = PLAN.requests[:count]
    targets = Counter((request.index % 2, parse(request.sentence).targets[0].category) for request in first)
    assert max(targets.values()) <= 1 + count // 70
    rooms = Counter(request.style for request in first)
    assert len(rooms) >= min(5, count // 5)


def test_spares_depend_on_their_place_alone() -> None:
    again = benchmark_plan("gen3d-100", SEED)
    for request in (PLAN.requests[3], PLAN.requests[120]):
        spares = [PLAN.spare(request, number) for number in range(1, SPARES + 1)]
        assert spares == [again.spare(request, number) for number in range(1, SPARES + 1)]
        assert len({spare.sentence for spare in spares if spare}) > 1
        assert all(spare and (spare.index, spare.split) == (request.index, request.split) for spare in spares)
    assert PLAN.spare(PLAN.requests[3], SPARES + 1) is None
    assert PLAN.spare(PLAN.requests[152], 1) is None  # made by hand


def test_sentences_do_not_change_with_the_lines_around_them() -> None:
    few, many = sentences_plan(["lift the egg"], 2, 0), sentences_plan(["take the pen", "lift the egg"], 2, 0)
    seeds = [
        [scene_seed(settings_of(few), request, 0) for request in plan.requests if "egg" in request.sentence]
        for plan in (few, many)
    ]
    assert seeds[0] == seeds[1] and len(set(seeds[0])) == 2
    twice = sentences_plan(["lift the egg", "lift the egg"], 1, 0)
    assert [scene_seed(settings_of(few), request, 0) for request in twice.requests] == seeds[0]


def test_reading_sentences() -> None:
    assert read_sentences("\ufeff# first\n\n  lift the egg \r\ntake the pen".encode(), "x") == [
        "lift the egg", "take the pen",
    ]  # fmt: skip
    with pytest.raises(FieldError, match="UTF-8"):
        read_sentences(b"\xff\xfe\x00", "x")
    with pytest.raises(FieldError, match="larger than"):
        read_sentences(b" " * 4_000_001, "x")
    for sentences, each in (([], 1), (["lift the egg"], 0), (["lift the egg"], MAX_SENTENCES + 1)):
        with pytest.raises(FieldError):
            sentences_plan(sentences, each, 0)
    with pytest.raises(FieldError, match="gen3d-100"):
        benchmark_plan("gen3d-1000", 0)


# ---- one place ----------------------------------------------------------------------------------------------------


def certificates(monkeypatch: pytest.MonkeyPatch, *passed: bool) -> list[str]:
    """Replace the measuring by given verdicts (the last one holds on); returns the hashes of what was measured."""
    seen: list[str] = []

    def certify(scene, robot, physics):  # type: ignore[no-untyped-def]
        good = passed[min(len(seen), len(passed) - 1)]
        seen.append(scene.hash)
        check = make_module.CheckResult(name="drift", passed=good, value=0.0, limit=1.0, unit="m")
        return Certificate(scene_hash=scene.hash, engine="e", renderer="r", robot=robot, checks=(check,))

    monkeypatch.setattr(make_module, "certify", certify)
    return seen


def test_what_passes_at_once_takes_one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = certificates(monkeypatch, True)
    made = make((PLAN.requests[5],), settings_of(PLAN))
    assert made.card is not None and made.entry.tries == len(seen) == 1 and not made.entry.rejected
    again = make((PLAN.requests[5],), settings_of(PLAN))
    assert (again.card, again.assets, again.entry) == (made.card, made.assets, made.entry)


def test_what_fails_is_laid_out_again_and_then_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = certificates(monkeypatch, False, False, True)
    made = make((PLAN.requests[5],), settings_of(PLAN, robots=("panda",)))
    assert made.entry.tries == 3 and made.entry.spare == 0 and len(set(seen)) == 3
    assert made.entry.reasons == ("certificate drift",) * 2 and made.entry.rejected[0].startswith("panda: drift")
    assert set(made.assets) == {item.asset_sha256 for item in make_module_card(made.card).objects}


def make_module_card(card: bytes | None):  # type: ignore[no-untyped-def]
    from gen3d_envs.spec import from_card

    assert card is not None
    return from_card(card)


def test_what_never_passes_is_replaced_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    certificates(monkeypatch, *[False] * TRIES, True)
    spare = PLAN.spare(PLAN.requests[5], 1)
    assert spare is not None
    made = make((PLAN.requests[5], spare), settings_of(PLAN))
    assert made.entry.spare == 1 and made.entry.tries == TRIES + 1 and made.entry.index == 5
    assert len(made.entry.rejected) == TRIES and made.card is not None


def test_a_sentence_that_cannot_be_designed_leaves_its_place_empty() -> None:
    made = make((SceneRequest(index=0, sentence="sing a song"),), settings_of(PLAN))
    assert made.card is None and made.entry.name is None
    assert made.entry.reasons == ("design",) and made.entry.tries == 1


def test_an_asset_that_the_gate_refuses_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    certificates(monkeypatch, True)
    original, refusals = make_module.inspect, []

    def inspect(asset, item, physics):  # type: ignore[no-untyped-def]
        checks = original(asset, item, physics)
        if item.role == "target" and not refusals:
            refusals.append(asset.sha256)
            return (replace(checks[0], passed=False), *checks[1:])
        return checks

    monkeypatch.setattr(make_module, "inspect", inspect)
    made = make((PLAN.requests[5],), settings_of(PLAN))
    assert made.entry.tries == 2 and made.entry.assets_refused == 1
    assert made.entry.reasons[0].startswith("asset ") and refusals[0] not in made.assets


# ---- whole banks --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sentence_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sentences") / "sentences.txt"
    path.write_text("\n".join(SENTENCES))
    return path


def command(sentence_file: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "gen3d_envs.cli", "generate", "--from", str(sentence_file), "--out", str(out), *more]


@pytest.fixture(scope="module")
def bank(sentence_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank of two scenes, made by one process without interruption."""
    out = tmp_path_factory.mktemp("bank") / "bank"
    done = subprocess.run(command(sentence_file, out), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for words in ("certified scenes per core-hour", "scenes per US dollar at 0.04", "first try", "unique assets"):
        assert words in done.stdout
    return out


def test_a_bank_holds_cards_assets_and_an_index(bank: Path) -> None:
    index = BankFolder(bank).index()
    assert index is not None and index.complete and index.figures is not None
    assert [entry.index for entry in index.scenes] == [0, 1] and index.figures.scenes == 2
    assert sorted(path.stem for path in bank.glob("[A-Z]*.json")) == sorted(entry.name for entry in index.scenes)
    for entry in index.scenes:
        assert BankFolder(bank).intact(entry)
        assert read_card(bank / f"{entry.name}.json").certificates[0].passed
    assert len(list((bank / "assets").glob("*.npz"))) == index.figures.unique_assets == index.figures.objects
    assert not (bank / JOURNAL).exists()


def killed(arguments: list[str], out: Path, when_done: int, then_s: float) -> None:
    """Start a real run and ``kill -9`` it some time after so many places are done."""
    import psutil

    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list((out / JOURNAL).glob("*.json"))) < when_done and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    time.sleep(then_s)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive, "its processes outlive it"


def test_a_kill_loses_only_what_was_in_flight(bank: Path, sentence_file: Path, tmp_path: Path) -> None:
    """Killed after its first scene and continued by two processes: the same folder byte for byte."""
    out = tmp_path / "bank"
    killed(command(sentence_file, out), out, 1, random.Random().uniform(0.0, 0.2))
    kept = {path.name: path.stat().st_mtime_ns for path in out.glob("[A-Z]*.json")}
    assert kept and (out / "bank.json").read_bytes() != (bank / "bank.json").read_bytes()
    done = subprocess.run(command(sentence_file, out, "--jobs", "2"), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert files(out) == files(bank)
    assert {name: (out / name).stat().st_mtime_ns for name in kept} == kept


@pytest.mark.slow
def test_kills_at_random_moments_and_jobs_leave_no_trace(tmp_path: Path) -> None:
    """Six scenes, one process without interruption against two processes killed again and again."""
    sentences = tmp_path / "sentences.txt"
    sentences.write_text("pick up the red cube\nput the lemon in the bowl\nlift the banana\n")
    more = ("--scenes-per-sentence", "2", "--seed", "3")
    done = subprocess.run(command(sentences, tmp_path / "a", *more), capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    moments = random.Random()
    for when_done in (0, 0, 1, 2, 4):
        then_s = moments.uniform(0.0, 6.0) if when_done == 0 else moments.uniform(0.0, 0.3)
        killed(command(sentences, tmp_path / "b", *more, "--jobs", "2"), tmp_path / "b", when_done, then_s)
    done = subprocess.run(
        command(sentences, tmp_path / "b", *more, "--jobs", "2"), capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "a") == files(tmp_path / "b")


@pytest.mark.slow
def test_a_killed_worker_is_told_and_the_next_run_continues(sentence_file: Path, bank: Path, tmp_path: Path) -> None:
    import psutil

    out = tmp_path / "bank"
    process = subprocess.Popen(command(sentence_file, out, "--jobs", "2"), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    workers: list[psutil.Process] = []
    while not workers and time.monotonic() < deadline:
        time.sleep(0.05)
        children = psutil.Process(process.pid).children(recursive=True)
        workers = [child for child in children if "LokyProcess" in " ".join(child.cmdline())]
    os.kill(workers[0].pid, signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1 and "run the same command again" in errors
    assert main(command(sentence_file, out)[3:]) == 0 and files(out) == files(bank)


def test_a_second_run_makes_nothing(bank: Path, sentence_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(bank)
    assert main(command(sentence_file, bank)[3:]) == 0
    assert "made in this run" not in capsys.readouterr().out and files(bank) == before


def test_what_was_damaged_is_made_again(bank: Path, sentence_file: Path) -> None:
    before = files(bank)
    next(bank.glob("Pick*.json")).write_bytes(b"{")
    assert main(command(sentence_file, bank)[3:]) == 0
    assert files(bank) == before


def test_a_bank_grows_with_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates(monkeypatch, True)
    settings = settings_of(PLAN)
    first = generate(PLAN, settings, tmp_path / "a", limit=1)
    assert first.made == 1 and first.scenes_per_core_hour > 0
    assert generate(PLAN, settings, tmp_path / "a", limit=2).made == 1
    generate(PLAN, settings, tmp_path / "b", limit=2)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_another_bank_is_not_mixed_in(bank: Path) -> None:
    plan = sentences_plan(["pick up the egg"], 1, 0)
    before = files(bank)
    with pytest.raises(FieldError, match=r"holds another bank: it differs in plan"):
        generate(plan, settings_of(plan), bank)
    assert files(bank) == before


def test_a_bank_has_one_writer(tmp_path: Path) -> None:
    folder = BankFolder(tmp_path / "bank")
    with folder.locked(), pytest.raises(FieldError, match="written to by another process"):
        generate(PLAN, settings_of(PLAN), tmp_path / "bank", limit=1)
    with folder.locked():
        pass  # free again


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"scenes": 3}', b"\xff", b"[" * 100_000])
def test_an_index_that_cannot_be_read_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / INDEX).write_bytes(content)
    with pytest.raises(FieldError, match="is no index of a bank"):
        generate(PLAN, settings_of(PLAN), tmp_path, limit=1)


@pytest.mark.parametrize("arguments", [{"jobs": 0}, {"jobs": True}, {"limit": 0}])
def test_numbers_out_of_range_are_refused(arguments: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(FieldError):
        generate(PLAN, settings_of(PLAN), tmp_path / "bank", **arguments)
    assert not (tmp_path / "bank").exists()


def test_places_that_stay_empty_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sentences.txt"
    path.write_text("sing a song\n")
    assert main(["generate", "--from", str(path), "--out", str(tmp_path / "bank")]) == 1
    out = capsys.readouterr().out
    assert "place 0 stayed empty" in out and "design" in out and "0, 1 places empty" in out


@pytest.mark.parametrize(
    "options",
    [
        ["--benchmark", "nothing"], ["--from", "no_such_file.txt"], ["--benchmark", "gen3d-100", "--robots", "toaster"],
        ["--benchmark", "gen3d-100", "--designer", "oracle"],
    ],
)  # fmt: skip
def test_wrong_options_leave_nothing_behind(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", *options, "--out", str(tmp_path / "bank")]) == 1
    assert capsys.readouterr().err.startswith("gen3d: ") and not (tmp_path / "bank").exists()


# ---- measured again -----------------------------------------------------------------------------------------------


def test_certificates_are_measured_again_and_equal(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certify", str(bank)]) == 0
    assert "2 certificates measured again and equal" in capsys.readouterr().out


def test_a_certificate_that_claims_too_much_is_told(
    bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = next(bank.glob("Pick*.json"))
    card = read_card(path)
    checks = tuple(
        replace(check, value=11.0) if check.name == "expert" else check for check in card.certificates[0].checks
    )
    (tmp_path / path.name).write_bytes(
        to_card(replace(card, certificates=(replace(card.certificates[0], checks=checks),)))
    )
    assert main(["certify", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "expert 11 stored, 10 measured" in out and card.name in out


def test_a_folder_without_cards_and_a_broken_card_are_told(tmp_path: Path) -> None:
    with pytest.raises(FieldError, match="holds no scene cards"):
        list(recertify_folder(tmp_path))
    (tmp_path / "Broken.json").write_bytes(b"{")
    assert "not complete JSON" in recertify(tmp_path / "Broken.json")[0].problem
