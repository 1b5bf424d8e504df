"""Answers to exercise newton_schulz of lesson 09: the right one, and the wrong ones that people give."""

import torch

from tinygpt.course.judging import Mistake

A, B, C = 3.4445, -4.7750, 2.0315


def newton_schulz(gradient, steps=5):
    x = gradient / (gradient.norm() + 1e-7)  # (rows, columns), no singular value above 1
    for _ in range(steps):
        gram = x @ x.T  # (rows, rows)
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x  # (rows, columns)
    return x


def stepped(polynomial, start=None, end=None):
    """newton_schulz with something wrong in it."""

    def made(gradient, steps=5):
        x = start(gradient) if start else gradient / (gradient.norm() + 1e-7)
        for _ in range(steps):
            x = polynomial(x, x @ x.T)
        return end(x) if end else x

    return made


def right(x, gram):
    return A * x + (B * gram + C * gram @ gram) @ x


def one_after_the_other(x, gram):
    x = A * x
    x = x + B * gram @ x
    return x + C * gram @ gram @ x


def from_the_first_term(x, gram):
    x = A * x
    return x + B * gram @ x + C * gram @ gram @ x


def fixed_gram(gradient, steps=5):
    x = gradient / gradient.norm()
    gram = x @ x.T
    for _ in range(steps):
        x = right(x, gram)
    return x


def from_the_start(gradient, steps=5):
    start = x = gradient / gradient.norm()
    for _ in range(steps):
        gram = x @ x.T
        x = A * start + (B * gram + C * gram @ gram) @ start
    return x


def exact(gradient, steps=5):
    u, _, v = torch.linalg.svd(gradient, full_matrices=False)
    return u @ v


MISTAKES = (
    Mistake(
        "You start from the gradient as it is. Its singular values may be 5 or 0.001, but the polynomial works "
        "between 0 and 1: divide by gradient.norm() first.",
        stepped(right, start=lambda g: g),
    ),
    Mistake(
        "You divide by the largest singular value. That would do as well, but it is what we cannot afford to "
        "compute: take gradient.norm(), the root of the sum of all squares, which is never smaller.",
        stepped(right, start=lambda g: g / torch.linalg.matrix_norm(g, 2)),
    ),
    Mistake(
        "You divide each row by its own norm. That changes the directions too: one number for the whole matrix.",
        stepped(right, start=lambda g: g / g.norm(dim=1, keepdim=True)),
    ),
    Mistake(
        "You divide by the largest entry. gradient.norm() is the root of the sum of all squares.",
        stepped(right, start=lambda g: g / g.abs().max()),
    ),
    Mistake(
        "You divide by the sum of the squares: the root is missing.",
        stepped(right, start=lambda g: g / (g * g).sum()),
    ),
    Mistake(
        "gram @ gram is missing: you multiply gram number by number. Squares of matrices are matrix products.",
        stepped(lambda x, gram: A * x + (B * gram + C * gram * gram) @ x),
    ),
    Mistake(
        "You take powers number by number. x³ stands for (x xᵀ) x, a product of matrices: it raises the singular "
        "values to the third power, not the entries.",
        stepped(lambda x, gram: A * x + B * x**3 + C * x**5),
    ),
    Mistake(
        "The last term is 2.0315 gram @ gram @ x; you have gram @ x twice.",
        stepped(lambda x, gram: A * x + B * gram @ x + C * gram @ x),
    ),
    Mistake("The first term is missing: 3.4445 x.", stepped(lambda x, gram: (B * gram + C * gram @ gram) @ x)),
    Mistake("The last term is missing: 2.0315 gram @ gram @ x.", stepped(lambda x, gram: A * x + B * gram @ x)),
    Mistake(
        "The signs: the middle term is taken away, - 4.7750 gram @ x.",
        stepped(lambda x, gram: A * x + (-B * gram + C * gram @ gram) @ x),
    ),
    Mistake(
        "Two numbers have changed places: x takes 3.4445, gram @ gram takes 2.0315.",
        stepped(lambda x, gram: C * x + (B * gram + A * gram @ gram) @ x),
    ),
    Mistake(
        "You change x after each term, so that the next one works on what the last has made: use the OLD x in all "
        "three terms, as in x = 3.4445 * x + (...) @ x.",
        stepped(one_after_the_other),
    ),
    Mistake(
        "You multiply x by 3.4445 first, and the two other terms then work on that: use the OLD x in all three.",
        stepped(from_the_first_term),
    ),
    Mistake(
        "A number plus a matrix adds it to every entry. 3.4445 x stands by itself: "
        "3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x.",
        stepped(lambda x, gram: (A + B * gram + C * gram @ gram) @ x),
    ),
    Mistake(
        "x is forgotten after gram: the terms are gram @ x and gram @ gram @ x.",
        stepped(lambda x, gram: A * x + B * gram + C * gram @ gram),
    ),
    Mistake(
        "x is forgotten in the middle term: gram @ x.",
        stepped(lambda x, gram: A * x + B * gram + C * gram @ gram @ x),
    ),
    Mistake(
        "x is forgotten in the last term: gram @ gram @ x.",
        stepped(lambda x, gram: A * x + B * gram @ x + C * gram @ gram),
    ),
    Mistake("x is not used up: after gram, multiply by x and not by the gradient of the beginning.", from_the_start),
    Mistake("Only one step was taken, whatever `steps` says.", lambda g, steps=5: newton_schulz(g, 1)),
    Mistake("Five steps were taken, whatever `steps` says.", lambda g, steps=5: newton_schulz(g, 5)),
    Mistake("One step too many.", lambda g, steps=5: newton_schulz(g, steps + 1)),
    Mistake("One step is missing.", lambda g, steps=5: newton_schulz(g, steps - 1)),
    Mistake("x changes in every step, so gram = x @ x.T must be computed anew inside the loop.", fixed_gram),
    Mistake(
        "You divide by the norm in every step: it belongs before the loop, once.",
        stepped(lambda x, gram: right(x / x.norm(), x @ x.T / x.norm() ** 2)),
    ),
    Mistake(
        "That is the exact answer, by SVD: all singular values 1. Muon takes a rough one, by products alone, which "
        "costs far less; write that.",
        exact,
    ),
    Mistake(
        "The result has been scaled back to the gradient's norm. Muon wants to be rid of it.",
        lambda g, steps=5: newton_schulz(g, steps) * g.norm(),
    ),
)
