"""`tinygpt lab`: JupyterLab on the learner's own copies of the lessons; nothing ever overwrites what they wrote."""

import hashlib
import json
import os
from datetime import datetime
from pathlib import Path

from tinygpt.atomic import write_atomically
from tinygpt.config import InputError, require
from tinygpt.course.home import checkout, home


def copy_lessons(source, target, fresh=()):
    """Copy the lessons that are missing or new from one folder to another; yields what there is to say.

    A copy says which edition of the lesson it was made of. While its cells still are that edition's nobody wrote in
    it: a new edition replaces it, and where it was run it is kept beside. A copy that was written in stays.
    fresh: numbers of lessons to start again; the copy that is there is kept beside it, with the time in its name.
    """
    lessons = sorted(source.glob("[0-9][0-9]_*.ipynb"))
    numbers = [path.name[:2] for path in lessons]
    for number in fresh:
        require(number in numbers, f"there is no lesson {number!r} to start again; there are {', '.join(numbers)}")
    target.mkdir(parents=True, exist_ok=True)
    for path in lessons:
        own, number = target / path.name, path.name[:2]
        new, _, _ = state(path)
        mine, made_of, was_run = state(own)
        if not own.exists():
            copy(path, own)
            yield f"{path.name} → {own}"
        elif number in fresh:
            yield f"{path.name}: started again; what you had is in {keep(own)}"
            copy(path, own)
        elif made_of is None or new in (made_of, mine):
            continue  # of this edition, or not of ours
        elif mine == made_of:
            kept = f"; the old one, as you ran it, is in {keep(own)}" if was_run else ""
            copy(path, own)
            yield f"{path.name}: its new edition has replaced the old{kept}"
        else:
            yield (
                f"{path.name}: there is a new edition; your copy stays as it is, with all you wrote. "
                f"To start the new one and keep yours beside it: tinygpt lab --fresh {number}"
            )


def state(path):
    """A notebook's edition, the edition that it says it was made of, and whether it was run; Nones where it is none.

    Two notebooks are of one edition when their cells have the same kinds and texts: it is a digest of those.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
        edition = hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:16]
        was_run = any(cell.get("outputs") for cell in notebook["cells"])
        return edition, notebook["metadata"].get("tinygpt", {}).get("edition"), was_run
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, None, None


def copy(path, own):
    """Write a learner's copy of a lesson, which says what edition it was made of."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"]["tinygpt"] = {"edition": state(path)[0]}
    write_atomically(own, json.dumps(notebook, indent=1, ensure_ascii=False).encode() + b"\n")


def keep(own):
    """Put a copy aside, beside where it was; returns its new path."""
    return own.rename(kept_name(own))


def kept_name(path):
    """A free name beside a lesson for the copy that was worked on: 03_model.kept-2026-11-22-1405.ipynb."""
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M")
    kept = path.with_name(f"{path.stem}.kept-{stamp}.ipynb")
    n = 2
    while kept.exists():
        kept = path.with_name(f"{path.stem}.kept-{stamp}-{n}.ipynb")
        n += 1
    return kept


def lab_options(work, options):
    """What JupyterLab is told: to start at lesson 00, also as root in a container; to print little but its address."""
    command = [f"--ServerApp.root_dir={work}", "--log-level=ERROR"]
    lessons = sorted(work.glob("[0-9][0-9]_*.ipynb"))
    if lessons:
        command.append(f"--LabApp.default_url=/lab/tree/{lessons[0].name}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command += ["--allow-root", "--ip=127.0.0.1"]
    return [*command, *options]


def lab(fresh=(), options=()):
    """Copy what is missing, then run JupyterLab in this process until it ends."""
    try:
        from jupyterlab.labapp import LabApp
    except ImportError:
        raise InputError('JupyterLab is not installed: python -m pip install -e ".[course]"') from None
    root = checkout()
    require(
        root is not None and (root / "notebooks").is_dir(), "the lessons are in the repository: run this from there"
    )
    work = home() / "work"
    for line in copy_lessons(root / "notebooks", work, fresh):
        print(line)
    # Without news from outside, and without the teacher's menus.
    quiet = [str(Path(__file__).with_name("jupyter")), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, quiet))
    LabApp.launch_instance(lab_options(work, options))
