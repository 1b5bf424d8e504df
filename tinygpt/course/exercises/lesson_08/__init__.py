"""Exercises of lesson 08: our weights by another library's names, a test of exporters, and what a model card says."""

from tinygpt.course.exercises.lesson_08.misleading_card import MISLEADING_CARD
from tinygpt.course.exercises.lesson_08.round_trip import ROUND_TRIP
from tinygpt.course.exercises.lesson_08.weight_map import WEIGHT_MAP

EXERCISES = (WEIGHT_MAP, ROUND_TRIP, MISLEADING_CARD)
