"""Exercises of lesson 03: the parts of a GPT, the whole of it, its price, its size, and a cheat."""

from tinygpt.course.exercises.lesson_03.block import BLOCK
from tinygpt.course.exercises.lesson_03.count_parameters import COUNT_PARAMETERS
from tinygpt.course.exercises.lesson_03.cross_entropy import CROSS_ENTROPY
from tinygpt.course.exercises.lesson_03.gpt import GPT_EXERCISE
from tinygpt.course.exercises.lesson_03.layer_norm import LAYER_NORM
from tinygpt.course.exercises.lesson_03.next_token_loss import NEXT_TOKEN_LOSS
from tinygpt.course.exercises.lesson_03.total_belief import TOTAL_BELIEF

EXERCISES = (LAYER_NORM, BLOCK, GPT_EXERCISE, COUNT_PARAMETERS, CROSS_ENTROPY, NEXT_TOKEN_LOSS, TOTAL_BELIEF)
