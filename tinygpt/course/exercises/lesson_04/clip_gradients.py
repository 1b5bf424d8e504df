"""Exercise clip_gradients of lesson 04: the answer, what it is tried on, and what people get wrong."""

import torch
from torch import nn

from tinygpt.course.comparing import is_number, same
from tinygpt.course.judging import Exercise, Mistake


def clip_gradients(parameters, largest):
    norm = sum((p.grad**2).sum() for p in parameters).sqrt().item()
    if norm > largest:
        for p in parameters:
            p.grad *= largest / norm
    return norm


def gradients():
    yield [torch.tensor([3.0]), torch.tensor([4.0])], 1.0
    yield [torch.tensor([0.3]), torch.tensor([-0.4])], 1.0
    yield [torch.tensor([[2.0, -1.0], [4.0, 2.0]]), torch.tensor([12.0, 0.0])], 3.25
    yield [torch.zeros(2), torch.zeros(3)], 1.0


def use_clip(answer, grads, largest):
    """The norm that came back, and the gradients afterwards; and whether the weights were touched."""
    parameters = [nn.Parameter(torch.ones_like(g)) for g in grads]
    for p, g in zip(parameters, grads, strict=True):
        p.grad = g.clone()
    returned = answer(parameters, largest)
    kept = all(bool((p == 1).all()) for p in parameters)
    return {"returned": returned, "gradients": [p.grad for p in parameters]} | ({} if kept else {"weights": "changed"})


def clipper(scaled, returned=None):
    """A way to clip: scaled(gradients, norm, largest) -> gradients; returned(norm, largest) -> what comes back."""

    def clip(parameters, largest):
        grads = [p.grad for p in parameters]
        norm = sum((g**2).sum() for g in grads).sqrt()
        for p, g in zip(parameters, scaled(grads, norm, largest), strict=True):
            p.grad = g
        return returned(norm, largest) if returned else norm.item()

    return clip


def cut(norm, largest):
    return min(1.0, largest / norm) if norm > 0 else 1.0


def by_all(grads, norm, largest):
    return [g * cut(norm, largest) for g in grads]


def look_at_clipped(got, expected, grads, largest):
    norm = expected["returned"]
    if "weights" in got:
        return "You changed the weights themselves. It is p.grad that has to be scaled; weights move in step() only."
    if any(g is None for g in got["gradients"]):
        return "The gradients are gone; scale them, p.grad *= ..., and keep them."
    after = got["gradients"]
    right = same(after, expected["gradients"], 1e-5)
    if right and got["returned"] is None:
        return f"The gradients are right. Give back the norm that you found, {norm:g}."
    if right and not is_number(got["returned"]) and not isinstance(got["returned"], torch.Tensor):
        return f"The gradients are right. What comes back should be one number, the norm: {norm:g}."
    if right:
        return f"The gradients are right. What comes back should be the norm before clipping, {norm:g}."
    if any(g.isnan().any() for g in after):
        return "0 / 0: when all gradients are 0 there is nothing to scale. Scale only if the norm is above `largest`."
    if same(after, grads, 1e-6):
        return "The gradients are as they were. Write the scaled ones back: p.grad *= ..., for each p."
    if same(after, [g * cut(g.norm(), largest) for g in grads], 1e-5):
        return f"Each was brought to the limit by itself. {TOGETHER}"
    total = sum((g.double() ** 2).sum() for g in after).sqrt().item()
    return f"Afterwards all gradients together have norm {total:.4g}; it should be {min(norm, largest):g}."


TOGETHER = "That bends the direction of the step: one norm for all tensors together, and one factor for all."

CLIP_GRADIENTS = Exercise(
    name="clip_gradients",
    reference=clip_gradients,
    examples=gradients,
    use=use_clip,
    explain=look_at_clipped,
    forbidden=("clip_grad_norm_", "clip_grads_with_norm_"),
    advice={
        "leaf Variable": "you changed the weights themselves. It is p.grad that has to be scaled.",
        "division by zero": "the norm may be 0: scale only where it is above `largest`.",
    },
    hints=(
        "Think of all gradients as one long vector. Its norm is the root of the sum of all squares, over all tensors.",
        "Where the norm is above `largest`, multiply every p.grad by largest / norm. All by the same number.",
        "norm = sum((p.grad**2).sum() for p in parameters).sqrt().item(); then a loop with p.grad *= largest / norm",
    ),
    mistakes=(
        Mistake(
            "You clip each tensor by itself: that bends the direction of the step. One norm for all of them together, "
            "one factor for all.",
            clipper(lambda gs, n, most: [g * cut(g.norm(), most) for g in gs]),
        ),
        Mistake(
            "You cut each number at the limit, which bends the direction of the step. Scale all by one factor.",
            clipper(lambda gs, n, most: [g.clamp(-most, most) for g in gs]),
        ),
        Mistake(
            "Gradients below the limit stay as they are; you blew them up to it.",
            clipper(lambda gs, n, most: [g * most / n for g in gs]),
        ),
        Mistake(
            "You scale down to norm 1, always; the limit is the argument `largest`.",
            clipper(lambda gs, n, most: [g / n if n > most else g for g in gs]),
        ),
        Mistake(
            "Upside down: largest / norm makes long gradients shorter, norm / largest longer.",
            clipper(lambda gs, n, most: [g * n / most if n > most else g for g in gs]),
        ),
        Mistake(
            "The gradients are right. Give back the norm before clipping: afterwards it says nothing about the run.",
            clipper(by_all, lambda n, most: min(n.item(), most)),
        ),
        Mistake(
            "The gradients are right, and what you gave back is the square of the norm.",
            clipper(by_all, lambda n, most: n.item() ** 2),
        ),
        Mistake(
            "The root is missing: you compared the sum of the squares with the limit.",
            clipper(
                lambda gs, n, most: [g * most / n**2 if n**2 > most else g for g in gs], lambda n, most: n.item() ** 2
            ),
        ),
        Mistake(
            "You added the norms of the tensors. The norm of all together is the root of the sum of their squares: 3 "
            "and 4 make 5, not 7.",
            lambda parameters, largest: sum_of_norms(parameters, largest),
        ),
        Mistake(
            "The gradients are as they were. g = g * factor makes a new tensor; write it back: p.grad *= factor.",
            clipper(lambda gs, n, most: gs),
        ),
    ),
)


def sum_of_norms(parameters, largest):
    norm = sum(p.grad.norm() for p in parameters).item()
    for p in parameters:
        p.grad *= min(1.0, largest / norm) if norm else 1.0
    return norm
