"""`tinygpt lab`: JupyterLab on the learner's own copies of the lessons, which nothing ever overwrites."""

import os
from datetime import datetime

from tinygpt.atomic import write_atomically
from tinygpt.config import InputError, require
from tinygpt.course.home import checkout, home


def copy_lessons(source, target, fresh=()):
    """Copy the lessons that are missing from one folder to another; returns the paths of those copied.

    fresh: numbers of lessons to start again; the copy that is there is kept beside it, with the time in its name.
    """
    lessons = sorted(source.glob("[0-9][0-9]_*.ipynb"))
    numbers = [path.name[:2] for path in lessons]
    for number in fresh:
        require(number in numbers, f"there is no lesson {number!r} to start again; there are {', '.join(numbers)}")
    target.mkdir(parents=True, exist_ok=True)
    copied = []
    for path in lessons:
        own = target / path.name
        if own.exists() and path.name[:2] in fresh:
            own.rename(kept_name(own))
        if not own.exists():
            write_atomically(own, path.read_bytes())  # half a copy would count as the learner's own
            copied.append(own)
    return copied


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
    """What JupyterLab is told: to start at lesson 00, as root in a container, and where no browser is."""
    command = [f"--ServerApp.root_dir={work}"]
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
    for path in copy_lessons(root / "notebooks", work, fresh):
        print(f"{path.name} → {path}")
    LabApp.launch_instance(lab_options(work, options))
