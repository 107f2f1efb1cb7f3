"""A bank as a site that opens from disk: what is written, what is refused, and how it works in a real browser."""

from __future__ import annotations

import base64
import gzip
import html.parser
import io
import json
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from browser import Browser, Page
from PIL import Image

from gen3d_envs.author import named, save_scene
from gen3d_envs.build import BuiltScene, build
from gen3d_envs.cli import main
from gen3d_envs.design.rules import design
from gen3d_envs.errors import EngineUnavailable, FieldError, Gen3DError, SceneError
from gen3d_envs.gallery import write_site
from gen3d_envs.gallery.bank import read_bank, read_splits
from gen3d_envs.gallery.three import three_js
from gen3d_envs.gallery.words import FAILED, PASSED, findings, verdict
from gen3d_envs.registration import released, scene_names
from gen3d_envs.report import CHECKS
from gen3d_envs.spec import Certificate, CheckResult, replace

HOSTILE = '<img src=x onerror=alert(1)> & "quotes" </script>'
SENTENCES = ("put the red cube in the bowl", "pick up the mug", "pick up the lemon")


def certificate(scene: BuiltScene, robot: str = "widowx", passed: bool = True) -> Certificate:
    miss = 1e-4 if passed else 0.1
    checks = (
        CheckResult(name="drift", passed=True, value=4e-4, limit=0.005, unit="m", detail="mug"),
        CheckResult(name="reach", passed=passed, value=miss, limit=0.002, unit="m", detail="red_cube"),
        CheckResult(name="expert", passed=True, value=10, limit=9, unit="successes"),
    )
    return Certificate(scene_hash=scene.hash, engine="engine 1", renderer="drawn", robot=robot, checks=checks)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes: certified, failed and not measured; the first two have splits."""
    folder = tmp_path_factory.mktemp("gallery") / "my_bank"
    scenes = [named(build(design(sentence))) for sentence in SENTENCES]
    first, second, third = scenes
    changes = (
        {"certificates": (certificate(first), certificate(first, "panda"))},
        {"certificates": (certificate(second, passed=False),), "warnings": (HOSTILE,)},
        {},
    )
    for scene, change in zip((first, second, third), changes, strict=True):
        save_scene(BuiltScene(replace(scene.spec, **change), scene.assets), folder)
    splits = {"train": [first.spec.name], "heldout": [second.spec.name]}
    (folder / "bank.json").write_text(json.dumps({"splits": splits}))
    return folder


@pytest.fixture(scope="module")
def site(bank: Path) -> Path:
    facts = write_site(str(bank), bank.parent / "site")
    assert (facts.scenes, facts.problems) == (3, ())
    return facts.page.parent


class Links(html.parser.HTMLParser):
    """Collects what a page refers to, and refuses script in attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]


def test_a_site_is_whole_and_refers_to_nothing_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 4
    for page in pages:
        links = Links()
        links.feed(page.read_text(encoding="utf-8"))
        for link in links.found:
            assert link == "data:," or (page.parent / link).resolve().is_relative_to(site.resolve()), link
            assert link == "data:," or (page.parent / link).is_file(), link
    # three.js names the addresses of standards and of its manual; none of our files names any.
    for name in ("gallery.js", "viewer.js", "gallery.css"):
        assert "//" not in (site / name).read_text().replace("// ", "").replace('"use strict"', "")


def test_text_of_cards_stays_text(site: Path) -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in site.rglob("*.html"))
    assert "&lt;img src=x onerror" in pages and "<img src=x" not in pages


def test_the_same_bank_gives_the_same_bytes(site: Path, bank: Path, tmp_path: Path) -> None:
    again = write_site(str(bank), tmp_path / "again").page.parent
    names = sorted(str(path.relative_to(site)) for path in site.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(again)) for path in again.rglob("*") if path.is_file())
    assert [name for name in names if (site / name).read_bytes() != (again / name).read_bytes()] == []


def test_the_3d_file_of_a_scene_is_a_glb_with_its_objects(site: Path) -> None:
    script = next((site / "scenes").glob("PutRedCube*.js")).read_text()
    packed = script.removeprefix('window.gen3dScene="').removesuffix('";\n')
    data = gzip.decompress(base64.b64decode(packed, validate=True))
    length = struct.unpack("<I", data[12:16])[0]
    nodes = {node.get("name") for node in json.loads(data[20 : 20 + length])["nodes"]}
    assert data[:4] == b"glTF" and {"object/red_cube", "object/bowl"} <= nodes


def test_pictures_show_something(site: Path) -> None:
    for path in sorted((site / "pictures").glob("*.webp")):
        picture = np.asarray(Image.open(io.BytesIO(path.read_bytes())))
        assert picture.shape == (480, 640, 3) and picture.std() > 10, path


def test_the_index_for_programs(site: Path, bank: Path) -> None:
    raw = json.loads((site / "gallery.json").read_text())
    assert raw["title"] == "my_bank" and len(raw["scenes"]) == 3
    assert sorted(str(row["split"]) for row in raw["scenes"].values()) == ["None", "heldout", "train"]


def test_a_hundred_and_fifty_scenes_stay_below_60_mb(site: Path) -> None:
    shared = sum((site / name).stat().st_size for name in ("three.js", "gallery.js", "viewer.js", "gallery.css"))
    rest = sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) - shared
    assert shared + 150 * rest / 3 < 60e6


def test_scenes_that_cannot_be_used_are_named_and_left_out(bank: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bank"
    shutil.copytree(bank, copy)
    good = next(copy.glob("PickLemon*.json"))
    (copy / "Broken-1234.json").write_bytes(good.read_bytes()[:200])
    (copy / "Twin-1234.json").write_bytes(good.read_bytes())
    (copy / "notes.json").write_text("{}")
    entries, problems = read_bank(str(copy))
    assert len(entries) == 3 and len(problems) == 2
    assert "Broken-1234.json" in problems[0] and "Twin-1234.json" in problems[1]
    spec = json.loads(good.read_text())
    spec["objects"][0]["asset_sha256"] = "0" * 64
    del spec["hash"]
    good.write_text(json.dumps(spec))
    for name in ("Broken-1234.json", "Twin-1234.json"):
        (copy / name).unlink()
    facts = write_site(str(copy), tmp_path / "site")
    assert facts.scenes == 2 and "generates" in facts.problems[0]


@pytest.mark.parametrize("content", [None, "", "{", "[1]"])
def test_what_is_no_bank_is_refused(tmp_path: Path, content: str | None) -> None:
    folder = tmp_path / "bank"
    if content is not None:
        folder.mkdir()
        (folder / "Scene-1234.json").write_text(content)
    with pytest.raises(SceneError, match="bank"):
        write_site(str(folder), tmp_path / "site")
    assert [path.name for path in tmp_path.iterdir()] == ([] if content is None else ["bank"])


def test_only_an_earlier_gallery_is_replaced(
    site: Path, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    for out in (taken, tmp_path, tmp_path.parent, bank, bank.parent, taken / "mine.txt"):
        with pytest.raises(FieldError, match="out"):
            write_site(str(bank), out)
    assert (taken / "mine.txt").read_text() == "mine"
    page = (site / "index.html").read_bytes()
    (site / "index.html").write_text("old")
    write_site(str(bank), site)
    assert (site / "index.html").read_bytes() == page
    assert [path.name for path in sorted(site.parent.iterdir())] == ["my_bank", "site"]


@pytest.mark.parametrize(
    ("index", "splits"),
    [
        ('{"splits": {"train": ["A"], "heldout": ["B", 3]}}', {"A": "train", "B": "heldout"}),
        ('{"scenes": {"A": {"split": "train"}, "B": {}, "C": 1}}', {"A": "train"}),
        ('{"scenes": [{"name": "A", "split": "handmade"}, {"name": null, "split": "train"}, 7]}', {"A": "handmade"}),
        ('{"scenes": 3, "splits": []}', {}),
        ("{}", {}),
    ],
)
def test_splits_are_read_where_there_are_any(tmp_path: Path, index: str, splits: dict[str, str]) -> None:
    (tmp_path / "bank.json").write_text(index)
    assert read_splits(tmp_path / "bank.json") == splits


@pytest.mark.parametrize("index", ["", "[", "[]", "\xff", "[" * 100_000])
def test_an_index_that_is_none_is_refused(tmp_path: Path, index: str) -> None:
    (tmp_path / "bank.json").write_text(index, encoding="latin-1")
    with pytest.raises(SceneError, match=r"bank\.json"):
        read_splits(tmp_path / "bank.json")


def test_the_released_scenes_are_a_bank() -> None:
    entries, problems = read_bank("released")
    assert [entry.spec.name for entry in entries] == scene_names() and not problems
    assert [entry.split for entry in entries] == [released()[name].get("split") for name in scene_names()]
    assert entries[0].make == f'gym.make("gen3d_envs:{entries[0].env_id}")'


def test_the_line_of_a_scene_makes_it(bank: Path) -> None:
    import gymnasium as gym

    import gen3d_envs

    entry = next(e for e in read_bank(str(bank))[0] if e.spec.name.startswith("PickLemon"))
    env = eval(entry.make, {"gym": gym, "gen3d_envs": gen3d_envs})
    try:
        assert env.unwrapped.reset(seed=0)[1]["scene"] == entry.spec.name
    finally:
        env.close()


def test_every_check_has_plain_words() -> None:
    assert set(PASSED) == set(FAILED) == set(CHECKS)
    check = CheckResult(name="reach", passed=False, value=1, limit=0, unit="m", detail="red_cube, far off")
    proof = Certificate(scene_hash="0" * 64, engine="e", renderer="r", robot="panda", checks=(check,))
    assert findings(proof)[0].sentence == "The arm cannot reach the red cube."
    assert verdict((proof,)) == "Does not work yet: 1 check failed."
    assert verdict(()) == "Not measured yet."
    fine = replace(proof, checks=(replace(check, name="new_check", passed=True),))
    assert findings(fine)[0].sentence == "New check: as it should be."
    assert verdict((fine,)) == "Works: every check passed with the Franka Panda."


def test_the_3d_library_is_found_and_its_absence_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    from trimesh import resources

    library = three_js()
    assert "SPDX-License-Identifier: MIT" in library[:300]
    assert library.rstrip().endswith("THREE.GLTFLoader=GLTFLoader;})();")
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("viewer.html.template", "<html></html>")
    monkeypatch.setattr(resources, "get_bytes", lambda name: other.getvalue())
    with pytest.raises(EngineUnavailable, match=r"constraints\.txt"):
        three_js()


def test_the_command(bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gallery", str(bank), "--out", str(tmp_path / "site")]) == 0
    assert "3 scenes" in (out := capsys.readouterr().out) and "index.html" in out
    assert main(["gallery", str(tmp_path / "nowhere"), "--out", str(tmp_path / "other")]) == 1
    assert "is no folder" in capsys.readouterr().err
    assert issubclass(SceneError, Gen3DError) and not (tmp_path / "other").exists()


# In a real browser


def shown(page: Page) -> list[str]:
    titles: list[str] = page.evaluate(
        "[...document.querySelectorAll('li.scene:not([hidden]) h2')].map(e => e.innerText)"
    )
    return titles


def test_scenes_are_filtered_and_lines_copied(browser: Browser, site: Path) -> None:
    page = browser.open((site / "index.html").as_uri(), 900, 700)
    assert len(shown(page)) == 3 and page.text("[data-count]") == "3 scenes"
    page.click("input[name=split][value=heldout]")
    assert shown(page) == ["Pick up the mug"] and page.text("[data-count]") == "1 of 3 scenes"
    page.press("ArrowLeft")  # The row of choices follows the arrow keys.
    assert len(shown(page)) == 1 and page.evaluate("document.forms[0].split.value") == "train"
    page.click(".counted [data-clear]")
    page.click("input[name=family][value=pick]")
    assert len(shown(page)) == 2
    page.evaluate("document.forms[0].category.value = 'lemon', document.forms[0].dispatchEvent(new Event('input'))")
    assert shown(page) == ["Pick up the lemon"]
    assert page.evaluate("location.hash") == "#family=pick&category=lemon"
    again = browser.open(page.evaluate("location.href"), 900, 700)
    assert shown(again) == ["Pick up the lemon"], "the address keeps the filters"
    again.close()
    page.call("Page.bringToFront")
    page.click(".counted [data-clear]")
    page.evaluate("document.activeElement.blur()")
    page.press("/")
    page.type("bowl red")
    assert shown(page) == ["Put the red cube in the bowl"]
    page.type("zzz")
    assert shown(page) == [] and page.evaluate("!document.querySelector('[data-nothing]').hidden")
    page.press("Escape")
    assert len(shown(page)) == 3
    refusing = "Object.defineProperty(navigator, 'clipboard', {value: undefined})"
    for index, prepare in enumerate(("", refusing)):
        button = f".scene:nth-of-type({index + 1}) .copy"
        line = page.evaluate(f"document.querySelector('{button}').dataset.copy")
        assert line.startswith("env = gym.make(")
        page.evaluate(prepare)
        page.click(button)
        page.wait(f"document.querySelector('{button}').innerText === 'Copied'")
        page.click("input[type=search]")
        page.paste()
        assert page.evaluate("document.forms[0].q.value") == line
        page.press("Escape")
    assert page.errors == [] and all(address.startswith("file:") for address in page.requests)
    page.close()


def test_a_scene_is_turned_by_mouse_and_keyboard(browser: Browser, site: Path) -> None:
    address = next((site / "scenes").glob("PutRedCube*.html")).as_uri()
    page = browser.open(address, 500, 480)
    page.wait("document.querySelector('.viewer').dataset.state !== 'loading'")
    assert page.evaluate("document.querySelector('.viewer').dataset.state") == "ready"
    first = settled(page)
    assert first.std() > 20, "the scene is drawn"
    page.drag(page.middle(".viewer canvas"), 90, 20, steps=3)
    turned = settled(page)
    assert difference(first, turned) > 5
    page.press("ArrowLeft")
    by_key = settled(page)
    assert difference(turned, by_key) > 2
    page.press("Home")
    assert difference(first, settled(page)) < 4, "but for the ring of the focus"
    page.click("[data-view='3']")
    assert difference(first, settled(page)) > 5
    assert page.errors == [] and all(request.startswith("file:") for request in page.requests)
    page.close()


def settled(page: Page) -> np.ndarray:
    """The view when it no longer moves, however long that takes on a busy machine."""
    page.wait("!('moving' in document.querySelector('.viewer').dataset) && !document.getAnimations().length")
    return page.pixels(".viewer canvas")


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean difference of two pictures, 0 to 255."""
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def test_without_webgl_the_page_says_so(browser: Browser, site: Path, tmp_path: Path) -> None:
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    # A browser without WebGL gives no context.
    viewer = copy / "viewer.js"
    viewer.write_text("HTMLCanvasElement.prototype.getContext = () => null;\n" + viewer.read_text())
    page = browser.open(next((copy / "scenes").glob("PickMug*.html")).as_uri(), 700, 520)
    page.wait("document.querySelector('.viewer').dataset.state === 'failed'")
    assert "only the pictures" in page.text(".viewer .note")
    page.close()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900)])
def test_pages_fit_the_window(browser: Browser, site: Path, width: int, height: int) -> None:
    for path in (site / "index.html", *sorted((site / "scenes").glob("Pu*.html"))):
        page = browser.open(path.as_uri(), width, height, dark=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.close()
