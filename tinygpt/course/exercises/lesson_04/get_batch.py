"""Exercise get_batch of lesson 04: the answer, what it is tried on, and what people get wrong."""

from dataclasses import dataclass

import numpy as np
import torch

from tinygpt.course.comparing import same
from tinygpt.course.judging import Exercise


def get_batch(ids, B, T):
    starts = torch.randint(len(ids) - T, (B,))  # (B,)
    windows = np.stack([ids[s : s + T + 1] for s in starts.tolist()])  # (B, T + 1)
    windows = torch.from_numpy(windows.astype(np.int64))
    return windows[:, :-1], windows[:, 1:]


ALWAYS_THE_SAME = "every batch is the same"
DRAWS = 100  # batches: a window that never comes in so many is one that can't come


@dataclass(frozen=True)
class LongFile:
    """Stands for a file that no memory can hold, where the arguments are shown."""

    n_tokens: int

    def __repr__(self):
        return f"a file of {self.n_tokens:,} tokens"

    def ids(self):
        """All are 7, in two bytes together: only what is made of them needs room."""
        return np.lib.stride_tricks.as_strided(np.array([7], dtype=np.uint16), (self.n_tokens,), (0,))


def streams():
    yield np.arange(10, 16, dtype=np.uint16), 1, 2
    yield np.array([10, 11, 12, 13], dtype=np.uint16), 1, 2
    yield np.array([7, 3, 9, 4, 8, 1], dtype=np.uint16), 4, 3
    yield np.arange(500, dtype=np.uint16), 6, 4
    yield LongFile(2**50), 2, 3


def use_get_batch(answer, ids, B, T):
    """Which windows come, each as (inputs, targets); of a long stream, how they are drawn. Or what is wrong."""
    if isinstance(ids, LongFile):
        return what_is_wrong(answer(ids.ids(), B, T), B, T)
    torch.manual_seed(0)
    drawn = [answer(ids, B, T) for _ in range(DRAWS)]
    for batch in drawn:
        if problem := what_is_wrong(batch, B, T):
            return problem
    if all_the_same(drawn) and all_the_same([answer(np.arange(500, dtype=np.uint16), 6, 4) for _ in range(5)]):
        return ALWAYS_THE_SAME  # and not because a short stream has one window that it can draw
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
        "distance of row 1 from row 0": one_distance([int(starts[1] - starts[0]) for starts in first]),
    }


def one_distance(distances):
    """The usual distance where there are few; independent draws hardly ever repeat one."""
    return max(set(distances), key=distances.count) if len(set(distances)) < len(distances) / 2 else "any"


def all_the_same(batches):
    return all(same(list(batch), list(batches[0]), 0.0) for batch in batches)


def what_is_wrong(batch, B, T):
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        return f"not a pair (inputs, targets) but {type(batch).__name__}"
    for name, part in zip(("inputs", "targets"), batch, strict=True):
        if not isinstance(part, torch.Tensor):
            return f"{name} of type {type(part).__name__}, not a tensor"
        if part.ndim == 2 and part.shape[1] == T and len(part) != B:
            return f"{name} of {len(part)} rows, not B = {B}"
        if part.shape != (B, T):
            return f"{name} of shape {tuple(part.shape)}, not {(B, T)}"
        if part.dtype != torch.long:
            return f"{name} of {part.dtype}, not torch.int64"
    return None


def look_at_windows(got, expected, ids, B, T):
    if isinstance(got, str):
        return told_problem(got, B, T)
    if isinstance(got, dict):
        distance = got["distance of row 1 from row 0"]
        if distance == 0:
            return "All rows of a batch are the same window. Draw B starts, one for each row."
        if distance != "any":
            return (
                f"Row 1 begins {distance} after row 0, batch after batch: one draw for all rows. Neighbouring windows "
                "tell the same story. Each row has a draw of its own: torch.randint(n, (B,)) makes B of them."
            )
        return "Draw with torch.randint: what other generators draw does not repeat after torch.manual_seed."
    for inputs, targets in got:
        if inputs == targets:
            return "The targets are the inputs: a model would learn to copy what it has just read. Shift them by one."
        if inputs[1:] != targets[:-1]:
            if inputs[:-1] == targets[1:]:
                return "The targets are one place before the inputs, not after: inputs are [:-1], targets [1:]."
            return f"The targets {list(targets)} do not follow {list(inputs)}: one place further, in the same window."
    foreign = [window for window in got if window not in expected]
    if foreign:
        return f"{foreign[0]} is no piece of the stream."
    n = len(ids) - T  # windows
    came = [s for s in range(n) if (tuple(ids[s : s + T].tolist()), tuple(ids[s + 1 : s + T + 1].tolist())) in got]
    if len(came) > 1 and all(s % T == 0 for s in came):
        return f"Windows came only from starts {came}: the multiples of T = {T}. Any start fits, from 0 to {n - 1}."
    which = "the last" if came == list(range(n - 1)) else "some"
    return (
        f"In {DRAWS} batches {which} of the windows that fit never came. {len(ids)} tokens hold {n} windows "
        f"of {T} + 1: their starts are 0 to {n - 1}, and torch.randint(n, ...) draws 0 to n - 1."
    )


def told_problem(problem, B, T):
    if problem == ALWAYS_THE_SAME:
        return (
            f"All of {DRAWS} batches are the same. Is nothing drawn, or does torch.manual_seed stand inside? That "
            "begins the same dice anew in each call: seed outside, draw inside."
        )
    if "rows" in problem:
        return (
            "Each row has a start of its own, B of them. torch.randperm draws without putting back, so it has no more "
            "than there are windows; torch.randint(n, (B,)) may draw one twice."
        )
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
        "allocate": "something was made that is as long as the whole file, and here it fits into no memory. Draw the "
        "starts, cut the windows out of `ids`, and make int64 of these alone.",
        "out of bounds": "a start from which no whole window fits. Which is the last start that does?",
        "equal size": "the windows are not equally long: one of them begins too near to the end.",
        "must have the same shape": "the windows are not equally long: one of them begins too near to the end.",
        "expanded size": "the windows are not equally long: one of them begins too near to the end.",
        "random_ expects 'from' to be less than 'to'": "randint was given an end of 0 or less: nothing to draw. B "
        "windows need no room for B · T tokens in a row: each has a start of its own, and two may overlap.",
        "is invalid for input of size": "view and reshape want exactly as many numbers as the new shape has. A window "
        "of T + 1 for each row, from a start of its own, needs no cutting up.",
        "numpy.uint16": "torch does little with uint16. Make int64 of the windows, with astype(np.int64) or .long().",
        "UInt16": "torch does little with uint16. Make int64 of the windows, with astype(np.int64) or .long().",
    },
    hints=(
        "A window is ids[s : s + T + 1]. From which starts s does a whole window fit? Try it with 4 tokens and T = 2.",
        "torch.randint(len(ids) - T, (B,)) draws B starts. Stack the windows, make int64 of them, and cut: all but the "
        "last, all but the first.",
        "windows = torch.stack([torch.from_numpy(ids[s : s + T + 1].astype(np.int64)) for s in starts.tolist()])",
    ),
)
