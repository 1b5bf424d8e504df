"""Exercises of lesson 07: scoring heads by where they listen, the logit lens, knocking heads out and ranking them."""

from tinygpt.course.exercises.lesson_07.logit_lens import LOGIT_LENS
from tinygpt.course.exercises.lesson_07.mean_out_head import MEAN_OUT_HEAD
from tinygpt.course.exercises.lesson_07.previous_token_scores import PREVIOUS_TOKEN_SCORES
from tinygpt.course.exercises.lesson_07.rank_heads import RANK_HEADS

EXERCISES = (PREVIOUS_TOKEN_SCORES, MEAN_OUT_HEAD, RANK_HEADS, LOGIT_LENS)
