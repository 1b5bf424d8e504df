"""Exercises of lesson 02: the mask, a softmax that holds, attention weights, heads, and four broken attentions."""

from tinygpt.course.exercises.lesson_02.attention_weights import ATTENTION_WEIGHTS
from tinygpt.course.exercises.lesson_02.causal_mask import CAUSAL_MASK
from tinygpt.course.exercises.lesson_02.four_broken import FOUR_BROKEN
from tinygpt.course.exercises.lesson_02.join_heads import JOIN_HEADS
from tinygpt.course.exercises.lesson_02.split_heads import SPLIT_HEADS
from tinygpt.course.exercises.lesson_02.stable_softmax import STABLE_SOFTMAX

EXERCISES = (CAUSAL_MASK, STABLE_SOFTMAX, ATTENTION_WEIGHTS, SPLIT_HEADS, JOIN_HEADS, FOUR_BROKEN)
