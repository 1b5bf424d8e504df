"""Exercise rank_heads of lesson 07: how an answer is tried, and what is said of it."""

import numpy as np
import torch

from tinygpt.course.exercises.lesson_07.rank_heads_answers import MISTAKES, rank_heads
from tinygpt.course.exercises.lesson_07.tiny import REPLACE, hooks_in, tiny_cases
from tinygpt.course.judging import Exercise

NOT_HOOKED = "prices that were all taken while no hook was in the model"


def use_ranking(answer, tiny, replace, _):
    model, price = tiny.make()
    before, hooked = price(), []

    def watched():
        hooked.append(hooks_in(model))
        return price()

    found = answer(model, REPLACE[replace], watched)
    if left := hooks_in(model):
        return f"{left} hook(s) still in the model"
    if not torch.equal(price(), before):
        return "another model: its prices have changed"
    if not any(hooked) and is_ranking(found) and not any(extra.any() for _, extra in found):
        return NOT_HOOKED
    if is_ranking(found) and not all(is_name(pair) for pair, _ in found):
        return f"{found[0][0]} for a head"  # a list equals a tuple here, but a dict can't look it up
    return found


def is_name(pair):
    return isinstance(pair, tuple) and all(isinstance(number, int | np.integer) for number in pair)


def is_ranking(found):
    """Whether it is made of pairs, the second of each a tensor."""
    return isinstance(found, list | tuple) and all(
        isinstance(one, list | tuple) and len(one) == 2 and isinstance(one[1], torch.Tensor) for one in found
    )


def look_at_ranking(got, expected, tiny, *_):
    if isinstance(got, str) and "still in the model" in got:
        several = int(got.split()[0]) >= tiny.n_layers * tiny.n_heads
        harm = "from the second head on you knocked out several at once, and " if several else ""
        return (
            f"Afterwards there is something left: {got}. So {harm}the model stays broken for the rest of the lesson. "
            "Call handle.remove() after each price(), inside the inner loop."
        )
    if isinstance(got, str) and "another model" in got:
        return "The model is another one afterwards. Leave its weights alone: a hook changes what passes, and goes."
    if got == NOT_HOOKED:
        return (
            "Nothing costs anything: whenever you asked for a price, no hook was in the model that you are given. Hook "
            "block.attention.output of each of its blocks (`output`, from a cell above, belongs to the lesson's "
            "model), and remove the hook only after price()."
        )
    if isinstance(got, str) and got.endswith("for a head"):
        return (
            "(layer, head) is a tuple of two whole numbers, in round brackets: the lesson looks heads up by it in a "
            "dict, and a list can't be looked up there."
        )
    if got is None:
        return (
            "Nothing came back: is there a return? (list.sort() sorts a list where it is and gives None: sort first "
            "and return the list then, or return sorted(...).)"
        )
    if isinstance(got, dict):
        return "A list is wanted, [((layer, head), extra), ...], in order: the dearest head first."
    if not isinstance(got, list | tuple):
        return None
    n = tiny.n_layers * tiny.n_heads
    if len(got) != n:
        return (
            f"{len(got)} entries for {tiny.n_layers} layer(s) with {tiny.n_heads} heads; there are {n} heads in all. "
            "Take the numbers from the model that you are given: model.blocks, model.config.n_heads."
        )
    if any(not isinstance(one, list | tuple) or len(one) != 2 or isinstance(one[0], torch.Tensor) for one in got):
        return "Each entry is a pair: (layer, head) first, then what its loss costs."
    if any(not isinstance(extra, torch.Tensor) or extra.shape != (3,) for _, extra in got):
        return "The second of each pair is a tensor (documents,): price() of the broken model minus that of the whole."
    if all(not extra.any() for _, extra in got):
        return (
            "Nothing costs anything, so the prices that you compare are of the same model. Does your hook return what "
            "takes its input's place, (replace(inputs[0], head, n_heads),)? And was the whole model priced before it?"
        )
    by_head, right = dict(got), dict(expected)
    for a, b, what in ((1, 1, "Layers and heads count"), (1, 0, "Layers count"), (0, 1, "Heads count")):
        if set(by_head) == {(layer + a, head + b) for layer, head in right}:
            return f"{what} from 0, yours from 1: the first pair of the model is (0, 0)."
    if set(by_head) != set(right):
        return "The pairs are not those of the model's heads: (layer, head), both counted from 0."
    if set(by_head) == set(right) and all(torch.allclose(by_head[h], right[h], atol=1e-4) for h in right):
        return "Every head has its price, but the order is another one: by the sum over the documents, dearest first."
    return "Some heads cost something else. One hook at a time: in, price(), out; and each with its own block and head."


RANK_HEADS = Exercise(
    name="rank_heads",
    reference=rank_heads,
    examples=tiny_cases,
    use=use_ranking,
    explain=look_at_ranking,
    tolerance=1e-4,
    advice={
        "Boolean value of Tensor with more than one value": "extra has a number for each document: sort by its sum, "
        "key=lambda one: one[1].sum().",
        "more than one element is ambiguous": "extra has a number for each document: sort by its sum, key=lambda one: "
        "one[1].sum().",
        "has no attribute 'shape'": "a hook gets the inputs as a tuple: the heads side by side are inputs[0].",
        "has no attribute 'clone'": "a hook gets the inputs as a tuple: the heads side by side are inputs[0].",
        "out of range": "take the numbers from the model that you are given: enumerate(model.blocks) and "
        "range(model.config.n_heads).",
        "must match the size": "`whole` must be a price of the model that you are given, three documents here: call "
        "price() inside your function.",
        "positional argument": "a pre-hook is called with (module, inputs), replace with (joined, head, n_heads). "
        "Is the mask what is missing? Then the hook sits on block.attention: put it on block.attention.output.",
    },
    hints=(
        "The cell above knocks out head 1 of layer 1. Put its lines into two loops, with block.attention.output of "
        "each block in place of `output`, and measure the whole model once, before them.",
        "In the loops: register the hook, broken = price(), handle.remove(), and append ((layer, head), broken - "
        "whole). Sort at the end, by key=lambda one: one[1].sum(), reverse=True.",
        "In the inner loop: handle = block.attention.output.register_forward_pre_hook(lambda module, inputs: "
        "(replace(inputs[0], head, n_heads),)); found.append(((layer, head), price() - whole)); handle.remove(). After "
        "both loops: return sorted(found, key=lambda one: one[1].sum(), reverse=True)",
    ),
    mistakes=MISTAKES,
)
