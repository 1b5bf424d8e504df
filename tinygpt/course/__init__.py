"""What only the lessons need: exercises with checks and hints, the scoreboard, the glossary, the lessons' model."""

from tinygpt.course.environment import check_environment
from tinygpt.course.exercise import attempt, check, exercise, hint, progress, solution
from tinygpt.course.glossary import glossary
from tinygpt.course.lesson_model import load_or_train
from tinygpt.course.scoreboard import score, scoreboard

__all__ = [
    "attempt",
    "check",
    "check_environment",
    "exercise",
    "glossary",
    "hint",
    "load_or_train",
    "progress",
    "score",
    "scoreboard",
    "solution",
]
