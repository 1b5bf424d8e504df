"""Exercises of lesson 09: Muon's orthogonal step, a power law, a table for pairs of tokens, a recipe for the race."""

from tinygpt.course.exercises.lesson_09.fit_power_law import FIT_POWER_LAW
from tinygpt.course.exercises.lesson_09.my_recipe import MY_RECIPE
from tinygpt.course.exercises.lesson_09.newton_schulz import NEWTON_SCHULZ_STEPS
from tinygpt.course.exercises.lesson_09.pair_table import PAIR_TABLE

EXERCISES = (NEWTON_SCHULZ_STEPS, FIT_POWER_LAW, PAIR_TABLE, MY_RECIPE)
