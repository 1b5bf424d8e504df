"""Exercises of lesson 04: batches, the optimizer's step, its rate, its leash, the loop, and five sick curves."""

import numpy as np
import torch
from torch import nn

from tinygpt.course.clinic import DIAGNOSES
from tinygpt.course.judging import Exercise, Mistake, is_number, same

# get_batch


def get_batch(ids, B, T):
    starts = torch.randint(len(ids) - T, (B,))  # (B,)
    windows = np.stack([ids[s : s + T + 1] for s in starts.tolist()])  # (B, T + 1)
    windows = torch.from_numpy(windows.astype(np.int64))
    return windows[:, :-1], windows[:, 1:]


DRAWS = 100  # batches: a window that never comes in so many is one that can't come


def streams():
    yield np.array([10, 11, 12, 13], dtype=np.uint16), 1, 2
    yield np.array([7, 3, 9, 4, 8, 1], dtype=np.uint16), 4, 3
    yield np.arange(500, dtype=np.uint16), 6, 4


def use_get_batch(answer, ids, B, T):
    """Which windows come, each as (inputs, targets); of a long stream, how they are drawn. Or what is wrong."""
    torch.manual_seed(0)
    drawn = [answer(ids, B, T) for _ in range(DRAWS)]
    for batch in drawn:
        if problem := what_is_wrong(batch, B, T):
            return problem
    if len(ids) < 100:
        return sorted(
            {(tuple(x), tuple(y)) for batch in drawn for x, y in zip(batch[0].tolist(), batch[1].tolist(), strict=True)}
        )
    torch.manual_seed(0)
    repeated = same(list(answer(ids, B, T)), list(drawn[0]), 0.0)
    torch.manual_seed(1)
    other = same(list(answer(ids, B, T)), list(drawn[0]), 0.0)
    first = [x[:, 0] for x, _ in drawn]  # (B,) each
    return {
        "the same again after the same torch.manual_seed": repeated,
        "other windows after another": not other,
        "the rows of a batch differ": any(len(set(starts.tolist())) > 1 for starts in first),
    }


def what_is_wrong(batch, B, T):
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        return f"not a pair (inputs, targets) but {type(batch).__name__}"
    for name, part in zip(("inputs", "targets"), batch, strict=True):
        if not isinstance(part, torch.Tensor):
            return f"{name} of type {type(part).__name__}, not a tensor"
        if part.shape != (B, T):
            return f"{name} of shape {tuple(part.shape)}, not {(B, T)}"
        if part.dtype != torch.long:
            return f"{name} of {part.dtype}, not torch.int64"
    return None


def look_at_windows(got, expected, ids, B, T):
    if isinstance(got, str):
        return told_problem(got, B, T)
    if isinstance(got, dict):
        if not got["the rows of a batch differ"]:
            return "All rows of a batch are the same window. Draw B starts, one for each row."
        return "Draw with torch.randint: what other generators draw does not repeat after torch.manual_seed."
    for inputs, targets in got:
        if inputs == targets:
            return "The targets are the inputs: a model would learn to copy what it has just read. Shift them by one."
        if inputs[1:] != targets[:-1]:
            if inputs[:-1] == targets[1:]:
                return "The targets are one place before the inputs, not after: inputs are [:-1], targets [1:]."
            return f"The targets {list(targets)} do not follow {list(inputs)}: one place further, in the same window."
    missing = [window for window in expected if window not in got]
    foreign = [window for window in got if window not in expected]
    if foreign:
        return f"{foreign[0]} is no piece of the stream."
    which = "the last" if missing == [(tuple(ids[-T - 1 : -1].tolist()), tuple(ids[-T:].tolist()))] else "some"
    return (
        f"In {DRAWS} batches {which} of the windows that fit never came. {len(ids)} tokens hold {len(ids) - T} windows "
        f"of {T} + 1: their starts are 0 to {len(ids) - T - 1}, and torch.randint(n, ...) draws 0 to n - 1."
    )


def told_problem(problem, B, T):
    if "torch." in problem:
        return (
            "The model looks tokens up by torch.int64; the file holds uint16 to save space: .long(), astype(np.int64)."
        )
    if "not a pair" in problem:
        return "Give back two tensors, return inputs, targets."
    if "type" in problem:
        return "Tensors, please: torch.from_numpy, or torch.tensor of a list."
    return (
        f"A window has T + 1 = {T + 1} tokens; inputs are all but the last, targets all but the first: {T} each. If a "
        "window came out too short, it began too near to the end."
    )


GET_BATCH = Exercise(
    name="get_batch",
    reference=get_batch,
    examples=streams,
    use=use_get_batch,
    explain=look_at_windows,
    advice={
        "out of bounds": "a start from which no whole window fits. Which is the last start that does?",
        "equal size": "the windows are not equally long: one of them begins too near to the end.",
        "must have the same shape": "the windows are not equally long: one of them begins too near to the end.",
        "expanded size": "the windows are not equally long: one of them begins too near to the end.",
        "uint16": "torch does little with uint16. Make int64 of the windows, with astype(np.int64) or .long().",
        "UInt16": "torch does little with uint16. Make int64 of the windows, with astype(np.int64) or .long().",
    },
    hints=(
        "A window is ids[s : s + T + 1]. From which starts s does a whole window fit? Try it with 4 tokens and T = 2.",
        "torch.randint(len(ids) - T, (B,)) draws B starts. Stack the windows, make int64 of them, and cut: all but the "
        "last, all but the first.",
        "windows = torch.stack([torch.from_numpy(ids[s : s + T + 1].astype(np.int64)) for s in starts.tolist()])",
    ),
)


# adamw_step


def adamw_step(weights, gradient, m, v, t, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.1):
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    weights = weights - lr * decay * weights
    return weights - lr * m_hat / (v_hat.sqrt() + eps), m, v


def steps():
    dice = torch.Generator().manual_seed(4)

    def draw(*shape):
        return torch.randn(shape, generator=dice)

    yield torch.tensor([1.0]), torch.tensor([0.5]), torch.tensor([0.0]), torch.tensor([0.0]), 1, 0.1
    yield torch.tensor([0.89]), torch.tensor([-1.0]), torch.tensor([0.05]), torch.tensor([0.0025]), 2, 0.1
    yield torch.tensor([2.0, 0.0]), torch.tensor([0.0, 3.0]), torch.zeros(2), torch.zeros(2), 1, 0.1
    yield torch.tensor([1.0, 1.0]), torch.tensor([1e-8, -1e-6]), torch.zeros(2), torch.zeros(2), 1, 0.5
    yield draw(2, 3), draw(2, 3), draw(2, 3), draw(2, 3) ** 2, 7, 0.02
    yield draw(2, 3), draw(2, 3), draw(2, 3), draw(2, 3) ** 2, 3, 0.5, 0.8, 0.95, 1e-6, 0.4


def variant(
    *, decayed="first", corrected="both", power=lambda beta, t: beta**t, swapped=False, new_m=1.0, square=True,
    root=True, sign=-1, eps_under=False, hands_on="plain", stale=False,
):  # fmt: skip
    """An AdamW step with something wrong in it."""

    def step(weights, gradient, m, v, t, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.1):
        given = weights
        if swapped:
            beta1, beta2 = beta2, beta1
        if decayed == "in the gradient":
            gradient = gradient + decay * weights
        old_m, old_v = m, v
        m = beta1 * m + (1 - beta1 if new_m else 1) * gradient
        v = beta2 * v + (1 - beta2) * (gradient**2 if square else gradient.abs())
        m_hat, v_hat = (old_m, old_v) if stale else (m, v)
        if corrected in ("both", "m"):
            m_hat = m_hat / (1 - power(beta1, t))
        if corrected in ("both", "v"):
            v_hat = v_hat / (1 - power(beta2, t))
        below = (v_hat + eps).sqrt() if eps_under else (v_hat.sqrt() if root else v_hat) + eps
        if decayed == "first":
            weights = weights - lr * decay * weights
        if decayed == "without rate":
            weights = weights - decay * weights
        weights = weights + sign * lr * m_hat / below
        if decayed == "last":
            weights = weights - lr * decay * weights
        if decayed == "added":
            weights = weights + lr * decay * given
        return (weights, m_hat, v_hat) if hands_on == "corrected" else (weights, m, v)

    return step


def look_at_step(got, expected, weights, gradient, m, v, t, lr, *rest):
    if not isinstance(got, tuple | list) or len(got) != 3:
        return "Give back three tensors: return weights, m, v."
    if any(not isinstance(x, torch.Tensor) for x in got):
        return "All three that you give back have to be tensors."
    if any(x.shape != weights.shape for x in got):
        return f"All three have the weights' shape {tuple(weights.shape)}: every weight has its own m and v."
    if any(same(list(got), [expected[i] for i in order], 1e-5) for order in ((1, 2, 0), (1, 0, 2), (2, 1, 0))):
        return "The right three in another order: weights, m, v."
    good = [name for name, a, b in zip(("weights", "m", "v"), got, expected, strict=True) if same(a, b, 1e-5)]
    if good == ["m", "v"]:
        shrunk = weights - lr * (rest[3] if rest else 0.1) * weights
        if same(got[0], shrunk, 1e-6):
            return "m and v are right, and the weights only decayed: the step itself is missing."
        return (
            "m and v are right; the weights are not. In this order: shrink by lr · decay · weights; correct copies of "
            "m and v; subtract lr · m / (√v + eps)."
        )
    if same(list(got), [weights, m, v], 1e-7):
        return "These are the three that you were given, unchanged."
    wrong = " and ".join(name for name in ("m", "v", "weights") if name not in good)
    return f"{wrong}: not yet. Begin with m, keep beta1 of it and take 1 - beta1 of the gradient; then v, of gradient²."


ADAMW_STEP = Exercise(
    name="adamw_step",
    reference=adamw_step,
    examples=steps,
    explain=look_at_step,
    tolerance=1e-6,
    hints=(
        "Do the worked example on paper first. Four lines of code: m, v, their corrected copies, the weights.",
        "The corrected copies: m / (1 - beta1**t) and v / (1 - beta2**t). Give back m and v without the correction.",
        "weights = weights - lr * decay * weights; then weights - lr * m_hat / (v_hat.sqrt() + eps)",
    ),
    mistakes=(
        Mistake(
            "m and v start at 0, so at first they are far too small, v more than m. Divide copies of them by what they "
            "have taken in so far, 1 - beta**t.",
            variant(corrected="none"),
        ),
        Mistake("m is corrected, v is not: it starts at 0 too.", variant(corrected="m")),
        Mistake("v is corrected, m is not: it starts at 0 too.", variant(corrected="v")),
        Mistake(
            "beta * t is a product; after t steps the start's share is beta to the power of t: beta**t.",
            variant(power=lambda beta, t: beta * t),
        ),
        Mistake(
            "You correct by 1 - beta at every step. That is right at t = 1 only: later more has been taken in, "
            "1 - beta**t.",
            variant(power=lambda beta, t: beta),
        ),
        Mistake(
            "The power is one too small: t counts from 1, and in its first step m has already taken in one gradient.",
            variant(power=lambda beta, t: beta ** (t - 1) if t > 1 else beta),
        ),
        Mistake("The power is one too large: t counts from 1 already.", variant(power=lambda beta, t: beta ** (t + 1))),
        Mistake(
            "The corrected copies are for this step only. Hand on m and v as they are: the next step corrects again.",
            variant(hands_on="corrected"),
        ),
        Mistake(
            "You put the decay into the gradient: there it is divided by √v with everything else. That was Adam with "
            "L2; the W in AdamW says that weights shrink by themselves, lr · decay · weights.",
            variant(decayed="in the gradient"),
        ),
        Mistake("The weights do not decay: subtract lr · decay · weights too.", variant(decayed="none")),
        Mistake("The decay forgets the rate: weights shrink by lr · decay · weights.", variant(decayed="without rate")),
        Mistake("Your weights grow by the decay; they should shrink.", variant(decayed="added")),
        Mistake("First the decay, of the weights as they were given; then the step.", variant(decayed="last")),
        Mistake("eps is added after the root: √v + eps. Under the root 10⁻⁸ counts as 10⁻⁴.", variant(eps_under=True)),
        Mistake(
            "The root is missing: v is a mean of squares, and its root is as large as a gradient.", variant(root=False)
        ),
        Mistake("v averages the squares: gradient**2.", variant(square=False)),
        Mistake("That walks uphill: subtract the step.", variant(sign=1)),
        Mistake("The two betas are exchanged: beta1 is for m, beta2 for v.", variant(swapped=True)),
        Mistake(
            "m takes in 1 - beta1 of the gradient, not all of it; with what it keeps that makes an average.",
            variant(new_m=0),
        ),
        Mistake(
            "The step used the old m and v. First take the gradient in, then step with the new ones.",
            variant(stale=True),
        ),
    ),
)


# learning_rate


def learning_rate(step, steps, peak, warmup, decay):
    rising = (step + 1) / max(1, warmup)
    falling = (steps - step) / max(1, decay)
    return peak * min(1.0, rising, falling)


def schedules():
    yield "every one", 10, 1.0, 2, 4
    yield "every one", 6, 3.0, 4, 2
    yield "every one", 5, 2.0, 0, 2
    yield "every one", 5, 2.0, 2, 0
    yield "every one", 4, 0.5, 1, 1


def every_rate(answer, _, steps, peak, warmup, decay):
    return [answer(step, steps, peak, warmup, decay) for step in range(steps)]


def scheduled(rising=None, falling=None, combine=min, peaked=True):
    def rate(step, steps, peak, warmup, decay):
        up = 1.0 if rising is None else rising(step, steps, warmup)
        down = 1.0 if falling is None else falling(step, steps, decay)
        return combine(1.0, up, down) * (peak if peaked else 1.0)

    return rate


def up(step, steps, warmup):
    return (step + 1) / max(1, warmup)


def down(step, steps, decay):
    return (steps - step) / max(1, decay)


def look_at_rates(got, expected, _, steps, peak, warmup, decay):
    if not all(is_number(x) or (isinstance(x, torch.Tensor) and x.numel() == 1) for x in got):
        return "One number for each step, please. Is there a return on every way through the function?"
    got = [float(x) for x in got]
    if any(x != x or abs(x) == float("inf") for x in got):
        return "Not a number: warmup and decay may be 0, and then that phase does not exist."
    bad = [i for i, (a, b) in enumerate(zip(got, expected, strict=True)) if not same(a, b, 1e-5)]
    if max(got) > peak * 1.0001:
        return f"At step {got.index(max(got))} the rate is above the peak: nothing may exceed it."
    phase = "warm-up" if bad[0] < warmup else "decay" if bad[0] >= steps - decay else "flat part"
    return (
        f"The first that is off is step {bad[0]} of 0 to {steps - 1}, in the {phase}: {got[bad[0]]:g}, and it should "
        f"be {expected[bad[0]]:g}."
    )


LEARNING_RATE = Exercise(
    name="learning_rate",
    reference=learning_rate,
    examples=schedules,
    use=every_rate,
    explain=look_at_rates,
    advice={"division by zero": "warmup or decay may be 0. max(1, warmup) helps, or an if."},
    hints=(
        "Three candidates for the share of the peak: how far the warm-up has come, 1, and how much of the decay is "
        "left. Which of them counts at a step?",
        "The smallest. The warm-up has come (step + 1) / warmup far; of the decay (steps - step) / decay is left.",
        "return peak * min(1, (step + 1) / max(1, warmup), (steps - step) / max(1, decay))",
    ),
    mistakes=(
        Mistake(
            "At step 0 the rate is 0, so the first batch is read in vain. Begin at peak / warmup: (step + 1) / warmup.",
            scheduled(lambda s, n, w: s / w if w else 1, down),
        ),
        Mistake(
            "At the last step the rate is 0, so the last batch is read in vain. End at peak / decay: "
            "(steps - step) / decay.",
            scheduled(up, lambda s, n, d: (n - 1 - s) / d if d else 1),
        ),
        Mistake(
            "The first and the last rate are 0, so two batches are read in vain. Begin at peak / warmup, end at peak / "
            "decay.",
            scheduled(lambda s, n, w: s / w if w else 1, lambda s, n, d: (n - 1 - s) / d if d else 1),
        ),
        Mistake("It never falls: the last `decay` steps go down.", scheduled(up)),
        Mistake("It never rises: the first `warmup` steps go up.", scheduled(None, down)),
        Mistake("It is a share of the peak: multiply by peak.", scheduled(up, down, peaked=False)),
        Mistake("You took the largest of the three. The smallest counts.", scheduled(up, down, combine=max)),
        Mistake(
            "You decay over all steps. Only the last `decay` of them go down; before, the rate stays at the peak.",
            scheduled(up, lambda s, n, d: (n - s) / n),
        ),
        Mistake(
            "// is whole-number division: every share becomes 0 or 1. Use /.",
            scheduled(lambda s, n, w: (s + 1) // max(1, w), lambda s, n, d: (n - s) // max(1, d)),
        ),
        Mistake(
            "Your decay begins after step `decay`. It is how many steps go down, counted from the end: from step "
            "steps - decay on.",
            scheduled(up, lambda s, n, d: 1 if s < d or not d else (n - s) / max(1, n - d)),
        ),
        Mistake(
            "In the decay you multiply by how much of it is over, not by how much is left: it starts low and rises.",
            scheduled(up, lambda s, n, d: (s - (n - d) + 1) / d if d and s >= n - d else 1),
        ),
    ),
)


# clip_gradients


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
    """The norm that came back, and the gradients afterwards."""
    parameters = [nn.Parameter(torch.ones_like(g)) for g in grads]
    for p, g in zip(parameters, grads, strict=True):
        p.grad = g.clone()
    returned = answer(parameters, largest)
    return {"returned": returned, "gradients": [p.grad for p in parameters]}


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
    total = sum((g.double() ** 2).sum() for g in after).sqrt().item()
    return f"Afterwards all gradients together have norm {total:.4g}; it should be {min(norm, largest):g}."


CLIP_GRADIENTS = Exercise(
    name="clip_gradients",
    reference=clip_gradients,
    examples=gradients,
    use=use_clip,
    explain=look_at_clipped,
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
            "You scaled every gradient to norm 1, and `largest` was not asked.",
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


# train_loop


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


def lessons_of_a_line():
    one = torch.tensor([1.0]), torch.tensor([2.0])
    two = torch.tensor([2.0, 0.0]), torch.tensor([3.0, 1.0])
    yield "a line, slope and offset 0", "SGD", [one], [0.1], 100.0
    yield "a line, slope and offset 0", "SGD", [one, one], [0.1, 0.1], 100.0
    yield "a line, slope and offset 0", "SGD", [one, two, one], [0.1, 0.2, 0.01], 100.0
    yield "a line, slope and offset 0", "SGD", [one, two, one, two], [0.1, 0.2, 0.1, 0.05], 1.0
    yield "a line, slope and offset 0", "SGD", [two, one, two], [0.5, 0.2, 0.1], 0.5


def use_loop(answer, _, __, batches, rates, largest):
    model = Line()
    groups = [{"params": [model.slope]}, {"params": [model.offset]}]
    losses = answer(model, torch.optim.SGD(groups, lr=7.0), batches, rates, largest)
    if isinstance(losses, list | tuple) and any(isinstance(x, torch.Tensor) for x in losses):
        return "a list of tensors"
    return {"losses": losses, "slope": model.slope.item(), "offset": model.offset.item()}


def loop_that(*, zero="first", order="step last", clipped="between", rated="all", returned="losses", steps=1):
    """A training loop with something wrong in it."""

    def loop(model, optimizer, batches, rates, largest=1.0):
        losses, parameters = [], list(model.parameters())

        def set_rate(rate):
            groups = {"all": optimizer.param_groups, "first": optimizer.param_groups[:1]}.get(rated, [])
            if rated in ("late", "start"):
                groups = optimizer.param_groups
            for group in groups:
                group["lr"] = rate

        if rated == "start":
            set_rate(rates[0])
        for (inputs, targets), rate in zip(batches, rates, strict=True):
            if rated in ("all", "first"):
                set_rate(rate)
            loss = model.loss(inputs, targets)
            if zero == "first":
                optimizer.zero_grad()
            loss.backward()
            if zero == "after backward":
                optimizer.zero_grad(set_to_none=False)
            if clipped == "between":
                clip_gradients(parameters, largest)
            if clipped == "at 1":
                clip_gradients(parameters, 1.0)
            for _ in range(steps):
                optimizer.step()
            if rated == "late":
                set_rate(rate)
            losses.append(loss.item() if returned != "afterwards" else model.loss(inputs, targets).item())
        return {"last": losses[-1], "mean": sum(losses) / len(losses), "none": None}.get(returned, losses)

    return loop


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
        "NoneType": "a gradient that does not exist yet: backward() makes them. Clip after it.",
        "unsupported operand type(s) for ** or pow()": "p.grad is None before backward(). Clip after it.",
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
            loop_that(zero="never"),
        ),
        Mistake(
            "The weights never move. Is there an optimizer.step()? Or does zero_grad() stand between backward() and "
            "step(), and wipe the gradients out before they are used?",
            loop_that(steps=0),
        ),
        Mistake("Two steps for one batch.", loop_that(steps=2)),
        Mistake(
            "Nothing is clipped: clip_gradients(list(model.parameters()), largest) stands between backward() and "
            "step(). (A bare model.parameters() is used up after one pass.)",
            loop_that(clipped="never"),
        ),
        Mistake("You clip at 1, always; the limit is the argument `largest`.", loop_that(clipped="at 1")),
        Mistake(
            'The rate is never set: the optimizer still has its own. group["lr"] = rate for every group in '
            "optimizer.param_groups; optimizer.lr means nothing to it.",
            loop_that(rated="never"),
        ),
        Mistake(
            "The rate is set in the first group only. There may be several: loop over optimizer.param_groups.",
            loop_that(rated="first"),
        ),
        Mistake("Each rate comes a step too late: set it before step().", loop_that(rated="late")),
        Mistake("All batches were given the first rate. Each has its own.", loop_that(rated="start")),
        Mistake(
            "You measured each loss again after the step. Keep the one that you took the gradient of.",
            loop_that(returned="afterwards"),
        ),
        Mistake("Only the last loss came back; return the list of all.", loop_that(returned="last")),
        Mistake("That is the mean of the losses; return the list.", loop_that(returned="mean")),
    ),
)


# five_curves


def five_curves():
    return {
        "A": "no warm-up",
        "B": "dead gradients",
        "C": "rate too high",
        "D": "targets leaked",
        "E": "rate too low",
    }


SHOWS = {
    "rate too high": "the loss falls while the rate is still small, and climbs once it is large, for as long as it is",
    "rate too low": "the loss falls from step to step, but too slowly to get anywhere",
    "no warm-up": "the loss leaps above ln V within the first few steps, and comes back",
    "targets leaked": "the training loss is too good for any honest model, and the validation text knows nothing of it",
    "dead gradients": "nothing changes at all: the validation loss is the same number each time",
    "gradients added up": "each step repeats all earlier ones, so the loss swings from early on and settles nowhere",
    "learned by heart": "training goes on falling while validation turns and rises; for that a text must be read often",
}


def look_at_diagnoses(got, expected):
    if not isinstance(got, dict) or set(got) != set(expected):
        return 'Give back a dict with the keys "A" to "E".'
    unknown = [name for name in got.values() if name not in DIAGNOSES]
    if unknown:
        return f"{unknown[0]!r} is none of the diagnoses; they are: {', '.join(DIAGNOSES)}."
    right = sum(got[patient] == expected[patient] for patient in expected)
    patient = next(p for p in expected if got[p] != expected[p])
    return f"{right} of 5 are right. {patient}: with {got[patient]!r} {SHOWS[got[patient]]}. Look again."


FIVE_CURVES = Exercise(
    name="five_curves",
    reference=five_curves,
    examples=lambda: [()],
    choice=True,
    explain=look_at_diagnoses,
    why="Where it begins, whether it moves, when it turns, what validation says.",
    hints=(
        "Begin with the table of validation losses. In whom does not a single digit change? In whom is training far "
        "better than validation?",
        "Of the three others, one is on a good way and slow. Two went above ln V: one in its first steps, one later, "
        "when the rate had grown.",
        "A leaps at once and comes back; C falls first, then climbs. What did the rate do in the first steps of each?",
    ),
    mistakes=(
        Mistake(
            "3 of 5 are right. A and C are swapped: a warm-up delays the harm of a high rate. Who suffered at once?",
            lambda: {**five_curves(), "A": "rate too high", "C": "no warm-up"},
        ),
        Mistake(
            "3 of 5 are right. B and E are swapped: one of them moves, if only a little. Look at their last digits.",
            lambda: {**five_curves(), "B": "rate too low", "E": "dead gradients"},
        ),
        Mistake(
            "4 of 5 are right. D's steps are too few to learn anything by heart: each text was read once at most. And "
            "how could it reach that by honest means?",
            lambda: {**five_curves(), "D": "learned by heart"},
        ),
    ),
)

EXERCISES = (GET_BATCH, ADAMW_STEP, LEARNING_RATE, CLIP_GRADIENTS, TRAIN_LOOP, FIVE_CURVES)
