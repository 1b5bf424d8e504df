"""Exercises of lesson 04: batches, the optimizer's step, its rate, its leash, the loop, and five sick curves."""

from tinygpt.course.exercises.lesson_04.adamw_step import ADAMW_STEP
from tinygpt.course.exercises.lesson_04.clip_gradients import CLIP_GRADIENTS
from tinygpt.course.exercises.lesson_04.five_curves import FIVE_CURVES
from tinygpt.course.exercises.lesson_04.get_batch import GET_BATCH
from tinygpt.course.exercises.lesson_04.learning_rate import LEARNING_RATE
from tinygpt.course.exercises.lesson_04.train_loop import TRAIN_LOOP

EXERCISES = (GET_BATCH, ADAMW_STEP, LEARNING_RATE, CLIP_GRADIENTS, TRAIN_LOOP, FIVE_CURVES)
