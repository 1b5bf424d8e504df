"""Exercises of lesson 01: byte-pair encoding, from counting pairs to a trainer that takes seconds."""

from tinygpt.course.exercises.lesson_01.best_pair import BEST_PAIR
from tinygpt.course.exercises.lesson_01.decode_ids import DECODE_IDS
from tinygpt.course.exercises.lesson_01.encode_word import ENCODE_WORD
from tinygpt.course.exercises.lesson_01.learn_fast import LEARN_FAST
from tinygpt.course.exercises.lesson_01.learn_merges import LEARN_MERGES
from tinygpt.course.exercises.lesson_01.merge_pair import MERGE_PAIR
from tinygpt.course.exercises.lesson_01.pair_changes import PAIR_CHANGES
from tinygpt.course.exercises.lesson_01.pair_counts import PAIR_COUNTS

EXERCISES = (
    PAIR_COUNTS,
    MERGE_PAIR,
    BEST_PAIR,
    LEARN_MERGES,
    PAIR_CHANGES,
    LEARN_FAST,
    ENCODE_WORD,
    DECODE_IDS,
)
