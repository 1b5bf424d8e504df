"""Exercises of lesson 05: temperature, top-k, top-p, attention that remembers, writing with it, and what for."""

from tinygpt.course.exercises.lesson_05.attend_cached import ATTEND_CACHED
from tinygpt.course.exercises.lesson_05.choose_settings import CHOOSE_SETTINGS
from tinygpt.course.exercises.lesson_05.generate_cached import GENERATE_CACHED
from tinygpt.course.exercises.lesson_05.top_k import TOP_K
from tinygpt.course.exercises.lesson_05.top_p import TOP_P
from tinygpt.course.exercises.lesson_05.with_temperature import WITH_TEMPERATURE

EXERCISES = (WITH_TEMPERATURE, TOP_K, TOP_P, ATTEND_CACHED, GENERATE_CACHED, CHOOSE_SETTINGS)
