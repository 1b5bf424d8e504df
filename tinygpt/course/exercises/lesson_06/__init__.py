"""Exercises of lesson 06: perplexity, bits per byte of texts, strides, an interval, and three claims."""

from tinygpt.course.exercises.lesson_06.bits_per_byte_of_texts import BITS_PER_BYTE_OF_TEXTS
from tinygpt.course.exercises.lesson_06.bootstrap_interval import BOOTSTRAP_INTERVAL
from tinygpt.course.exercises.lesson_06.fair_claims import FAIR_CLAIMS
from tinygpt.course.exercises.lesson_06.perplexity import PERPLEXITY
from tinygpt.course.exercises.lesson_06.strided_nats import STRIDED_NATS

EXERCISES = (PERPLEXITY, BITS_PER_BYTE_OF_TEXTS, STRIDED_NATS, BOOTSTRAP_INTERVAL, FAIR_CLAIMS)
