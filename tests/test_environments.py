"""conda, Binder, Codespaces: their files say what they may, and what pyproject.toml says."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TORCH = next(need for need in PROJECT["optional-dependencies"]["course"] if need.startswith("torch=="))
CPU = "https://download.pytorch.org/whl/cpu"
NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1}
# What conda takes in an environment file, and of the specification of development containers what we use.
CONDA = {
    "type": "object",
    "required": ["name", "channels", "dependencies"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[^/ :#]+$"},
        "channels": NAMES,
        "dependencies": {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string", "pattern": r"^[\w.-]+([=<>!][\w.,=<>!*]+)?$"},
                    {
                        "type": "object",
                        "required": ["pip"],
                        "additionalProperties": False,
                        "properties": {"pip": NAMES},
                    },
                ]
            },
        },
    },
}
CONTAINER = {
    "type": "object",
    "required": ["image"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "image": {"type": "string", "pattern": r"^[\w./-]+:[\w.-]+$"},
        "postCreateCommand": {"type": "string"},
        "hostRequirements": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "cpus": {"type": "integer", "minimum": 1},
                "memory": {"type": "string", "pattern": r"^\d+([tgmk]b)?$"},
                "storage": {"type": "string", "pattern": r"^\d+([tgmk]b)?$"},
            },
        },
    },
}


@pytest.fixture(scope="module")
def conda():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def container():
    return json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))


def pip_part(conda):
    (part,) = (each["pip"] for each in conda["dependencies"] if isinstance(each, dict))
    return part


def test_they_say_only_what_may_be_said(conda, container):
    jsonschema.validate(conda, CONDA)
    jsonschema.validate(container, CONTAINER)


def test_pythons_are_those_of_the_package(conda, container):
    (python,) = (each for each in conda["dependencies"] if str(each).startswith("python="))
    pythons = [python.split("=")[1], container["image"].rsplit(":")[-1]]
    tested = {line.rsplit(" ", 1)[-1] for line in PROJECT["classifiers"] if "Python ::" in line}
    assert all(SpecifierSet(PROJECT["requires-python"]).contains(f"{each}.0") and each in tested for each in pythons)
    assert "pip" in conda["dependencies"]  # or conda warns, and chooses one


def test_both_install_the_course_and_torch_without_cuda(conda, container):
    assert pip_part(conda) == [f"--extra-index-url {CPU}", "-e .[course]"]
    light, course = container["postCreateCommand"].split(" && ")
    assert light == f"python -m pip install {TORCH} --index-url {CPU}"
    assert course == "python -m pip install -e '.[course]'"


@pytest.mark.parametrize("name", ["README.md", ".github/workflows/*.yml"])
def test_the_same_torch_is_named_everywhere(name):
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob(name)]
    assert texts and all(set(re.findall(r"torch==[\d.]+", text)) <= {TORCH} for text in texts)
    assert all(CPU in text for text in texts)


def test_what_the_course_pins_is_what_its_parts_ask_for():
    extras = PROJECT["optional-dependencies"]
    pinned = {need.name: next(iter(need.specifier)).version for need in map(Requirement, extras["course"])}
    parts = [need for name in extras if name != "course" for need in extras[name]]
    for need in map(Requirement, [*PROJECT["dependencies"], *parts]):
        assert need.name == PROJECT["name"] or need.specifier.contains(pinned[need.name]), need


@pytest.mark.slow
def test_the_pip_part_installs(conda):
    """All of it resolves together, also where the index of torch without CUDA can't be reached."""
    wanted = [word for line in pip_part(conda) for word in line.split(" ", 1)]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    command += ["--report=-", "--retries=0"]
    done = subprocess.run([*command, *wanted], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    packages = [each["metadata"] for each in json.loads(done.stdout)["install"]]
    found = {canonicalize_name(package["name"]): package["version"] for package in packages}
    for need in map(Requirement, PROJECT["optional-dependencies"]["course"]):
        assert need.specifier.contains(found[canonicalize_name(need.name)]), need
