"""Every package that is asked for has a reason and a licence that goes with ours, and the course pins it."""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
GROUPS = {
    group: {each.name: each for each in map(Requirement, texts) if each.name != "tinygpt"}
    for group, texts in [("", PROJECT["dependencies"]), *PROJECT["optional-dependencies"].items()]
}
COURSE = GROUPS.pop("course")
TABLE = (ROOT / "README.md").read_text(encoding="utf-8").partition("### What it stands on")[2].partition("\n#")[0]
ROWS = re.findall(r"^\| `([\w-]+)` \| (.+) \| (.+) \| (.*) \|$", TABLE, re.MULTILINE)
# Permissive; MPL binds changes of its own files only.
MAY_STAND_BESIDE_MIT = ("MIT", "BSD", "Apache", "ISC", "PSF", "Python Software Foundation", "MPL", "Biopython")


def stated(name):
    """What an installed package says of its licence."""
    about = distribution(name).metadata
    classifiers = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier", []) if line.startswith("Lic")]
    return about.get("License-Expression") or " ".join(classifiers) or about.get("License")


def with_all_they_need(names):
    """The names of packages and of all that these bring along on this machine."""
    found, todo = set(), [(Requirement(name), "") for name in names]
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        for extra in {"", *requirement.extras} - {e for name, e in found if name == requirement.name}:
            found.add((requirement.name, extra))
            todo += [(Requirement(text), extra) for text in distribution(requirement.name).requires or []]
    return {name for name, _ in found}


def test_every_dependency_has_a_row_in_the_readme():
    groups = {name: group for group, wanted in GROUPS.items() for name in wanted}
    assert {name: extra for name, _, _, extra in ROWS} == dict.fromkeys(COURSE, "course") | groups


@pytest.mark.parametrize(("name", "licence"), [(name, licence) for name, _, licence, _ in ROWS])
def test_a_licence_is_what_the_package_says(name, licence):
    assert re.match(r"\w+", licence)[0] in stated(name).replace("Python Software Foundation", "PSF")


def test_no_licence_asks_for_more_than_ours():
    wanted = with_all_they_need(COURSE)
    assert len(wanted) > 100
    refused = {name: stated(name) for name in wanted if not any(each in stated(name) for each in MAY_STAND_BESIDE_MIT)}
    assert not refused and not [name for name in wanted if "GPL" in stated(name)]


@pytest.mark.parametrize("group", GROUPS)
def test_bounds_are_lower_ones_and_the_course_pins_a_version_within_them(group):
    for name, requirement in GROUPS[group].items():
        assert [each.operator for each in requirement.specifier] == [">="]
        (pin,) = COURSE[name].specifier
        assert pin.operator == "==" and requirement.specifier.contains(pin.version)


def test_the_course_pins_everything_it_names():
    assert all([each.operator for each in requirement.specifier] == ["=="] for requirement in COURSE.values())
