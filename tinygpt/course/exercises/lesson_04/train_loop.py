"""Exercise train_loop of lesson 04: the answer, what it is tried on, and what people get wrong."""

from statistics import mean
from types import SimpleNamespace

import torch
from torch import nn

from tinygpt.course.comparing import same
from tinygpt.course.exercises.lesson_04.clip_gradients import clip_gradients
from tinygpt.course.judging import Exercise, Mistake


def train_loop(model, optimizer, batches, rates, largest=1.0):
    losses = []
    for (inputs, targets), rate in zip(batches, rates, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = model.loss(inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(list(model.parameters()), largest)
        optimizer.step()
        losses.append(loss.item())
    return losses


class Line(nn.Module):
    """The smallest model that can be trained: slope · x + offset, both 0 at first."""

    def __init__(self):
        super().__init__()
        self.slope, self.offset = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(()))

    def forward(self, inputs):
        return self.slope * inputs + self.offset

    def loss(self, inputs, targets):
        return (self(inputs) - targets).pow(2).mean()


LINE, USED = "a line, slope and offset 0, loss: squared error", "with gradients from before"


def lessons_of_a_line():
    one = torch.tensor([1.0]), torch.tensor([2.0])
    two = torch.tensor([2.0, 0.0]), torch.tensor([3.0, 1.0])
    yield LINE, "SGD", [one], [0.1], 100.0
    yield LINE, "SGD", [one, one], [0.1, 0.1], 100.0
    yield LINE, "SGD", [one, two, one], [0.1, 0.2, 0.01], 100.0
    yield LINE, "SGD", [one, two, one, two], [0.1, 0.2, 0.1, 0.05], 1.0
    yield LINE, "SGD", [two, one, two], [0.5, 0.2, 0.1], 0.5
    yield f"{LINE}, {USED}", "SGD", [one, two], [0.1, 0.2], 100.0


def use_loop(answer, what, _, batches, rates, largest):
    model = Line()
    if USED in what:
        model.loss(*batches[-1]).backward()
    groups = [{"params": [model.slope]}, {"params": [model.offset]}]
    losses = answer(model, torch.optim.SGD(groups, lr=7.0), batches, rates, largest)
    if isinstance(losses, list | tuple) and any(isinstance(x, torch.Tensor) for x in losses):
        return "a list of tensors"
    return {"losses": losses, "slope": model.slope.item(), "offset": model.offset.item()}


DOING = {
    "rate": lambda now: set_rates(now, now.rate),
    "loss": lambda now: setattr(now, "loss", now.model.loss(*now.batch)),
    "zero": lambda now: now.optimizer.zero_grad(),
    "backward": lambda now: now.loss.backward(),
    "clip": lambda now: clip_gradients(list(now.model.parameters()), now.largest),
    "step": lambda now: now.optimizer.step(),
    "keep": lambda now: now.losses.append(now.loss.item()),
}


def loop_that(order="rate loss zero backward clip step keep", returned=list, **others):
    """A training loop that does this for each batch, in this order; others: what it does in another way."""

    def loop(model, optimizer, batches, rates, largest=1.0):
        now = SimpleNamespace(model=model, optimizer=optimizer, rates=rates, largest=largest, losses=[])
        for now.batch, now.rate in zip(batches, rates, strict=True):
            for name in order.split():
                (DOING | others)[name](now)
        return returned(now.losses)

    return loop


def set_rates(now, rate, groups=None):
    for group in now.optimizer.param_groups[:groups]:
        group["lr"] = rate


def look_at_loop(got, expected, model, optimizer, batches, rates, largest):
    if got == "a list of tensors":
        return (
            "The losses are tensors: each keeps alive all that was computed to get it, and memory fills up. Keep the "
            "number, loss.item()."
        )
    losses = got["losses"]
    if losses is None:
        return "Nothing came back: return the list of losses."
    if not isinstance(losses, list | tuple):
        return "Give back a list with the loss of every batch."
    if len(losses) != len(batches):
        return f"{len(batches)} batches, {len(losses)} losses: one for each, in their order."
    bad = [i for i, pair in enumerate(zip(losses, expected["losses"], strict=True)) if not same(*pair, 1e-5)]
    if not bad and len(batches) == 1:
        return (
            'The loss is right, but not the weights after the step: group["lr"] = rate in every group, and one step() '
            "of the optimizer that was given, not of a new one."
        )
    if not bad:
        return "All losses are right, but not the weights afterwards: what happens in the last step?"
    if bad[0] == 0:
        return "Already the first loss is off: it is model.loss(inputs, targets), before any step."
    return (
        f"Losses 0 to {bad[0] - 1} are right, loss {bad[0]} is not: the step before it went wrong. For each batch: set "
        "the rate, loss, zero_grad, backward, clip, step."
    )


TRAIN_LOOP = Exercise(
    name="train_loop",
    reference=train_loop,
    examples=lessons_of_a_line,
    use=use_loop,
    explain=look_at_loop,
    advice={
        "NoneType": "mostly a p.grad that is not there: backward() makes them, zero_grad() takes them away. So "
        "zero_grad() first, then backward(), then clip.",
        "forward() takes": "the loss is model.loss(inputs, targets); model(inputs) only predicts.",
        "mT is only": "the loss is model.loss(inputs, targets): it is not made from the model's outputs here.",
        "not callable": "batches and rates are lists: zip(batches, rates) pairs them.",
        "does not require grad": "something cut the thread from loss to weights: a no_grad(), a detach(), an item()?",
        "backward through the graph a second time": "backward() once for each loss.",
    },
    hints=(
        "For each batch, in this order: set the rate in every group, measure the loss, forget the old gradients, "
        "compute the new ones, clip them, step, keep the loss as a number.",
        'for group in optimizer.param_groups: group["lr"] = rate. Then model.loss, optimizer.zero_grad(), '
        "loss.backward(), clip_gradients(list(model.parameters()), largest), optimizer.step().",
        "for (inputs, targets), rate in zip(batches, rates): ... losses.append(loss.item()), and return losses.",
    ),
    mistakes=(
        Mistake(
            "The gradients of all batches add up, since backward() adds to what is there: zero_grad() before it.",
            loop_that("rate loss backward clip step keep"),
        ),
        Mistake(
            "This model came with gradients of an earlier backward(), and your first step took them along: zero_grad() "
            "after the step is too late for the first batch. It belongs before backward().",
            loop_that("rate loss backward clip step zero keep"),
        ),
        Mistake(
            "The weights never move. Is there an optimizer.step()? Or does zero_grad() stand between backward() and "
            "step(), and wipe the gradients out before they are used?",
            loop_that("rate loss zero backward clip keep"),
        ),
        Mistake("Two steps for one batch.", loop_that("rate loss zero backward clip step step keep")),
        Mistake(
            "The steps are taken with gradients that nobody has clipped. clip_gradients(list(model.parameters()), "
            "largest) stands between backward() and step(); after the step it is too late. (Is there no list()? A "
            "bare model.parameters() is used up after one pass: the norm is measured, and nothing is scaled.)",
            loop_that("rate loss zero backward step keep"),
        ),
        Mistake(
            "You clip at 1, always; the limit is the argument `largest`.",
            loop_that(clip=lambda now: clip_gradients(list(now.model.parameters()), 1.0)),
        ),
        Mistake(
            'The rate is never set: the optimizer still has its own. group["lr"] = rate for every group in '
            "optimizer.param_groups; optimizer.lr means nothing to it.",
            loop_that("loss zero backward clip step keep"),
        ),
        Mistake(
            "The rate is set in the first group only. There may be several: loop over optimizer.param_groups.",
            loop_that(rate=lambda now: set_rates(now, now.rate, groups=1)),
        ),
        Mistake(
            'You multiply the old rate by the new one: group["lr"] = rate sets it.',
            loop_that(rate=lambda now: [g.update(lr=g["lr"] * now.rate) for g in now.optimizer.param_groups]),
        ),
        Mistake(
            "Each rate comes a step too late: set it before step().",
            loop_that("loss zero backward clip step rate keep"),
        ),
        Mistake(
            "All batches were given the first rate. Each has its own.",
            loop_that(rate=lambda now: set_rates(now, now.rates[0])),
        ),
        Mistake(
            "You measured each loss again after the step. Keep the one that you took the gradient of.",
            loop_that("rate loss zero backward clip step loss keep"),
        ),
        Mistake("Only the last loss came back; return the list of all.", loop_that(returned=lambda them: them[-1])),
        Mistake("That is the mean of the losses; return the list.", loop_that(returned=mean)),
    ),
)
