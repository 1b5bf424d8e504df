"""Exercise newton_schulz of lesson 09: how an answer is tried, and what is said of it."""

import torch

from tinygpt.course.exercises.lesson_09.newton_schulz_answers import MISTAKES, newton_schulz
from tinygpt.course.judging import Exercise
from tinygpt.course.telling import shown


def matrices():
    yield torch.tensor([[3.0, 4.0]]), 1
    yield torch.tensor([[2.0, 0.0], [0.0, 1.0]]), 1
    yield torch.tensor([[3.0, 4.0]]), 3
    generator = torch.Generator().manual_seed(0)
    yield torch.randn(2, 3, generator=generator), 2
    yield 100 * torch.randn(5, 3, generator=generator), 5  # more rows than columns
    yield torch.randn(8, 8, generator=generator), 5


def look_at_matrix(got, expected, gradient, steps):
    if not isinstance(got, torch.Tensor):
        return None
    if got.shape != expected.shape:
        return (
            f"The shape is {tuple(got.shape)}; the result moves the weights that the gradient belongs to, so it has "
            f"the gradient's shape, {tuple(expected.shape)}."
        )
    if not got.isfinite().all() or got.abs().max() > 20:
        return (
            "The numbers explode: the polynomial tames singular values of at most 1 only. Divide by gradient.norm() "
            "before the loop; and in the loop, use the old x in all three terms."
        )
    if got.dtype in (torch.bfloat16, torch.float16):
        return (
            f"Muon may well run in {got.dtype}, for speed; here stay in the gradient's own {gradient.dtype}, so that "
            "we can compare."
        )
    if torch.allclose(got.double(), expected.double(), atol=0.05):
        return (
            "Nearly. Is something rounded? Here stay in the gradient's own float32, so that we can compare (bfloat16, "
            "in which Muon may run, keeps two or three digits), with all four decimals of 3.4445, 4.7750 and 2.0315."
        )
    x = gradient / gradient.norm()
    if x.numel() > 6:
        largest = (got.double() - expected.double()).abs().max()
        return (
            f"The smaller examples came out right; this one, {tuple(x.shape)} and {steps} steps, does not: the "
            f"largest difference is {largest:.3g}. What in your code depends on the shape, or on the number of steps?"
        )
    return (
        f"By hand: the norm is {gradient.norm():.4g}, so x = {shown(x)}; then gram = x @ x.T = {shown(x @ x.T)}, and "
        f"after one step x = {shown(newton_schulz(gradient, 1))}{'.' if steps == 1 else f'; {steps} are asked for.'}"
    )


NEWTON_SCHULZ_STEPS = Exercise(
    name="newton_schulz",
    reference=newton_schulz,
    examples=matrices,
    explain=look_at_matrix,
    tolerance=1e-3,
    advice={
        "shapes cannot be multiplied": "the gram, x @ x.T, is (rows, rows), so it stands to the left of x: gram @ x.",
        "must match the size": "products of matrices are @; * multiplies number by number.",
        "must be a square matrix": "x is not square in general: use gram = x @ x.T, which is.",
    },
    hints=(
        "Three lines and a loop: x = gradient divided by its norm; then, in each of the steps, gram = x @ x.T and the "
        "polynomial.",
        "gram² is a product of matrices: gram @ gram. Add up first: (-4.7750 * gram + 2.0315 * gram @ gram), a "
        "(rows, rows) matrix, then one product with x.",
        "x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x, with gram = x @ x.T anew in every step.",
    ),
    mistakes=MISTAKES,
)
