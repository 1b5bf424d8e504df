"""What an answer of lesson 03 has to be besides right: of the usual type, and open to gradients."""

import torch

from tinygpt.course.comparing import same

NO_GRADIENT = "a result through which no gradient flows"


OTHER_GRADIENT = "the right numbers, but another gradient"


OVERWRITTEN = "the right numbers, but some that the gradient needs were overwritten"


OTHER_NAMES = "a model whose parts have other names"


CLOSE = 1e-4


def look_at_use(got, expected, *arguments):
    """A message for what only shows when an answer is trained."""
    if got == NO_GRADIENT:
        return (
            "The numbers are right, but training could not pass through: .item(), .detach(), .tolist(), numpy and "
            "torch.tensor(...) cut the thread that gradients follow. Stay with operations on tensors."
        )
    if got == OTHER_GRADIENT:
        return "The numbers are right, but part of the computation is cut off from the gradient: is there a detach()?"
    if got == OVERWRITTEN:
        return "The numbers are right, but += wrote over some that the gradient still needs. Write x = x + ... instead."
    if got == OTHER_NAMES:
        return "Leave __init__ as it is: weights are copied from model to model by the names that it gives."
    if isinstance(got, str) and got.startswith("a tensor of torch."):
        return f"The numbers are right, but it is {got}; the other parts of the model work with torch.float32."
    return None


def usable(result, expected, arguments, given):
    """The result, or what is wrong with it although its numbers are right: its type, or no gradient in it.

    arguments, given: what the answer was called with, before and after; an answer that changed it is told so elsewhere.
    """
    if not same(result, expected, CLOSE) or not same(arguments, given, 0.0):
        return result
    if not isinstance(result, torch.Tensor) or not result.requires_grad:
        return NO_GRADIENT
    return result if result.dtype == expected.dtype else f"a tensor of {result.dtype}"


def gradients(result, inputs):
    """Of a result's numbers, each weighed differently, with respect to the inputs."""
    weighed = (result * torch.arange(1.0, result.numel() + 1).view_as(result)).sum()
    found = torch.autograd.grad(weighed, inputs, allow_unused=True)
    return [torch.zeros_like(x) if grad is None else grad for x, grad in zip(inputs, found, strict=True)]


def with_gradients(result, inputs, expected):
    """The result, if it is usable and its gradients are those expected, or else what is wrong with them."""
    if not isinstance(result, torch.Tensor) or not result.requires_grad:
        return result
    try:
        return result.detach() if same(gradients(result, inputs), expected, 1e-3) else OTHER_GRADIENT
    except RuntimeError as problem:
        if "inplace operation" in str(problem):
            return OVERWRITTEN
        raise


def tried_with_gradients(answer, reference, *tensors):
    """Call an answer on tensors that want gradients; compare the gradients as well."""
    inputs = [x.clone().requires_grad_() if x.is_floating_point() else x for x in tensors]
    wanted = [x for x in inputs if x.requires_grad]
    given = [x * 1 if x.requires_grad else x.clone() for x in inputs]  # may be written into, so that we see it
    result, expected = answer(*given), reference(*inputs)
    for x, after in zip(tensors, given, strict=True):
        if not same(x, after, 0.0):
            x.copy_(after.detach())  # whoever judges looks here for changes
    result = usable(result, expected, inputs, given)
    return with_gradients(result, wanted, gradients(expected, wanted)) if same(result, expected, CLOSE) else result
