"""Answers that people give to the exercises of lesson 07: right ones in several styles, and wrong ones.

RIGHT: {exercise: [answer, ...]}. WRONG: {exercise: [(answer, a part of what it is told), ...]}, beyond the mistakes
that the exercise itself knows.
"""

import math
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F

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
        (best_text, "Take one head and one text"),
        (cut_twice, "row 1 counts too"),
        (without_the_last, "all rows but the first count"),
        (as_an_array, "torch.from_numpy"),
        (as_lists, "A tensor (layers, heads) is wanted"),
        (default_axes, "a number for each layer and head"),
        (four_axes, "a number for each layer and head"),
        (in_per_cent, "Take one head and one text"),
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
    ],
    "rank_heads": [
        (hooks_stay, "handle.remove() after each price()"),
        (hooks_stay, "several at once"),
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
        (removed_too_early, "nothing was changed when you asked"),
        (tuple_handed_on, "inputs[0]"),
        (as_a_dict, "A list is wanted"),
        (names_only, "The second of each pair"),
        (triples, "Each entry is a pair"),
        (in_numpy, "is a tensor (documents,)"),
        (sorted_as_they_are, "key=lambda one: one[1].sum()"),
        (extra_first, "(layer, head) first"),
        (sorted_by_the_tensor, "sort by its sum"),
        (the_first_three, "2 heads in all"),
        (the_last_head_everywhere, "each with its own head"),
    ],
    "logit_lens": [
        (lens_as_a_list, "torch.tensor(list of numbers)"),
        (lens_by_softmax_then_cross_entropy, "yours is applied twice"),
        (lens_of_layer_norm, "Take one place of one stream by hand"),
        (lens_of_the_weight, "Norm and head are functions here"),
        (lens_unflattened, "flatten places first"),
        (lens_of_the_argmax, "Take one place"),
        (lens_of_differences, "You read what each layer adds"),
        (lens_by_reshaping, "it does not swap axes"),
        (lens_by_one_hot, "is no number"),
        (lens_of_sums, "You add the streams up"),
        (lens_without_targets, "Take one place"),
        (lens_as_perplexity, "Take one place"),
    ],
}
