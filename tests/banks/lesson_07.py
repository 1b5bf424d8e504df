"""Answers that people give to the exercises of lesson 07: right ones in several styles, and wrong ones.

RIGHT: {exercise: [answer, ...]}. WRONG: {exercise: [(answer, a part of what it is told), ...]}, beyond the mistakes
that the exercise itself knows.
"""

import math
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F

from tinygpt.norm import RMSNorm

# The previous token


def scored_by_loops(maps):
    layers, B, heads, T, _ = maps.shape
    out = torch.zeros(layers, heads)
    for layer in range(layers):
        for head in range(heads):
            total = 0.0
            for b in range(B):
                for t in range(1, T):
                    total += maps[layer, b, head, t, t - 1].item()
            out[layer, head] = total / (B * (T - 1))
    return out


def scored_by_index(maps):
    t = torch.arange(1, maps.size(-1))
    return maps[..., t, t - 1].mean(dim=-1).mean(dim=1)


def scored_by_a_mask(maps):
    T = maps.shape[-1]
    line = torch.diag(torch.ones(T - 1), -1)
    return (maps * line).sum((-1, -2)).mean(1) / (T - 1)


def scored_by_cutting(maps):
    return torch.diagonal(maps[..., 1:, :-1], dim1=-2, dim2=-1).mean(-1).mean(1)


def scored_by_lists(maps):
    return torch.tensor(
        [
            [np.mean([np.diag(text[h].numpy(), -1).mean() for text in layer]) for h in range(maps.shape[2])]
            for layer in maps
        ]
    )


def scored_by_gather(maps):
    T = maps.shape[-1]
    index = torch.arange(T - 1).view(1, 1, 1, -1, 1).expand(*maps.shape[:3], -1, -1)
    return maps[..., 1:, :].gather(-1, index).squeeze(-1).mean(dim=(1, 3))


def scored_by_einsum(maps):
    return torch.einsum("lbhtt->lh", maps[..., 1:, :-1]) / maps.shape[1] / (maps.shape[-1] - 1)


def rolled(maps):
    """Index -1 at the first query: its last key, which is hidden."""
    t = torch.arange(maps.shape[-1])
    return maps[..., t, t - 1].mean((1, 3))


def median(maps):
    return maps.diagonal(-1, -2, -1).median(-1).values.mean(1)


def best_text(maps):
    return maps.diagonal(-1, -2, -1).mean(-1).amax(1)


def as_lists(maps):
    return maps.diagonal(-1, -2, -1).mean((1, 3)).tolist()


def default_axes(maps):
    return maps.diagonal(-1).mean((0, 1))


def four_axes(maps):
    return maps[0].diagonal(-1, -2, -1).mean((0, 2))


def in_per_cent(maps):
    return 100 * maps.diagonal(-1, -2, -1).mean((1, 3))


def a_step_too_far(maps):
    return torch.stack([maps[..., t, t + 1] for t in range(maps.shape[-1])]).mean((0, 2))


def cut_twice(maps):
    return torch.diagonal(maps[..., 2:, 1:-1], dim1=-2, dim2=-1).mean(-1).mean(1)


def without_the_last(maps):
    t = torch.arange(1, maps.shape[-1] - 1)
    return maps[..., t, t - 1].mean(-1).mean(1)


def as_an_array(maps):
    return maps.diagonal(-1, -2, -1).mean((1, 3)).numpy()


def over_our_heads(maps):
    """The sizes of the lesson's model, whatever maps is given."""
    n_heads = 2
    return torch.stack([maps[:, :, h].diagonal(-1, -2, -1).mean((1, 2)) for h in range(n_heads)], 1)


def over_our_layers(maps):
    out = torch.zeros(4, 2)
    for layer in range(4):
        for head in range(2):
            out[layer, head] = maps[layer, :, head].diagonal(-1, -2, -1).mean()
    return out


def past_the_end(maps):
    return torch.stack([maps[..., t, t - 1] for t in range(1, maps.shape[-1] + 1)]).mean((0, 2))


def median_of_texts(maps):
    return maps.diagonal(-1, -2, -1).mean(3).median(dim=1).values


def median_at_each_query(maps):
    return maps.diagonal(-1, -2, -1).median(1).values.mean(-1)


def worst_text(maps):
    return maps.diagonal(-1, -2, -1).mean(-1).amin(1)


def texts_added_up(maps):
    return sum(text.diagonal(-1, -2, -1).mean(-1) for text in maps.unbind(1))


# A head's mean in its place


def mean_by_view(joined, head, n_heads):
    B, T, C = joined.shape
    heads = joined.view(B, T, n_heads, C // n_heads).clone()
    heads[:, :, head] = heads[:, :, head].mean(dim=(0, 1))
    return heads.view(B, T, C)


def mean_by_chunks(joined, head, n_heads):
    pieces = list(joined.chunk(n_heads, dim=-1))
    pieces[head] = pieces[head].mean((0, 1), keepdim=True).expand_as(pieces[head])
    return torch.cat(pieces, -1)


def mean_by_where(joined, head, n_heads):
    D = joined.size(2) // n_heads
    own = torch.arange(joined.size(2)) // D == head
    return torch.where(own, joined.mean(dim=(0, 1)), joined)


def mean_by_loops(joined, head, n_heads):
    D = joined.shape[2] // n_heads
    out = joined.clone()
    for i in range(head * D, head * D + D):
        out[:, :, i] = joined[:, :, i].mean()
    return out


def mean_by_flattening(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    flat = joined.reshape(-1, joined.shape[-1]).clone()
    flat[:, head * D : (head + 1) * D] = flat[:, head * D : (head + 1) * D].mean(0)
    return flat.view_as(joined)


def mean_twice(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    out = joined.clone()
    out[:, :, D * head : D * (head + 1)] = joined[:, :, D * head : D * (head + 1)].mean(0).mean(0)
    return out


def mean_in_place(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    joined[..., head * D : (head + 1) * D] = joined[..., head * D : (head + 1) * D].mean((0, 1))
    return joined


def first_of_texts(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    out = joined.clone()
    out[..., head * D : (head + 1) * D] = joined[0, :, head * D : (head + 1) * D].mean(0)
    return out


def first_axis_split(joined, head, n_heads):
    out = joined.clone()
    out[head] = joined[head].mean()
    return out


def without_it(joined, head, n_heads):
    pieces = joined.chunk(n_heads, -1)
    return torch.cat([p for i, p in enumerate(pieces) if i != head], -1)


def only_the_mean(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    return joined[..., head * D : (head + 1) * D].mean((0, 1))


def mean_taken_off(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    out = joined.clone()
    out[..., head * D : (head + 1) * D] -= joined[..., head * D : (head + 1) * D].mean((0, 1))
    return out


def wider_by_one(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    out = joined.clone()
    out[..., head * D : (head + 1) * D + 1] = joined[..., head * D : (head + 1) * D + 1].mean((0, 1))
    return out


def one_head_early(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    out = joined.clone()
    out[:, :, (head - 1) * D : head * D] = joined[:, :, (head - 1) * D : head * D].mean(dim=(0, 1))
    return out


def always_64(joined, head, n_heads):
    out = joined.clone()
    out[..., 64 * head : 64 * head + 64] = out[..., 64 * head : 64 * head + 64].mean(0).mean(0)
    return out


def along_axis_1(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    out = joined.clone()
    out[:, head * D : (head + 1) * D] = out[:, head * D : (head + 1) * D].mean(dim=(0, 1))
    return out


def mean_written_nowhere(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    out = joined.clone()
    its = out[..., head * D : (head + 1) * D]
    its = its.mean((0, 1))
    return out


def nothing_back(joined, head, n_heads):
    D = joined.shape[-1] // n_heads
    out = joined.clone()
    out[..., head * D : (head + 1) * D] = 0


def divided_with_a_slash(joined, head, n_heads):
    D = joined.shape[-1] / n_heads
    out = joined.clone()
    out[..., head * D : (head + 1) * D] = joined[..., head * D : (head + 1) * D].mean((0, 1))
    return out


def split_with_a_slash(joined, head, n_heads):
    pieces = list(joined.split(joined.shape[-1] / n_heads, -1))
    pieces[head] = pieces[head].mean((0, 1)).expand_as(pieces[head])
    return torch.cat(pieces, -1)


def viewed_with_a_slash(joined, head, n_heads):
    B, T, C = joined.shape
    heads = joined.clone().view(B, T, n_heads, C / n_heads)
    heads[:, :, head] = heads[:, :, head].mean((0, 1))
    return heads.view(B, T, C)


# Ranking heads


def rank_with_a_context(model, replace, price):
    @contextmanager
    def without(layer, head):
        def hook(module, inputs):
            return (replace(inputs[0], head, model.config.n_heads),)

        handle = model.blocks[layer].attention.output.register_forward_pre_hook(hook)
        try:
            yield
        finally:
            handle.remove()

    whole = price()
    prices = {}
    for layer in range(model.config.n_layers):
        for head in range(model.config.n_heads):
            with without(layer, head):
                prices[layer, head] = price() - whole
    return sorted(prices.items(), key=lambda item: -item[1].sum())


def rank_with_with(model, replace, price):
    whole, found = price(), []
    for layer, block in enumerate(model.blocks):
        for head in range(block.attention.n_heads):
            with block.attention.output.register_forward_pre_hook(
                lambda module, inputs: replace(inputs[0], head, model.config.n_heads)  # noqa: B023
            ):
                found.append([(layer, head), price() - whole])
    found.sort(key=lambda one: one[1].sum().item(), reverse=True)
    return found


def rank_by_indices(model, replace, price):
    pairs = [(layer, head) for layer in range(len(model.blocks)) for head in range(model.config.n_heads)]
    base, extras = price(), []
    for layer, head in pairs:
        handle = model.blocks[layer].attention.output.register_forward_pre_hook(
            lambda _, x, h=head: (replace(x[0], h, model.config.n_heads),)
        )
        extras.append(price() - base)
        handle.remove()
    order = torch.stack(extras).sum(1).argsort(descending=True)
    return [(pairs[i], extras[i]) for i in order.tolist()]


def rank_by_the_forward(model, replace, price):
    whole, found = price(), []
    for layer, block in enumerate(model.blocks):
        output = block.attention.output
        for head in range(model.config.n_heads):
            output.forward = lambda x, h=head: F.linear(replace(x, h, model.config.n_heads), output.weight, output.bias)  # noqa: B023
            found.append(((layer, head), price() - whole))
            del output.forward
    return tuple(sorted(found, key=lambda one: one[1].mean(), reverse=True))


def rank_by_inserting(model, replace, price):
    whole, found = price(), []
    for layer, block in enumerate(model.blocks):
        for head in range(model.config.n_heads):

            def hook(module, args, head=head):
                return replace(args[0], head, model.config.n_heads)

            handle = block.attention.output.register_forward_pre_hook(hook)
            extra = price().sub(whole)
            handle.remove()
            place = sum(other.sum() > extra.sum() for _, other in found)
            found.insert(place, ((layer, head), extra))
    return found


def hooks_stay(model, replace, price):
    whole, found = price(), []
    for layer, block in enumerate(model.blocks):
        for head in range(model.config.n_heads):
            block.attention.output.register_forward_pre_hook(
                lambda module, inputs, head=head: (replace(inputs[0], head, model.config.n_heads),)
            )
            found.append(((layer, head), price() - whole))
    return sorted(found, key=lambda one: -one[1].sum())


def weights_zeroed(model, replace, price):
    whole, found = price(), []
    D = model.config.head_size
    for layer, block in enumerate(model.blocks):
        for head in range(model.config.n_heads):
            with torch.no_grad():
                block.attention.output.weight[:, head * D : (head + 1) * D] = 0
            found.append(((layer, head), price() - whole))
    return sorted(found, key=lambda one: -one[1].sum())


def hook_forgets_to_return(model, replace, price):
    whole, found = price(), []
    for layer, block in enumerate(model.blocks):
        for head in range(model.config.n_heads):

            def hook(module, inputs, head=head):
                replace(inputs[0], head, model.config.n_heads)

            handle = block.attention.output.register_forward_pre_hook(hook)
            found.append(((layer, head), price() - whole))
            handle.remove()
    return sorted(found, key=lambda one: -one[1].sum())


def whole_priced_too_late(model, replace, price):
    found = []
    for layer, block in enumerate(model.blocks):
        for head in range(model.config.n_heads):
            handle = block.attention.output.register_forward_pre_hook(
                lambda module, inputs, head=head: (replace(inputs[0], head, model.config.n_heads),)
            )
            found.append(((layer, head), price() - price()))
            handle.remove()
    return sorted(found, key=lambda one: -one[1].sum())


def removed_too_early(model, replace, price):
    whole, found = price(), []
    for layer, block in enumerate(model.blocks):
        for head in range(model.config.n_heads):
            handle = block.attention.output.register_forward_pre_hook(
                lambda module, inputs, head=head: (replace(inputs[0], head, model.config.n_heads),)
            )
            handle.remove()
            found.append(((layer, head), price() - whole))
    return sorted(found, key=lambda one: -one[1].sum())


def tuple_handed_on(model, replace, price):
    whole, found = price(), []
    for layer, block in enumerate(model.blocks):
        for head in range(model.config.n_heads):
            handle = block.attention.output.register_forward_pre_hook(
                lambda module, inputs, head=head: (replace(inputs, head, model.config.n_heads),)
            )
            found.append(((layer, head), price() - whole))
            handle.remove()
    return sorted(found, key=lambda one: -one[1].sum())


def as_a_dict(model, replace, price):
    return dict(rank_with_a_context(model, replace, price))


def names_only(model, replace, price):
    return [pair for pair, _ in rank_with_a_context(model, replace, price)]


def triples(model, replace, price):
    return [(*pair, extra) for pair, extra in rank_with_a_context(model, replace, price)]


def in_numpy(model, replace, price):
    return [(pair, extra.numpy()) for pair, extra in rank_with_a_context(model, replace, price)]


def sorted_as_they_are(model, replace, price):
    return sorted(((extra, pair) for pair, extra in rank_with_a_context(model, replace, price)), reverse=True)


def extra_first(model, replace, price):
    return [(extra, pair) for pair, extra in rank_with_a_context(model, replace, price)]


def sorted_by_the_tensor(model, replace, price):
    return sorted(rank_with_a_context(model, replace, price), key=lambda one: one[1])


def the_first_three(model, replace, price):
    return rank_with_a_context(model, replace, price)[:1]


def the_last_head_everywhere(model, replace, price):
    """All hooks are made first; each looks up `head` when it is called, and finds the last one."""
    hooks = []
    n_heads, whole, found = model.config.n_heads, price(), []
    for layer, block in enumerate(model.blocks):
        for head in range(n_heads):
            hooks.append(((layer, head), block, lambda module, inputs: (replace(inputs[0], head, n_heads),)))  # noqa: B023
    for pair, block, hook in hooks:
        handle = block.attention.output.register_forward_pre_hook(hook)
        found.append((pair, price() - whole))
        handle.remove()
    return sorted(found, key=lambda one: -one[1].sum())


def my_own_replace(model, replace, price):
    def out(joined, head, n_heads):
        return mean_by_loops(joined, head, n_heads)

    return rank_by_indices(model, out, price)


def one_hook_stays(model, replace, price):
    whole, found, handle = price(), [], None
    for layer, block in enumerate(model.blocks):
        for head in range(model.config.n_heads):
            if handle is not None:
                handle.remove()
            handle = block.attention.output.register_forward_pre_hook(
                lambda module, inputs, head=head: (replace(inputs[0], head, model.config.n_heads),)
            )
            found.append(((layer, head), price() - whole))
    return sorted(found, key=lambda one: -one[1].sum())


def sorted_where_it_is(model, replace, price):
    return list(rank_with_a_context(model, replace, price)).sort(key=lambda one: one[1].sum(), reverse=True)


def sorted_by_size(model, replace, price):
    return sorted(rank_with_a_context(model, replace, price), key=lambda one: -one[1].abs().sum())


def sorted_by_norm(model, replace, price):
    return sorted(rank_with_a_context(model, replace, price), key=lambda one: one[1].norm(), reverse=True)


def sorted_by_max(model, replace, price):
    return sorted(rank_with_a_context(model, replace, price), key=lambda one: one[1].max().item(), reverse=True)


def sorted_by_min(model, replace, price):
    return sorted(rank_with_a_context(model, replace, price), key=lambda one: one[1].min().item(), reverse=True)


output, n_heads, whole = torch.nn.Linear(128, 128), 2, torch.zeros(200)  # what cells of the lesson have left


def rank_by_numpy_names(model, replace, price):
    """Whole numbers of numpy: a dict finds them just so."""
    return [(tuple(np.array(pair)), extra) for pair, extra in rank_by_indices(model, replace, price)]


def hooked(model, pair, hook):
    return model.blocks[pair[0]].attention.output.register_forward_pre_hook(hook)


def rank_with(model, replace, price, put, extra=torch.sub, name=lambda *pair: pair):
    """rank_heads with another way to put the hook of (layer, head) in."""
    usual, found = price(), []
    for layer in range(len(model.blocks)):
        for head in range(model.config.n_heads):
            handle = put(layer, head)
            found.append((name(layer, head), extra(price(), usual)))
            handle.remove()
    return sorted(found, key=lambda one: one[1].sum(), reverse=True)


def hook_on_the_attention(model, replace, price):
    def put(layer, head):
        return model.blocks[layer].attention.register_forward_pre_hook(
            lambda module, inputs: (replace(inputs[0], head, model.config.n_heads),)
        )

    return rank_with(model, replace, price, put)


def output_of_the_cell_above(model, replace, price):
    return rank_with(
        model,
        replace,
        price,
        lambda layer, head: output.register_forward_pre_hook(
            lambda module, inputs: (replace(inputs[0], head, model.config.n_heads),)
        ),
    )


def replace_of_our_n_heads(model, replace, price):
    return rank_with(
        model,
        replace,
        price,
        lambda layer, head: hooked(model, (layer, head), lambda _, inputs: (replace(inputs[0], head, n_heads),)),
    )


def loops_over_our_n_heads(model, replace, price):
    usual, found = price(), []
    for layer, block in enumerate(model.blocks):
        for head in range(n_heads):
            handle = block.attention.output.register_forward_pre_hook(
                lambda _, inputs, h=head: (replace(inputs[0], h, n_heads),)
            )
            found.append(((layer, head), price() - usual))
            handle.remove()
    return sorted(found, key=lambda one: -one[1].sum())


def loops_over_our_layers(model, replace, price):
    usual, found = price(), []
    for layer in range(4):
        for head in range(2):
            handle = hooked(model, (layer, head), lambda _, inputs, h=head: (replace(inputs[0], h, 2),))
            found.append(((layer, head), price() - usual))
            handle.remove()
    return sorted(found, key=lambda one: -one[1].sum())


def whole_of_the_cell_above(model, replace, price):
    found = rank_with_a_context(model, replace, price)
    return [(pair, extra - whole) for pair, extra in found]


def named_from_1(model, replace, price):
    return [((layer + 1, head + 1), extra) for (layer, head), extra in rank_by_indices(model, replace, price)]


def heads_from_1(model, replace, price):
    return [((layer, head + 1), extra) for (layer, head), extra in rank_by_indices(model, replace, price)]


def layers_from_1(model, replace, price):
    return [((layer + 1, head), extra) for (layer, head), extra in rank_by_indices(model, replace, price)]


def heads_numbered_through(model, replace, price):
    found = rank_by_indices(model, replace, price)
    return [((layer, layer * model.config.n_heads + head), extra) for (layer, head), extra in found]


def divided(model, replace, price):
    usual = price()
    found = [(pair, (extra + usual) / usual) for pair, extra in rank_by_indices(model, replace, price)]
    return sorted(found, key=lambda one: one[1].sum(), reverse=True)


def weights_zeroed_and_put_back(model, replace, price):
    usual, found = price(), []
    D = model.config.head_size
    for layer, block in enumerate(model.blocks):
        weight = block.attention.output.weight
        for head in range(model.config.n_heads):
            kept = weight.detach().clone()
            with torch.no_grad():
                weight[:, head * D : (head + 1) * D] = 0
                found.append(((layer, head), price() - usual))
                weight.copy_(kept)
    return sorted(found, key=lambda one: -one[1].sum())


def sorted_within_layers(model, replace, price):
    found = rank_by_indices(model, replace, price)
    return [one for layer in range(len(model.blocks)) for one in found if one[0][0] == layer]


def sorted_by_p1(model, replace, price):
    return sorted(rank_by_indices(model, replace, price), key=lambda p: p[1], reverse=True)


def sorted_by_arrays(model, replace, price):
    return sorted(rank_by_indices(model, replace, price), key=lambda p: p[1].numpy(), reverse=True)


def pairs_as_lists(model, replace, price):
    return [[[layer, head], extra] for (layer, head), extra in rank_by_indices(model, replace, price)]


def pairs_of_tensors(model, replace, price):
    return [
        ((torch.tensor(layer), torch.tensor(head)), extra)
        for (layer, head), extra in rank_by_indices(model, replace, price)
    ]


# The logit lens


def lens_by_loops(streams, targets, norm, head):
    prices = []
    for stream in streams:
        total = 0.0
        for b in range(targets.shape[0]):
            for t in range(targets.shape[1]):
                probs = head(norm(stream[b, t])).softmax(-1)
                total -= math.log(probs[targets[b, t]])
        prices.append(total / targets.numel())
    return torch.tensor(prices)


def lens_by_cross_entropy(streams, targets, norm, head):
    return torch.stack([F.cross_entropy(head(norm(s)).flatten(0, 1), targets.flatten()) for s in streams])


def lens_by_transposing(streams, targets, norm, head):
    return torch.stack([F.cross_entropy(head(norm(s)).transpose(1, 2), targets) for s in streams])


def lens_by_logsumexp(streams, targets, norm, head):
    out = torch.zeros(streams.shape[0])
    for i, stream in enumerate(streams):
        logits = head(norm(stream))
        out[i] = (logits.logsumexp(-1) - logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1)).mean()
    return out


def lens_by_one_call(streams, targets, norm, head):
    n, C = len(streams), streams.shape[-1]
    logits = head(norm(streams.reshape(-1, C)))
    wanted = targets.flatten().repeat(n)
    return F.cross_entropy(logits, wanted, reduction="none").view(n, -1).mean(1)


def lens_by_index(streams, targets, norm, head):
    logp = torch.log_softmax(head(norm(streams)), dim=-1).flatten(1, 2)
    return -logp[:, torch.arange(targets.numel()), targets.reshape(-1)].mean(dim=1)


def lens_as_a_list(streams, targets, norm, head):
    return [F.cross_entropy(head(norm(s)).flatten(0, 1), targets.flatten()).item() for s in streams]


def lens_by_softmax_then_cross_entropy(streams, targets, norm, head):
    return torch.stack([F.cross_entropy(head(norm(s)).softmax(-1).flatten(0, 1), targets.flatten()) for s in streams])


def lens_of_layer_norm(streams, targets, norm, head):
    return lens_by_cross_entropy(F.layer_norm(streams, streams.shape[-1:]), targets, lambda x: x, head)


def lens_of_the_weight(streams, targets, norm, head):
    return torch.stack([F.cross_entropy((norm(s) @ head.weight.T).flatten(0, 1), targets.flatten()) for s in streams])


def lens_unflattened(streams, targets, norm, head):
    return torch.stack([F.cross_entropy(head(norm(s)), targets) for s in streams])


def lens_of_the_argmax(streams, targets, norm, head):
    return (head(norm(streams)).argmax(-1) != targets).float().mean((1, 2))


def lens_of_differences(streams, targets, norm, head):
    """What each layer adds, read by itself."""
    added = torch.cat([streams[:1], streams.diff(dim=0)])
    return lens_by_cross_entropy(added, targets, norm, head)


def lens_by_reshaping(streams, targets, norm, head):
    (B, T), out = targets.shape, []
    for stream in streams:
        logits = head(norm(stream))
        out.append(F.cross_entropy(logits.view(B, -1, T), targets))
    return torch.stack(out)


def lens_by_one_hot(streams, targets, norm, head):
    probs = torch.softmax(head(norm(streams)), -1)
    wanted = F.one_hot(targets, probs.shape[-1]).float()
    return torch.stack([-(wanted * p.log()).sum(-1).mean() for p in probs])


def lens_of_sums(streams, targets, norm, head):
    total, out = 0, []
    for stream in streams:
        total = total + stream
        out.append(F.cross_entropy(head(norm(total)).flatten(0, 1), targets.flatten()))
    return torch.stack(out)


def lens_without_targets(streams, targets, norm, head):
    return -head(norm(streams)).log_softmax(-1).amax(-1).mean((1, 2))


def lens_as_perplexity(streams, targets, norm, head):
    return lens_by_cross_entropy(streams, targets, norm, head).exp()


def lens_of_the_models_norm(streams, targets, norm, head):
    return lens_by_cross_entropy(streams, targets, RMSNorm(), head)


def lens_of_rms_norm(streams, targets, norm, head):
    return lens_by_cross_entropy(streams, targets, lambda x: F.rms_norm(x, x.shape[-1:]), head)


def lens_over_rms(streams, targets, norm, head):
    return lens_by_cross_entropy(streams / streams.pow(2).mean(-1, keepdim=True).sqrt(), targets, lambda x: x, head)


def lens_normed_twice(streams, targets, norm, head):
    return lens_by_cross_entropy(norm(streams), targets, norm, head)


def lens_with_a_bare_end(streams, targets, norm, head):
    prices = lens_by_cross_entropy(streams, targets, norm, head)
    prices[-1] = F.cross_entropy(head(streams[-1]).flatten(0, 1), targets.flatten())
    return prices


def lens_swapped(streams, targets, norm, head):
    return torch.stack([F.cross_entropy(targets.flatten(), head(norm(s)).flatten(0, 1)) for s in streams])


def lens_of_our_head(streams, targets, norm, head):
    return lens_by_cross_entropy(streams, targets, norm, torch.nn.Linear(128, 2048, bias=False))


def lens_of_our_V(streams, targets, norm, head):
    return torch.stack([F.cross_entropy(head(norm(s)).view(-1, 2048), targets.flatten()) for s in streams])


def lens_of_our_texts(streams, targets, norm, head):
    logp = head(norm(streams)).log_softmax(-1)
    return -logp.gather(-1, targets.view(24, 128).expand(5, 24, 128)[..., None]).mean((1, 2, 3))


def lens_of_too_many_places(streams, targets, norm, head):
    return F.cross_entropy(head(norm(streams)).flatten(0, 2), targets.flatten(), reduction="none")


def lens_at_the_end(streams, targets, norm, head):
    return torch.stack([F.cross_entropy(head(norm(s))[:, -1], targets[:, -1]) for s in streams])


def lens_of_a_text(streams, targets, norm, head):
    return torch.stack([F.cross_entropy(head(norm(s))[0], targets[0]) for s in streams])


def lens_of_targets_turned(streams, targets, norm, head):
    return torch.stack([F.cross_entropy(head(norm(s)).flatten(0, 1), targets.T.flatten()) for s in streams])


def lens_interleaved(streams, targets, norm, head):
    n = streams.shape[0]
    logits = head(norm(streams)).flatten(0, 2)
    nats = F.cross_entropy(logits, targets.flatten().repeat_interleave(n), reduction="none")
    return nats.view(n, -1).mean(-1)


def lens_of_running_prices(streams, targets, norm, head):
    total, out = 0, []
    for s in streams:
        total = total + F.cross_entropy(head(norm(s)).flatten(0, 1), targets.flatten())
        out.append(total)
    return torch.stack(out)


def lens_of_running_scores(streams, targets, norm, head):
    total, out = 0, []
    for s in streams:
        total = total + head(norm(s))
        out.append(F.cross_entropy(total.flatten(0, 1), targets.flatten()))
    return torch.stack(out)


RIGHT = {
    "previous_token_scores": [
        scored_by_loops,
        scored_by_index,
        scored_by_a_mask,
        scored_by_cutting,
        scored_by_lists,
        scored_by_gather,
        scored_by_einsum,
    ],
    "mean_out_head": [
        mean_by_view,
        mean_by_chunks,
        mean_by_where,
        mean_by_loops,
        mean_by_flattening,
        mean_twice,
    ],
    "rank_heads": [
        rank_with_a_context,
        rank_with_with,
        rank_by_indices,
        rank_by_the_forward,
        rank_by_inserting,
        rank_by_numpy_names,
    ],
    "logit_lens": [
        lens_by_loops,
        lens_by_cross_entropy,
        lens_by_transposing,
        lens_by_logsumexp,
        lens_by_one_call,
        lens_by_index,
    ],
}

WRONG = {
    "previous_token_scores": [
        (rolled, "count it as if it gave 0"),
        (median, "You take the middle one"),
        (best_text, "the text with the highest score"),
        (worst_text, "the text with the lowest score"),
        (median_of_texts, "the middle text's score"),
        (median_at_each_query, "the middle one of the texts"),
        (texts_added_up, "You add up over the texts: average"),
        (over_our_heads, "Take the sizes from maps.shape"),
        (over_our_layers, "Take the sizes from maps.shape"),
        (past_the_end, "for t from 1 to T - 1"),
        (cut_twice, "row 1 counts too"),
        (without_the_last, "all rows but the first count"),
        (as_an_array, "torch.from_numpy"),
        (as_lists, "A tensor (layers, heads) is wanted"),
        (default_axes, "a number for each layer and head"),
        (four_axes, "a number for each layer and head"),
        (in_per_cent, "This is per cent"),
        (a_step_too_far, "one query less than tokens"),
    ],
    "mean_out_head": [
        (mean_in_place, "changed its input in place"),
        (first_of_texts, "mean over all texts and places"),
        (first_axis_split, "Head 1 has changed"),
        (without_it, "all heads come back"),
        (only_the_mean, "all heads come back"),
        (mean_taken_off, "not to its mean"),
        (wider_by_one, "Head 1 has changed"),
        (one_head_early, "for head 0 its slice is empty"),
        (always_64, "You write 64"),
        (along_axis_1, "runs along the places (axis 1). A head's"),
        (mean_written_nowhere, "must be written into the copy"),
        (nothing_back, "is there a return?"),
        (divided_with_a_slash, "C // n_heads"),
        (split_with_a_slash, "C // n_heads"),
        (viewed_with_a_slash, "C // n_heads"),
    ],
    "rank_heads": [
        (hooks_stay, "handle.remove() after each price()"),
        (hooks_stay, "several at once"),
        (hook_on_the_attention, "put it on block.attention.output"),
        (one_hook_stays, "1 hook(s) still in the model. So the model stays broken"),
        (my_own_replace, "Use the function that you are given"),
        (sorted_where_it_is, "gives None"),
        (sorted_by_size, "sizes without their signs"),
        (sorted_by_norm, "sizes without their signs"),
        (sorted_by_max, "the one document that pays most"),
        (sorted_by_min, "the order is another one: by the sum"),
        (weights_zeroed, "Leave its weights alone"),
        (hook_forgets_to_return, "Does your hook return"),
        (whole_priced_too_late, "was the whole model priced before it?"),
        (removed_too_early, "remove the hook only after price()"),
        (tuple_handed_on, "inputs[0]"),
        (as_a_dict, "A list is wanted"),
        (names_only, "The second of each pair"),
        (triples, "Each entry is a pair"),
        (in_numpy, "is a tensor (documents,)"),
        (sorted_as_they_are, "key=lambda one: one[1].sum()"),
        (extra_first, "(layer, head) first"),
        (sorted_by_the_tensor, "sort by its sum"),
        (the_first_three, "2 heads in all"),
        (the_last_head_everywhere, "each with its own block and head"),
        (output_of_the_cell_above, "Hook block.attention.output of each of its blocks"),
        (replace_of_our_n_heads, "model.config.n_heads"),
        (loops_over_our_n_heads, "model.config.n_heads"),
        (loops_over_our_layers, "enumerate(model.blocks)"),
        (whole_of_the_cell_above, "call price() inside your function"),
        (named_from_1, "Layers and heads count from 0"),
        (heads_from_1, "Heads count from 0"),
        (layers_from_1, "Layers count from 0"),
        (heads_numbered_through, "both counted from 0"),
        (divided, "minus"),
        (weights_zeroed_and_put_back, "You put in 0 whatever was asked for. Use the function that you are given"),
        (sorted_within_layers, "You sort within each layer only"),
        (sorted_by_p1, "ambiguous · Extra has a number for each document: sort by its sum"),
        (sorted_by_arrays, "sort by its sum"),
        (pairs_as_lists, "(layer, head) is a tuple"),
        (pairs_of_tensors, "of two whole numbers"),
    ],
    "logit_lens": [
        (lens_as_a_list, "torch.tensor(list of numbers)"),
        (lens_by_softmax_then_cross_entropy, "yours is applied twice"),
        (lens_of_layer_norm, "a LayerNorm of your own. Use the norm that you are given"),
        (lens_of_the_weight, "Norm and head are functions here"),
        (lens_unflattened, "flatten places first"),
        (lens_of_the_argmax, "Take one place"),
        (lens_of_differences, "You read what each layer adds"),
        (lens_by_reshaping, "it does not swap axes"),
        (lens_by_one_hot, "is no number"),
        (lens_of_sums, "You add the streams up"),
        (lens_without_targets, "Take one place"),
        (lens_of_the_models_norm, "Use the norm that you are given"),
        (lens_of_rms_norm, "Use the norm that you are given"),
        (lens_over_rms, "Use the norm that you are given"),
        (lens_normed_twice, "You apply the norm twice"),
        (lens_with_a_bare_end, "The last stream is not normalised"),
        (lens_swapped, "· The scores come first, the targets second"),
        (lens_of_our_head, "model.head reads our model's 128 numbers only"),
        (lens_of_our_V, "V is logits.shape[-1]"),
        (lens_of_our_texts, "n, B, T, C = streams.shape"),
        (lens_of_too_many_places, "As many targets as places"),
        (lens_at_the_end, "Only the last place is read"),
        (lens_of_a_text, "Only the first text is read"),
        (lens_of_targets_turned, "texts and places are swapped"),
        (lens_interleaved, "repeat(n)"),
        (lens_of_running_prices, "a running sum"),
        (lens_of_running_scores, "Read each stream by itself"),
        (lens_as_perplexity, "no exp"),
    ],
}
