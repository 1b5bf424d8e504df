"""Exercise rank_heads of lesson 07: the answer, what it is tried on, and what people get wrong."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from tinygpt.config import ModelConfig
from tinygpt.course.exercises.lesson_07.mean_out_head import mean_out_head
from tinygpt.course.judging import Exercise, Mistake
from tinygpt.model import TinyGPT


def rank_heads(model, replace, price):
    n_heads, whole, found = model.config.n_heads, price(), []
    for layer, block in enumerate(model.blocks):
        for head in range(n_heads):

            def knock_out(module, inputs, head=head):
                return (replace(inputs[0], head, n_heads),)

            handle = block.attention.output.register_forward_pre_hook(knock_out)
            extra = price() - whole  # (documents,)
            handle.remove()
            found.append(((layer, head), extra))
    return sorted(found, key=lambda one: one[1].sum(), reverse=True)


@dataclass(frozen=True)
class Tiny:
    """A model small enough to be made anew for each answer."""

    n_layers: int
    n_heads: int
    seed: int = 0

    def __repr__(self):
        return f"a model of {self.n_layers} layer(s) with {self.n_heads} heads"

    def make(self):
        generator = torch.Generator().manual_seed(self.seed)
        shape = dict(vocab_size=7, context_length=6, d_model=4 * self.n_heads, d_ff=16)
        model = TinyGPT(ModelConfig(n_heads=self.n_heads, n_layers=self.n_layers, **shape)).eval()
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(torch.randn(p.shape, generator=generator))
        ids = torch.randint(7, (3, 7), generator=generator)  # three documents

        @torch.no_grad()
        def price():
            nats = F.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:], reduction="none")  # (3, T)
            return nats.sum(1)  # (3,)

        return model, price


def tiny_cases():
    yield Tiny(1, 2, seed=25), "mean_out_head", "price"  # the same order by sum, largest number or first document
    yield Tiny(2, 2, seed=369), "mean_out_head", "price"  # another one by each, and within layers; some are harmful
    yield Tiny(3, 4, seed=1), "mean_out_head", "price"
    yield Tiny(2, 2, seed=3), "zero_out_head", "price"


def zero_out_head(joined, head, n_heads):
    keep = torch.arange(joined.shape[-1]) // (joined.shape[-1] // n_heads) != head
    return joined * keep


REPLACE = {"mean_out_head": mean_out_head, "zero_out_head": zero_out_head}


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


def hooks_in(model):
    return sum(len(m._forward_pre_hooks) + len(m._forward_hooks) for m in model.modules())


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


def ranking(order=None, extra=None, hook="pre", name=None, layers=None, n=None):
    """rank_heads with something wrong in it; n: the heads that replace is told of."""

    def rank(model, replace, price):
        n_heads, whole, found = model.config.n_heads, price(), []
        for layer, block in list(enumerate(model.blocks))[:layers]:
            for head in range(n_heads):
                output = block.attention.output
                if hook == "after":
                    handle = output.register_forward_hook(
                        lambda module, inputs, out, head=head: replace(out, head, n_heads)
                    )
                elif hook == "all":
                    handle = output.register_forward_pre_hook(lambda module, inputs: (all_out(inputs[0]),))
                elif hook == "qkv":
                    handle = block.attention.qkv.register_forward_pre_hook(
                        lambda module, inputs, head=head: (replace(inputs[0], head, n_heads),)
                    )
                else:
                    handle = output.register_forward_pre_hook(
                        lambda module, inputs, head=head: (replace(inputs[0], head, n or n_heads),)
                    )
                broken = price()
                handle.remove()
                found.append(
                    ((name or (lambda *pair: pair))(layer, head), extra(broken, whole) if extra else broken - whole)
                )
        return (order or dearest_first)(found)

    return rank


def all_out(joined):
    return joined.mean((0, 1)).expand_as(joined)


def dearest_first(found):
    return sorted(found, key=lambda one: one[1].sum(), reverse=True)


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
        "positional argument": "a pre-hook is called with (module, inputs), replace with (joined, head, n_heads).",
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
    mistakes=(
        Mistake(
            "The cheapest comes first. Turn it round: reverse=True.", ranking(lambda found: dearest_first(found)[::-1])
        ),
        Mistake(
            "Right prices, but not in order yet: sort by the sum over the documents.", ranking(lambda found: found)
        ),
        Mistake(
            "You sort by layer and head. Sort by what they cost: key=lambda one: one[1].sum().",
            ranking(lambda found: sorted(found, key=lambda one: one[0], reverse=True)),
        ),
        Mistake(
            "You sort by what the first document pays. All documents count: the sum.",
            ranking(lambda found: sorted(found, key=lambda one: one[1][0], reverse=True)),
        ),
        Mistake(
            "You sort by sizes without their signs. What a head saves in one document makes up for what it costs in "
            "another: sort by the plain sum.",
            ranking(lambda found: sorted(found, key=lambda one: one[1].abs().sum(), reverse=True)),
        ),
        Mistake(
            "You sort by the size of the sum, whatever its sign. A head whose absence helps comes last: no abs().",
            ranking(lambda found: sorted(found, key=lambda one: one[1].sum().abs(), reverse=True)),
        ),
        Mistake(
            "You sort by the one document that pays most. All documents count: the sum.",
            ranking(lambda found: sorted(found, key=lambda one: one[1].max(), reverse=True)),
        ),
        Mistake(
            "You sort within each layer only. All heads stand in one list: sort once, after both loops.",
            ranking(lambda found: sorted(found, key=lambda one: (one[0][0], -one[1].sum()))),
        ),
        Mistake(
            "You tell replace of 2 heads, as our model has (n_heads?). This one may have more: model.config.n_heads.",
            ranking(n=2),
        ),
        Mistake(
            "You put in 0 whatever was asked for. Use the function that you are given, replace, in a hook.",
            lambda model, replace, price: rank_heads(model, zero_out_head, price),
        ),
        Mistake(
            "You put in the mean whatever was asked for. Use the function that you are given, replace: the lesson "
            "calls yours with another one too.",
            lambda model, replace, price: rank_heads(model, mean_out_head, price),
        ),
        Mistake(
            "These are the prices of the broken models. What a head is worth is the difference to the whole model.",
            ranking(extra=lambda broken, whole: broken),
        ),
        Mistake(
            "The other way round: what is paid without the head minus what the whole model pays.",
            ranking(extra=lambda broken, whole: whole - broken),
        ),
        Mistake(
            "A head that makes the model better by its absence has a price below 0: no absolute values.",
            ranking(extra=lambda broken, whole: (broken - whole).abs()),
        ),
        Mistake(
            "Keep the documents apart: the interval of the next cell needs a number for each. Sum only to sort.",
            ranking(extra=lambda broken, whole: (broken - whole).sum()),
        ),
        Mistake(
            "Keep the documents apart: the interval of the next cell needs a number for each. No mean.",
            ranking(extra=lambda broken, whole: (broken - whole).mean()),
        ),
        Mistake(
            "You divide by the whole model's price. The difference in nats is asked for.",
            ranking(extra=lambda broken, whole: (broken - whole) / whole),
        ),
        Mistake(
            "You divide the broken model's price by the whole model's. The difference in nats is asked for: minus.",
            ranking(extra=lambda broken, whole: broken / whole),
        ),
        Mistake("Head before layer: the pairs are (layer, head).", ranking(name=lambda layer, head: (head, layer))),
        Mistake(
            "Your hook changes what comes out of `output`, where the heads are mixed already. Change what goes in: a "
            "forward *pre*-hook.",
            ranking(hook="after"),
        ),
        Mistake("You knock out all heads of a layer at once.", ranking(hook="all")),
        Mistake(
            "Your hook sits at qkv, before there are any heads. They go into block.attention.output.",
            ranking(hook="qkv"),
        ),
        Mistake("Only the first layer was tried.", ranking(layers=1)),
    ),
)
