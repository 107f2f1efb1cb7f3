"""Instruction templates: whatever fills them, every template of a family asks for the very same task."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.assets.materials import COLORS
from gen3d_envs.design import templates, vocabulary
from gen3d_envs.design.grammar import parse
from gen3d_envs.design.rules import design
from gen3d_envs.design.templates import TEMPLATES, by_family, fitting, phrase, phrase_goals, phrase_scene
from gen3d_envs.errors import DesignError

_COLORS = [None, *sorted(set(COLORS) - {"kraft"})]
_SIZES = [None, "small", "medium", "large", "big", "tiny"]
_MATERIALS = [None, "wooden", "plastic", "ceramic", "metal", "rubber"]
_NOUNS = sorted(noun for noun, name in vocabulary.NOUNS.items() if CATEGORIES[name].pickable and len(noun) > 2)
_CONTAINERS = sorted(n for n, name in vocabulary.NOUNS.items() if CATEGORIES[name].container and name != "tray")
_SURFACES = sorted(n for n, name in vocabulary.NOUNS.items() if CATEGORIES[name].surface)


@st.composite
def things(draw, nouns):
    """What a thing can be called, without an article."""
    color = draw(st.sampled_from(_COLORS))
    words = [draw(st.sampled_from(_SIZES)), color and color.replace("_", " "), draw(st.sampled_from(_MATERIALS))]
    return " ".join([word for word in words if word] + [draw(st.sampled_from(nouns))])


def meaning(sentence: str):
    """Family, target, relation and receptacle as the rules read them, without the words around."""
    request = parse(sentence)
    assert request.context == () and request.relations == ()
    return (
        request.family, request.predicate,
        [(p.category, p.color, p.material, p.size, p.count, p.guessed) for p in request.targets],
        (p := request.receptacle) and (p.category, p.color, p.material, p.size, p.count, p.guessed),
    )  # fmt: skip


def test_there_are_enough_and_each_is_its_own():
    assert len(by_family("place")) >= 24 and len(by_family("pick")) >= 16
    assert len({(template.family, template.text) for template in TEMPLATES.values()}) == len(TEMPLATES)
    for name, template in TEMPLATES.items():
        fields = {field for _, field, _, _ in string.Formatter().parse(template.text) if field}
        relations = fields & {"at", "to", "inside"}
        assert template.name == name
        if template.family not in ("pick", "place"):
            assert len(fields) == 1 and fields <= {"pair", "goals", "thing"}
            continue
        assert fields - relations == ({"target", "receptacle"} if template.family == "place" else {"target"})
        assert len(relations) >= (1 if template.family == "place" else 0)


@settings(max_examples=60)
@given(things(_NOUNS), things(_CONTAINERS), things(_SURFACES))
def test_every_template_means_the_same(target, container, surface):
    # "There is a red bowl. Put the bowl in it" names one bowl.
    assume(meaning(f"pick {target}")[2][0][0] not in [meaning(f"pick {p}")[2][0][0] for p in (container, surface)])
    for predicate, receptacle in (("in", container), ("on", surface)):
        meanings = [meaning(phrase(t, target, receptacle, predicate)) for t in by_family("place")]
        family, relation, _, there = meanings[0]
        assert (family, relation) == ("place", predicate) and there is not None
        for template, other in zip(by_family("place"), meanings, strict=True):
            assert other == meanings[0], template
    picks = [meaning(phrase(template, target)) for template in by_family("pick")]
    assert picks[0] == ("pick", None, meanings[0][2], None)
    for template, other in zip(by_family("pick"), picks, strict=True):
        assert other == picks[0], template


@pytest.mark.parametrize("template", [*by_family("pick"), *by_family("place")], ids=lambda t: t.name)
@pytest.mark.parametrize(("receptacle", "predicate"), [("blue bowl", "in"), ("orange plate", "on")])
def test_every_template_designs_without_doubt(template, receptacle, predicate):
    where = (receptacle, predicate) if template.family == "place" else ()
    scene = design(phrase(template, "orange", *where))
    assert scene.warnings == ()
    assert (scene.target.category, scene.target.description) == ("orange", "orange")
    assert scene.task.family == template.family
    if where:
        assert scene.object(scene.task.receptacle).description == receptacle
        assert scene.task.predicate == predicate


SCENES = {
    "stack": ["stack the red cube on the blue cube", "stack the soap on the book"],
    "push": ["push the red cube to the green spot", "push the tape behind the book"],
    "sort": ["put the lime in the bowl and the soap on the plate", "put the egg, the lime and the soap in the basket"],
    "rearrange": ["swap the soap and the cube", "put the lime on the plate and the cup next to the plate"],
}


@pytest.mark.parametrize("sentence", [sentence for said in SCENES.values() for sentence in said])
def test_every_template_of_a_family_with_goals_means_the_same(sentence):
    """Said in any other way, the same goals come out, and no doubt."""
    scene = design(sentence)

    def goals(other):
        return [(other.words(g.target), g.predicate, other.words(g.receptacle)) for g in other.task.all_goals]

    templates = fitting(scene)
    assert len(templates) >= 5 and phrase_scene(scene) == phrase_scene(scene, templates[0])
    for template in templates:
        other = design(phrase_scene(scene, template))
        assert (other.task.family, goals(other), other.warnings) == (scene.task.family, goals(scene), ()), template


@pytest.mark.parametrize(
    "sentence",
    ["open the drawer", "close the red microwave", "open the top drawer", "shut the top drawer of the red drawer unit",
     "open the small wooden box", "close the laptop", "open the cabinet"],
)  # fmt: skip
def test_every_template_of_opening_and_closing_means_the_same(sentence):
    scene = design(sentence)
    templates = fitting(scene)
    assert len(templates) >= 12
    for template in templates:
        other = design(phrase_scene(scene, template))
        assert other.task == scene.task and other.warnings == (), template
        assert other.target.description == scene.target.description, template


def test_templates_that_do_not_fit_are_refused():
    scene = design("swap the soap and the cube")
    for name in ("put_so", "push", "put_at"):
        with pytest.raises(DesignError, match="template"):
            phrase_scene(scene, name)
    with pytest.raises(DesignError, match="template"):
        phrase_goals("swap", [])
    with pytest.raises(DesignError, match="template"):
        phrase_goals("open", [("drawer", "on", "box")])
    with pytest.raises(DesignError, match="receptacle"):
        phrase("open", "drawer", "box", "on")
    assert phrase("stack", "cube", "book", "on") == "stack the cube on the book"
    assert phrase("open", "top drawer") == "open the top drawer"
    assert phrase_scene(design("put the apple in the bowl")) == "put the apple in the bowl"
    assert phrase_scene(design("pick up the apple")) == "pick up the apple"


def test_an_instruction_reads_well():
    assert phrase("see_there", "apple", "orange bowl", "in") == "there is an orange bowl. Put the apple in it"
    assert phrase("where_first_to", "apple", "book", "on") == "onto the book, please place the apple"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("fold", "apple"), "template"), (("put_at", "apple"), "receptacle"),
        (("put_at", "apple", "bowl", "under"), "receptacle"), (("pick_up", "apple", "bowl", "in"), "receptacle"),
    ],
)  # fmt: skip
def test_bad_arguments(arguments, field):
    with pytest.raises(DesignError, match=field):
        templates.phrase(*arguments)
