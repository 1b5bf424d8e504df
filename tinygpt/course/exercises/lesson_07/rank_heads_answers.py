"""Answers to exercise rank_heads of lesson 07: the right one, and the wrong ones that people give."""

from tinygpt.course.exercises.lesson_07.mean_out_head import mean_out_head
from tinygpt.course.exercises.lesson_07.tiny import zero_out_head
from tinygpt.course.judging import Mistake


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


MISTAKES = (
    Mistake(
        "The cheapest comes first. Turn it round: reverse=True.", ranking(lambda found: dearest_first(found)[::-1])
    ),
    Mistake("Right prices, but not in order yet: sort by the sum over the documents.", ranking(lambda found: found)),
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
)
