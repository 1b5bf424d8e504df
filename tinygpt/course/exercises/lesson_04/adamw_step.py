"""Exercise adamw_step of lesson 04: the answer, what it is tried on, and what people get wrong."""

import torch

from tinygpt.course.comparing import same
from tinygpt.course.judging import Exercise, Mistake


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
    *, decayed="first", corrected=(1, 2), power=lambda beta, t: beta**t, swapped=False, new_m=1.0, square=True,
    root=True, sign=-1, eps_under=False, along="m", hands_on="plain", stale=False,
):  # fmt: skip
    """An AdamW step with something wrong in it. corrected: by which of the betas m and v are, 1 or 2, or 0 for none."""

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
        shares = 1, 1 - power(beta1, t), 1 - power(beta2, t)
        m_hat, v_hat = m_hat / shares[corrected[0]], v_hat / shares[corrected[1]]
        if along == "gradient":
            m_hat = gradient
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
    if any(x.isnan().any() for x in got):
        zero = "Where gradient, m and v are 0 that is 0 / 0. There eps helps: divide by √v + eps."
        none = (
            "There are nan: a division of 0 by 0, or the root of a negative number? 1 - beta**0 is 0, and t is never 0."
        )
        return zero if (gradient == 0).any() else none
    if rest:
        return (
            "With the usual beta1, beta2, eps and decay all was right; here they are "
            f"{', '.join(f'{x:g}' for x in rest)}. Does one of them stand in your code as a fixed number?"
        )
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
    forbidden=("Adam", "AdamW", "adam", "adamw"),
    hints=(
        "Do the worked example on paper first. Four lines of code: m, v, their corrected copies, the weights.",
        "The corrected copies: m / (1 - beta1**t) and v / (1 - beta2**t). Give back m and v without the correction.",
        "weights = weights - lr * decay * weights; then weights - lr * m_hat / (v_hat.sqrt() + eps)",
    ),
    mistakes=(
        Mistake(
            "m and v start at 0, so at first they are far too small, v more than m. Divide copies of them by what they "
            "have taken in so far, 1 - beta**t.",
            variant(corrected=(0, 0)),
        ),
        Mistake("m is corrected, v is not: it starts at 0 too.", variant(corrected=(1, 0))),
        Mistake("v is corrected, m is not: it starts at 0 too.", variant(corrected=(0, 2))),
        Mistake("v is corrected with beta1. It forgets by beta2: divide by 1 - beta2**t.", variant(corrected=(1, 1))),
        Mistake("m is corrected with beta2. It forgets by beta1: divide by 1 - beta1**t.", variant(corrected=(2, 2))),
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
            "You step along this one gradient. The step goes along m, the average: m / (√v + eps).",
            variant(along="gradient"),
        ),
        Mistake(
            "The step used the old m and v. First take the gradient in, then step with the new ones.",
            variant(stale=True),
        ),
    ),
)
