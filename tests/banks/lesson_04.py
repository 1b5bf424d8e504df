"""Answers that people give to the exercises of lesson 04: right ones in several styles, and wrong ones."""

import math
import random

import numpy as np
import torch

from tinygpt.course.exercises.lesson_04.clip_gradients import clip_gradients
from tinygpt.course.exercises.lesson_04.five_curves import five_curves
from tinygpt.course.exercises.lesson_04.train_loop import loop_that

# get_batch


def batch_by_lists(ids, B, T):
    inputs, targets = [], []
    for _ in range(B):
        s = torch.randint(0, len(ids) - T, ()).item()
        window = ids[s : s + T + 1].tolist()
        inputs.append(window[:-1])
        targets.append(window[1:])
    return torch.tensor(inputs), torch.tensor(targets)


def batch_by_two_slices(ids, B, T):
    starts = torch.randint(len(ids) - T, (B,))
    x = torch.stack([torch.from_numpy(ids[i : i + T].astype(np.int64)) for i in starts])
    y = torch.stack([torch.from_numpy(ids[i + 1 : i + 1 + T].astype(np.int64)) for i in starts])
    return x, y


def batch_by_index(ids, B, T):
    places = torch.randint(len(ids) - T, (B, 1)) + torch.arange(T + 1)
    windows = torch.from_numpy(ids[places.numpy()].astype("int64"))
    return [windows[:, :-1], windows[:, 1:]]


def batch_by_views(ids, B, T):
    """The windows are views of the file until they are drawn."""
    windows = np.lib.stride_tricks.sliding_window_view(ids, T + 1)
    drawn = torch.tensor(windows[torch.randint(len(windows), (B,)).numpy()], dtype=torch.long)
    return drawn[:, :T], drawn[:, 1:]


def batch_by_torch(ids, B, T):
    ids = torch.from_numpy(ids)  # no copy
    starts = torch.randint(high=len(ids) - T, size=(B,)).sort().values
    return tuple(torch.stack([ids[s + shift : s + shift + T].long() for s in starts]) for shift in (0, 1))


def batch_of_a_long_tensor(ids, B, T):
    ids = torch.from_numpy(ids).long()
    starts = torch.randint(high=len(ids) - T, size=(B,))
    return tuple(torch.stack([ids[s + shift : s + shift + T] for s in starts]) for shift in (0, 1))


def batch_by_unfold(ids, B, T):
    windows = torch.from_numpy(ids.astype(np.int64)).unfold(0, T + 1, 1)
    windows = windows[torch.randint(len(windows), (B,))]
    return windows[:, :T], windows[:, 1:]


def batch_from(starts_of, first=0, second=1, kind=np.int64):
    def get(ids, B, T):
        windows = [ids[s + np.arange(-3, T + 4).clip(-s, len(ids) - 1 - s)] for s in starts_of(ids, B, T)]
        windows = torch.from_numpy(np.stack(windows).astype(kind))
        return windows[:, 3 + first : 3 + first + T], windows[:, 3 + second : 3 + second + T]

    return get


def randint(ids, B, T):
    return torch.randint(len(ids) - T, (B,)).tolist()


def in_a_row(ids, B, T):
    """One start; each row begins where the one before ends, round and round."""
    start = torch.randint(len(ids) - T, ()).item()
    return [(start + row * T) % (len(ids) - T) for row in range(B)]


def batch_too_far(ids, B, T):
    starts = torch.randint(len(ids) - T + 1, (B,))
    windows = torch.stack([torch.from_numpy(ids[s : s + T + 1].astype(np.int64)) for s in starts])
    return windows[:, :-1], windows[:, 1:]


def batch_of_windows(ids, B, T):
    windows = torch.from_numpy(np.stack([ids[s : s + T + 1] for s in randint(ids, B, T)]).astype(np.int64))
    return windows, windows


def batch_one_row(ids, B, T):
    x, y = batch_by_lists(ids, 1, T)
    return x[0], y[0]


def batch_same_rows(ids, B, T):
    x, y = batch_by_lists(ids, 1, T)
    return x.repeat(B, 1), y.repeat(B, 1)


def batch_with_ends_swapped(ids, B, T):
    x, y = batch_by_lists(ids, B, T)
    return y, x


def batch_seeded_inside(ids, B, T):
    torch.manual_seed(0)
    return batch_by_lists(ids, B, T)


def batch_by_randperm(ids, B, T):
    starts = torch.randperm(len(ids) - T)[:B]
    windows = torch.from_numpy(np.stack([ids[s : s + T + 1] for s in starts.tolist()]).astype(np.int64))
    return windows[:, :-1], windows[:, 1:]


def batch_of_one_long_piece(ids, B, T):
    s = torch.randint(len(ids) - B * T, ()).item()
    piece = torch.from_numpy(ids[s : s + B * T + 1].astype(np.int64))
    return piece[:-1].view(B, T), piece[1:].view(B, T)


def batch_of_one_piece_cut_off(ids, B, T):
    s = torch.randint(len(ids) - T, ()).item()
    piece = torch.from_numpy(ids[s : s + B * T + 1].astype(np.int64))
    return piece[:-1].view(B, T), piece[1:].view(B, T)


def batch_uint16(ids, B, T):
    windows = torch.from_numpy(np.stack([ids[s : s + T + 1] for s in randint(ids, B, T)]))
    return windows[:, :-1], windows[:, 1:]


def batch_stacked_beyond(ids, B, T):
    ids = torch.from_numpy(ids.astype(np.int64))
    places = torch.randint(len(ids), (B, 1)) + torch.arange(T + 1)
    return ids[places][:, :-1], ids[places][:, 1:]


# adamw_step


def step_with_mul(weights, gradient, m, v, t, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.1):
    m = m.lerp(gradient, 1 - beta1)
    v = v.mul(beta2).addcmul(gradient, gradient, value=1 - beta2)
    step_size = lr / (1 - beta1**t)
    denominator = v.sqrt() / math.sqrt(1 - beta2**t) + eps
    return weights.mul(1 - lr * decay).addcdiv(m, denominator, value=-step_size), m, v


def step_in_one_line(weights, gradient, m, v, t, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.1):
    m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient.square()
    move = (m / (1 - beta1**t)) / ((v / (1 - beta2**t)) ** 0.5 + eps) + decay * weights
    return [weights - lr * move, m, v]


def step_on_copies(weights, gradient, m, v, t, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.1):
    weights, m, v = weights.clone(), m.clone(), v.clone()
    m *= beta1
    m += (1 - beta1) * gradient
    v *= beta2
    v += (1 - beta2) * gradient * gradient
    weights *= 1 - lr * decay
    weights -= lr * (m / (1 - beta1**t)) / (torch.sqrt(v / (1 - beta2**t)) + eps)
    return weights, m, v


def step_by_torch(weights, gradient, m, v, t, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.1):
    p = torch.nn.Parameter(weights.clone())
    p.grad = gradient.clone()
    optimizer = torch.optim.AdamW([p], lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=decay, foreach=False)
    state = {"step": torch.tensor(t - 1.0), "exp_avg": m.clone(), "exp_avg_sq": v.clone()}
    optimizer.state[p] = state
    optimizer.step()
    return p.detach(), state["exp_avg"], state["exp_avg_sq"]


def step_by_loop(weights, gradient, m, v, t, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.1):
    out = [torch.empty_like(weights) for _ in range(3)]
    for i, (w, g, a, b) in enumerate(zip(*(x.flatten().tolist() for x in (weights, gradient, m, v)), strict=True)):
        a, b = beta1 * a + (1 - beta1) * g, beta2 * b + (1 - beta2) * g * g
        w -= lr * decay * w
        w -= lr * (a / (1 - beta1**t)) / (math.sqrt(b / (1 - beta2**t)) + eps)
        for tensor, value in zip(out, (w, a, b), strict=True):
            tensor.view(-1)[i] = value
    return tuple(out)


def step_in_place(weights, gradient, m, v, t, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.1):
    w, a, b = step_on_copies(weights, gradient, m, v, t, lr, beta1, beta2, eps, decay)
    return weights.copy_(w), m.copy_(a), v.copy_(b)


def reordered(step):
    def other(*arguments):
        w, m, v = step(*arguments)
        return m, v, w

    return other


def step_with_constants(weights, gradient, m, v, t, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.1):
    return step_on_copies(weights, gradient, m, v, t, lr, 0.9, 0.99, 1e-8, 0.1)


def step_with_constant_betas(weights, gradient, m, v, t, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.1):
    return step_on_copies(weights, gradient, m, v, t, lr, 0.9, 0.99, eps, decay)


def step_without_eps(weights, gradient, m, v, t, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.1):
    return step_on_copies(weights, gradient, m, v, t, lr, beta1, beta2, 0.0, decay)


def step_counted_from_zero(weights, gradient, m, v, t, *rest):
    return step_on_copies(weights, gradient, m, v, torch.tensor(t - 1.0), *rest)


def step_along_the_gradient(weights, gradient, m, v, t, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.1):
    _, m, v = step_on_copies(weights, gradient, m, v, t, lr, beta1, beta2, eps, decay)
    return weights * (1 - lr * decay) - lr * gradient / ((v / (1 - beta2**t)).sqrt() + eps), m, v


def step_of_the_sign(weights, gradient, m, v, t, lr, *rest):
    _, m, v = step_on_copies(weights, gradient, m, v, t, lr, *rest)
    return weights - lr * gradient.sign(), m, v


# learning_rate


def rate_with_ifs(step, steps, peak, warmup, decay):
    if step < warmup:
        return peak * (step + 1) / warmup
    if step >= steps - decay:
        return peak * (steps - step) / decay
    return peak


def rate_with_torch(step, steps, peak, warmup, decay):
    share = torch.tensor(1.0)
    if warmup > 0:
        share = torch.minimum(share, torch.tensor((step + 1) / warmup))
    if decay > 0:
        share = torch.minimum(share, torch.tensor((steps - step) / decay))
    return peak * share


def rate_by_list(step, steps, peak, warmup, decay):
    rises = [peak * (i + 1) / warmup for i in range(warmup)]
    falls = [peak * (decay - i) / decay for i in range(decay)]
    return (rises + [peak] * (steps - warmup - decay) + falls)[step]


def rate_by_interp(step, steps, peak, warmup, decay):
    return (
        peak * float(np.interp(step, [-1, warmup - 1, steps - decay, steps], [0, 1, 1, 0]))
        if warmup and decay
        else (rate_with_ifs(step, steps, peak, warmup, decay))
    )


def rate_by_counting_from_one(step, steps, peak, warmup, decay):
    n = step + 1
    left = steps - n + 1
    return peak * min(n / warmup if warmup else 1, 1, left / decay if decay else 1)


def rate_without_flat(step, steps, peak, warmup, decay):
    if step < warmup:
        return peak * (step + 1) / warmup
    if step >= steps - decay:
        return peak * (steps - step) / decay


def rate_without_peak_in_the_slopes(step, steps, peak, warmup, decay):
    rate = rate_with_ifs(step, steps, 1, warmup, decay)
    return rate if rate < 1 else peak


def rate_overshooting(step, steps, peak, warmup, decay):
    if step >= steps - decay:
        return peak * (steps - step) / decay
    return peak * (step + 1) / max(1, warmup)


def rate_late(step, steps, peak, warmup, decay):
    if step > steps - decay:
        return peak * (steps - step - 1) / decay
    return rate_with_ifs(step, steps, peak, warmup, 0)


def rate_cosine(step, steps, peak, warmup, decay):
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * done))


# clip_gradients


def clip_by_torch(parameters, largest):
    return torch.nn.utils.clip_grad_norm_(parameters, largest)


def clip_by_one_vector(parameters, largest):
    norm = torch.cat([p.grad.flatten() for p in parameters]).norm()
    scale = min(1.0, largest / norm) if norm > 0 else 1.0
    for p in parameters:
        p.grad.mul_(scale)
    return norm


def clip_by_norm_of_norms(parameters, largest):
    norm = torch.stack([p.grad.norm() for p in parameters]).norm().item()
    if norm <= largest:
        return norm
    for p in parameters:
        p.grad = p.grad * (largest / norm)
    return norm


def clip_by_loops(parameters, largest):
    total = 0.0
    for p in parameters:
        for g in p.grad.flatten().tolist():
            total += g * g
    norm = math.sqrt(total)
    for p in parameters:
        p.grad /= max(1.0, norm / largest)
    return norm


def clip_with_data(parameters, largest):
    norm = float(np.sqrt(sum(float((p.grad.data**2).sum()) for p in parameters)))
    coefficient = largest / (norm + 1e-8)
    if coefficient < 1:
        for p in parameters:
            p.grad.data.mul_(coefficient)
    return norm


def clip_without_return(parameters, largest):
    clip_by_one_vector(parameters, largest)


def clip_weights(parameters, largest):
    norm = clip_by_one_vector(parameters, math.inf)
    for p in parameters:
        p *= largest / norm
    return norm


def clip_the_data_of_weights(parameters, largest):
    norm = clip_by_one_vector(parameters, math.inf)
    for p in parameters:
        p.data *= min(1.0, largest / norm)
    return norm


def clip_one_by_one(parameters, largest):
    return sum(torch.nn.utils.clip_grad_norm_([p], largest) for p in parameters)


def clip_rebinding(parameters, largest):
    norm = clip_by_one_vector(parameters, math.inf)
    for p in parameters:
        g = p.grad
        g = g * min(1.0, largest / norm)
    return norm


def clip_by_largest_entry(parameters, largest):
    norm = max(p.grad.abs().max() for p in parameters)
    for p in parameters:
        p.grad *= min(1.0, largest / norm) if norm > 0 else 1
    return norm


def clip_returning_gradients(parameters, largest):
    clip_by_one_vector(parameters, largest)
    return [p.grad for p in parameters]


def clip_dividing_always(parameters, largest):
    norm = torch.cat([p.grad.flatten() for p in parameters]).norm()
    for p in parameters:
        p.grad *= torch.minimum(torch.tensor(1.0), (largest * p.grad.norm() / norm) / p.grad.norm())
    return norm


def clip_to_none(parameters, largest):
    norm = clip_by_one_vector(parameters, largest)
    for p in parameters:
        p.grad = None
    return norm


# train_loop


def loop_rate_before_step(model, optimizer, batches, rates, largest=1.0):
    losses = []
    for step, (x, y) in enumerate(batches):
        optimizer.zero_grad(set_to_none=True)
        loss = model.loss(x, y)
        loss.backward()
        clip_gradients([p for p in model.parameters()], largest)
        for i in range(len(optimizer.param_groups)):
            optimizer.param_groups[i].update(lr=rates[step])
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def loop_zero_by_model(model, optimizer, batches, rates, largest=1.0):
    def one(batch, rate):
        [g.__setitem__("lr", rate) for g in optimizer.param_groups]
        model.zero_grad()
        loss = model.loss(*batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), largest)
        optimizer.step()
        return loss.detach().item()

    return [one(batch, rate) for batch, rate in zip(batches, rates, strict=True)]


def loop_zero_at_both_ends(model, optimizer, *arguments):
    """As many write it: zero_grad() at the end, and once before the first step."""
    model.train()
    optimizer.zero_grad()
    return loop_that("rate loss backward clip step zero keep")(model, optimizer, *arguments)


def loop_tuple(*arguments):
    return tuple(loop_rate_before_step(*arguments))


def loop_with_a_new_optimizer(model, optimizer, *arguments):
    return loop_that()(model, torch.optim.AdamW(model.parameters()), *arguments)


def loop_calling_the_model(model, optimizer, batches, rates, largest=1.0):
    return [model(x, y).item() for x, y in batches]


def loop_first_batch_only(model, optimizer, batches, rates, largest=1.0):
    return loop_that()(model, optimizer, batches[:1], rates[:1], largest)


def loop_no_grad(*arguments):
    with torch.no_grad():
        return loop_that()(*arguments)


def loop_loss_item_backward(model, optimizer, batches, rates, largest=1.0):
    return [model.loss(x, y).item().backward() for x, y in batches]


def loop_no_last_step(model, optimizer, batches, rates, largest=1.0):
    losses = loop_that()(model, optimizer, batches[:-1], rates[:-1], largest)
    return [*losses, model.loss(*batches[-1]).item()]


RIGHT = {
    "get_batch": [
        batch_by_lists,
        batch_by_two_slices,
        batch_by_index,
        batch_by_views,
        batch_by_torch,
        batch_from(randint),
    ],
    "adamw_step": [step_with_mul, step_in_one_line, step_on_copies, step_by_loop],
    "learning_rate": [rate_with_ifs, rate_with_torch, rate_by_list, rate_by_interp, rate_by_counting_from_one],
    "clip_gradients": [clip_by_one_vector, clip_by_norm_of_norms, clip_by_loops, clip_with_data],
    "train_loop": [
        loop_rate_before_step,
        loop_zero_by_model,
        loop_zero_at_both_ends,
        loop_tuple,
        loop_that("loss zero backward rate clip step keep"),
        loop_that("zero rate loss keep backward clip step"),
    ],
    "five_curves": [
        five_curves,
        lambda: dict(reversed(five_curves().items())),
        lambda: {letter.lower(): f" {name.capitalize()} " for letter, name in five_curves().items()},
    ],
}

WRONG = {
    "get_batch": [
        (batch_from(randint, 0, 0), "The targets are the inputs"),
        (batch_from(randint, 0, 2), "do not follow"),
        (batch_from(randint, 1, 2), "is no piece of the stream"),
        (batch_with_ends_swapped, "not after"),
        (batch_from(lambda ids, B, T: torch.randint(len(ids) - T - 1, (B,)).tolist()), "the last of the windows"),
        (batch_from(lambda ids, B, T: torch.randint(1, len(ids) - T, (B,)).tolist()), "some of the windows"),
        (batch_from(lambda ids, B, T: list(range(B))), "Is nothing drawn"),
        (batch_from(lambda ids, B, T: [random.randrange(len(ids) - T) for _ in range(B)]), "Draw with torch.randint"),
        (batch_from(lambda ids, B, T: np.random.randint(0, len(ids) - T, B)), "Draw with torch.randint"),
        (batch_from(randint, kind=np.int32), "torch.int64"),
        (batch_from(randint, kind=np.float32), "torch.int64"),
        (batch_uint16, "torch.int64"),
        (batch_seeded_inside, "seed outside, draw inside"),
        (batch_by_randperm, "draws without putting back"),
        (batch_of_one_long_piece, "need no room for B · T tokens"),
        (batch_of_one_piece_cut_off, "needs no cutting up"),
        (batch_of_a_long_tensor, "as long as the whole file"),
        (batch_by_unfold, "as long as the whole file"),
        (lambda ids, B, T: batch_by_lists(np.array(ids), B, T), "as long as the whole file"),
        (batch_from(in_a_row), "one draw for all rows"),
        (batch_from(lambda ids, B, T: sorted(in_a_row(ids, B, T))), "one draw for all rows"),
        (batch_from(lambda ids, B, T: (torch.randint((len(ids) - 1) // T, (B,)) * T).tolist()), "multiples of T = 2"),
        (batch_too_far, "began too near to the end"),
        (batch_stacked_beyond, "from which no whole window fits"),
        (batch_of_windows, "inputs are all but the last"),
        (batch_one_row, "of shape (2,)"),
        (batch_same_rows, "All rows of a batch are the same"),
        (lambda ids, B, T: batch_by_lists(ids, B, T)[0], "Give back two tensors"),
        (lambda ids, B, T: None, "Give back two tensors"),
        (lambda ids, B, T: tuple(x.numpy() for x in batch_by_lists(ids, B, T)), "Tensors, please"),
    ],
    "adamw_step": [
        (step_in_place, "in place"),
        (step_by_torch, "torch's own AdamW has made them"),
        (reordered(step_on_copies), "in another order"),
        (step_with_constants, "as a fixed number"),
        (step_with_constant_betas, "as a fixed number"),
        (step_without_eps, "There eps helps"),
        (step_counted_from_zero, "1 - beta**0 is 0"),
        (step_along_the_gradient, "The step goes along m"),
        (step_of_the_sign, "do not decay"),
        (lambda w, g, m, v, t, lr, *rest: (w, m, v), "unchanged"),
        (lambda w, g, m, v, t, lr, *rest: w - lr * g, "Give back three tensors"),
        (
            lambda w, g, m, v, t, lr, *rest: (w - lr * g, 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2),
            "the weights are not",
        ),
        (
            lambda w, g, m, v, t, lr, *rest: (w * 0.99, 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2),
            "First take the gradient in",
        ),
        (lambda w, g, m, v, t, lr, *rest: (w, 0.1 * m + 0.9 * g, v), "Begin with m"),
        (lambda w, g, m, v, t, lr, *rest: None, "Give back three tensors"),
        (lambda w, g, m, v, t, lr, *rest: (w.sum(), m, v), "weights' shape"),
        (lambda w, g, m, v, t, lr, *rest: (w.tolist(), m, v), "have to be tensors"),
    ],
    "learning_rate": [
        (rate_without_flat, "return on every way"),
        (
            lambda step, steps, peak, warmup, decay: [
                rate_with_ifs(i, steps, peak, warmup, decay) for i in range(steps)
            ],
            "Several numbers came back",
        ),
        (lambda step, steps, peak, warmup, decay: peak * step, "(each step from 0 to 9, 10,"),
        (rate_without_peak_in_the_slopes, "Multiply it by peak, 3"),
        (lambda step, steps, peak, warmup, decay: rate_with_ifs(step, steps, 1, warmup, decay), "share of the peak"),
        (rate_overshooting, "above the peak"),
        (rate_late, "in the decay"),
        (rate_cosine, "should be"),
        (lambda step, steps, peak, warmup, decay: peak, "in the warm-up"),
        (lambda step, steps, peak, warmup, decay: peak * min(1, (step + 1) / warmup), "never falls"),
        (lambda step, steps, peak, warmup, decay: min(1, (step + 1) / warmup, (steps - step) / decay) * peak, "max(1"),
        (lambda step, steps, peak, warmup, decay: None, "One number for each step"),
        (lambda step, steps, peak, warmup, decay: 0.0, "first that is off is step 0"),
        (lambda step, steps, peak, warmup, decay: [peak] * steps, "Several numbers came back"),
        (lambda step, steps, peak, warmup, decay: peak * (1 - step / steps), "off"),
    ],
    "clip_gradients": [
        (clip_by_torch, "torch's own clip_grad_norm_ has made them"),
        (clip_without_return, "Give back the norm"),
        (clip_weights, "p.grad that has to be scaled"),
        (clip_the_data_of_weights, "You changed the weights"),
        (clip_one_by_one, "Each was brought to the limit by itself"),
        (clip_rebinding, "as they were"),
        (clip_by_largest_entry, "have norm"),
        (clip_returning_gradients, "one number, the norm"),
        (clip_dividing_always, "0 / 0"),
        (clip_to_none, "The gradients are gone"),
        (lambda parameters, largest: sum((p.grad**2).sum() for p in parameters).sqrt(), "as they were"),
        (lambda parameters, largest: parameters.grad.norm(), "stopped with AttributeError"),
        (lambda parameters, largest: None, "as they were"),
    ],
    "train_loop": [
        (loop_that("rate loss backward zero clip step keep"), "zero_grad() first, then backward()"),
        (
            loop_that(
                "rate loss backward zero clip step keep", zero=lambda now: now.optimizer.zero_grad(set_to_none=False)
            ),
            "wipe the gradients out",
        ),
        (loop_that("rate loss zero clip backward step keep"), "backward() makes them"),
        (loop_that("rate loss zero backward step clip keep"), "after the step it is too late"),
        (
            loop_that(clip=lambda now: clip_gradients(now.model.parameters(), now.largest)),
            "used up after one pass",
        ),
        (loop_that(rate=lambda now: setattr(now.optimizer, "lr", now.rate)), "The rate is never set"),
        (loop_that(keep=lambda now: now.losses.append(now.loss)), "memory fills up"),
        (loop_that(returned=lambda losses: None), "return the list"),
        (loop_that("rate loss backward clip step zero keep"), "too late for the first batch"),
        (loop_with_a_new_optimizer, "not of a new one"),
        (loop_calling_the_model, "The loss is model.loss"),
        (loop_first_batch_only, "2 batches, 1 losses"),
        (loop_no_grad, "cut the thread"),
        (loop_loss_item_backward, "stopped with AttributeError"),
        (loop_no_last_step, "step"),
        (lambda *arguments: [0.0] * len(arguments[2]), "first loss is off"),
        (
            lambda model, optimizer, batches, rates, largest=1.0: [model.loss(x, y) for x, y in batches],
            "memory fills up",
        ),
    ],
    "five_curves": [
        (lambda: "A", "dict with the keys"),
        (lambda: None, "dict with the keys"),
        (lambda: {**five_curves(), "C": "explodes"}, "none of the diagnoses"),
        (lambda: {**five_curves(), "C": "gradients added up"}, "then stays until the rate falls"),
        (lambda: {**five_curves(), "C": None}, "none of the diagnoses"),
        (lambda: {**five_curves(), "D": "Learned by heart"}, "D drew fresh windows"),
        (lambda: {**five_curves(), "E": "dead gradients"}, "4 of 5 are right. E"),
        (lambda: {letter: "rate too high" for letter in "ABCDE"}, "1 of 5 are right. A"),
        (lambda: {letter: five_curves()[letter] for letter in "ABC"}, "dict with the keys"),
    ],
}
