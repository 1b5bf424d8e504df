"""The four patients of lesson 02: attentions that are broken in one place each.

Each takes q, k, v (T, width), the numbers of T tokens, and n_heads, and gives (T, width of v).
"""

import math

from tinygpt.course.exercises.lesson_02.attention_weights import attention_weights, scaled
from tinygpt.course.exercises.lesson_02.causal_mask import pattern
from tinygpt.course.exercises.lesson_02.join_heads import join_heads
from tinygpt.course.exercises.lesson_02.split_heads import split_heads


def heads_of(x, n_heads):
    return split_heads(x[None], n_heads)[0]  # (H, T, D)


def mask_after_softmax(q, k, v, n_heads):
    q, k, v = (heads_of(x, n_heads) for x in (q, k, v))
    return join_heads((scaled(q, k).softmax(-1) * pattern(q.shape[1]) @ v)[None])[0]


def heads_by_view(q, k, v, n_heads):
    T = len(q)
    q, k, v = (x.reshape(n_heads, T, -1) for x in (q, k, v))
    return (attention_weights(q, k, pattern(T)) @ v).reshape(T, -1)


def mask_shifted(q, k, v, n_heads):
    q, k, v = (heads_of(x, n_heads) for x in (q, k, v))
    return join_heads((attention_weights(q, k, pattern(q.shape[1], 1)) @ v)[None])[0]


def no_scale(q, k, v, n_heads):
    q, k, v = (heads_of(x, n_heads) for x in (q, k, v))
    return join_heads((attention_weights(q * math.sqrt(q.shape[-1]), k, pattern(q.shape[1])) @ v)[None])[0]


PATIENTS = {"A": mask_after_softmax, "B": heads_by_view, "C": mask_shifted, "D": no_scale}
