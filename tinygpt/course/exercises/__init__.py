"""The exercises of every lesson, a file each: reference answers, examples, known mistakes, hints.

The toy worlds that answers are tried on stand beside them. Where there are many known mistakes, they and the reference
answer are in a file of their own, such as rank_heads_answers.py, from which the exercise's file imports them.
"""

import importlib
import pkgutil
from difflib import get_close_matches

from tinygpt.config import require


def exercises(lesson):
    """The exercises of a lesson such as "00", in its order."""
    return importlib.import_module(f"{__name__}.lesson_{lesson}").EXERCISES


def lessons():
    return sorted(module.name.removeprefix("lesson_") for module in pkgutil.iter_modules(__path__))


def find(name):
    """The lesson that an exercise belongs to, and the Exercise; a function stands for its name."""
    name = getattr(name, "__name__", name)
    found = {each.name: (lesson, each) for lesson in lessons() for each in exercises(lesson)}
    close = get_close_matches(str(name), found, cutoff=0.5)
    advice = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(sorted(found))}"
    require(name in found, f"there is no exercise {name!r}; {advice}")
    return found[name]
