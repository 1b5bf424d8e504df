"""Exercises of lesson 00: a bigram model, its price, and a leak."""

from tinygpt.course.exercises.lesson_00.bigram_probs import BIGRAM_PROBS
from tinygpt.course.exercises.lesson_00.bits_per_byte import BITS_PER_BYTE
from tinygpt.course.exercises.lesson_00.leaky_split import LEAKY_SPLIT

EXERCISES = (BIGRAM_PROBS, BITS_PER_BYTE, LEAKY_SPLIT)
