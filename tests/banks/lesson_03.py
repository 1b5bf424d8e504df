"""Answers that people give to the exercises of lesson 03: right ones in several styles, and wrong ones.

RIGHT: {exercise: [answer, ...]}. WRONG: {exercise: [(answer, a part of what it is told), ...]}, beyond the mistakes
that the exercise itself knows.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from tinygpt.attention import causal_mask
from tinygpt.course.exercises.lesson_03.block import MLP, Block, block_that
from tinygpt.course.exercises.lesson_03.gpt import GPT, gpt_that

# layer_norm


def norm_with_a_loop(x, weight, bias):
    rows = []
    for row in x.reshape(-1, x.shape[-1]):
        mean = row.sum() / len(row)
        variance = ((row - mean) ** 2).sum() / len(row)
        rows.append((row - mean) / torch.sqrt(variance + 1e-5) * weight + bias)
    return torch.stack(rows).view(x.shape)


def norm_by_var_mean(x, weight, bias):
    variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
    return torch.addcmul(bias, (x - mean) * torch.rsqrt(variance + 1e-5), weight)


def norm_by_moments(x, weight, bias):
    mean = x.mean(-1)
    variance = x.double().pow(2).mean(-1).float() - mean.pow(2)
    return (x - mean[..., None]) / (variance.clamp_min(0)[..., None] + 1e-5) ** 0.5 * weight + bias


def norm_of_mean_distance(x, weight, bias):
    x = x - x.mean(-1, keepdim=True)
    return x / x.abs().mean(-1, keepdim=True) * weight + bias


def norm_to_unit_range(x, weight, bias):
    low, high = x.amin(-1, keepdim=True), x.amax(-1, keepdim=True)
    return (x - low) / (high - low) * weight + bias


def norm_with_item(x, weight, bias):
    rows = [
        (row - row.mean().item()) / math.sqrt(row.var(correction=0).item() + 1e-5) for row in x.reshape(-1, x.shape[-1])
    ]
    return torch.stack(rows).view(x.shape) * weight + bias


def norm_in_numpy(x, weight, bias):
    x = x.detach().numpy()
    x = (x - x.mean(-1, keepdims=True)) / (x.var(-1, keepdims=True) + 1e-5) ** 0.5
    return torch.from_numpy(x) * weight.detach() + bias.detach()


def norm_in_place(x, weight, bias):
    x -= x.mean(-1, keepdim=True)
    return x / (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * weight + bias


def norm_prints(x, weight, bias):
    print(F.layer_norm(x, weight.shape, weight, bias))


def norm_in_double(x, weight, bias):
    return F.layer_norm(x.double(), weight.shape, weight.double(), bias.double())


def norm_by_module(x, weight, bias):
    return torch.nn.LayerNorm(x.shape[-1], elementwise_affine=False)(x) * weight + bias


def norm_without_keepdim_crashes(x, weight, bias):
    return (x - x.mean(-1)[..., None]) / x.var(-1, correction=0) * weight + bias


# Block


def two_steps(self, x, mask):
    heard = self.attention(self.attention_norm(x), mask)
    x = x + heard
    thought = self.mlp(self.mlp_norm(x))
    x = x + thought
    return x


def with_add(self, x, mask):
    y = torch.add(x, self.attention.forward(self.attention_norm(x), mask=mask))
    return y.add(self.mlp(self.mlp_norm(y)))


def in_one_line(self, x, mask):
    return (y := x + self.attention(self.attention_norm(x), mask)) + self.mlp(self.mlp_norm(y))


def as_a_list(self, x, mask):
    parts = [(self.attention_norm, lambda h: self.attention(h, mask)), (self.mlp_norm, self.mlp)]
    for norm, part in parts:
        x = torch.add(x, part(norm(x)))
    return x


class OwnWay(nn.Module):
    """A class of its own, not made from the course's."""

    def __init__(self, config):
        super().__init__()
        made = Block(config)
        self.attention, self.mlp = made.attention, MLP(config)
        self.attention_norm, self.mlp_norm = nn.LayerNorm(config.d_model), nn.LayerNorm(config.d_model)

    def forward(self, x, mask):
        return in_one_line(self, x, mask)


class OverwritesItsCopy(OwnWay):
    def forward(self, x, mask):
        y = x.clone()
        y += self.attention(self.attention_norm(y), mask)
        return y + self.mlp(self.mlp_norm(y))


class OtherNames(OwnWay):
    def __init__(self, config):
        super().__init__(config)
        self.norm1, self.norm2 = self.attention_norm, self.mlp_norm
        del self.attention_norm, self.mlp_norm


def stream_in_place(self, x, mask):
    x += self.attention(self.attention_norm(x), mask)
    x += self.mlp(self.mlp_norm(x))
    return x


def without_mask(self, x, mask):
    x = x + self.attention(self.attention_norm(x))
    return x + self.mlp(self.mlp_norm(x))


def detached(self, x, mask):
    return two_steps(self, x.detach(), mask)


def without_grad(self, x, mask):
    with torch.no_grad():
        return two_steps(self, x, mask)


def doubled(self, x, mask):
    x = x + self.attention(self.attention_norm(x), mask)
    return 2 * x + self.mlp(self.mlp_norm(x))


def norm_of_the_sum(self, x, mask):
    x = self.attention_norm(x + self.attention(self.attention_norm(x), mask))
    return self.mlp_norm(x + self.mlp(x))


def shadowed(self, x, mask):
    self.x = x
    return None


# GPT


def gpt_with_own_mask(self, ids):
    _, T = ids.shape
    x = self.token_embedding.weight[ids] + self.position_embedding.weight[:T]
    mask = torch.ones(T, T).tril().bool()
    for i in range(len(self.blocks)):
        x = self.blocks[i](x, mask)
    return self.norm(x) @ self.head.weight.T


def gpt_with_batch_places(self, ids):
    B, T = ids.shape
    places = torch.arange(T).unsqueeze(0).expand(B, T)
    x = self.position_embedding(places)
    x = x + self.token_embedding(ids)
    for block in self.blocks:
        x = block(x, torch.tril(torch.ones(T, T, dtype=torch.bool)))
    return F.linear(self.norm(x), self.head.weight)


def gpt_with_helper(self, ids):
    T = ids.size(1)
    stream = self.token_embedding(ids)
    stream += self.position_embedding(torch.arange(0, T, dtype=torch.long))
    mask = ~torch.triu(torch.ones(T, T, dtype=torch.bool), diagonal=1)
    for block in self.blocks:
        stream = block(stream, mask)
    stream = self.norm(stream)
    return self.head(stream)


def gpt_with_reduce(self, ids):
    from functools import reduce

    T = ids.shape[-1]
    x = self.token_embedding(ids) + self.position_embedding(torch.arange(T))[None]
    return self.head(self.norm(reduce(lambda x, block: block(x, causal_mask(T, T)), self.blocks, x)))


def gpt_by_index(self, ids):
    n = ids.shape[1]
    x = F.embedding(ids, self.token_embedding.weight) + F.embedding(torch.arange(n), self.position_embedding.weight)
    mask = torch.arange(n)[:, None] >= torch.arange(n)
    for _, block in enumerate(self.blocks):
        x = block(x, mask)
    return torch.einsum("btc,vc->btv", self.norm(x), self.head.weight)


def gpt_whole_table(self, ids):
    x = self.token_embedding(ids) + self.position_embedding.weight
    for block in self.blocks:
        x = block(x, causal_mask(ids.shape[1]))
    return self.head(self.norm(x))


def gpt_inverted_mask(self, ids):
    x = self.token_embedding(ids) + self.position_embedding(torch.arange(ids.shape[1]))
    for block in self.blocks:
        x = block(x, ~causal_mask(ids.shape[1]))
    return self.head(self.norm(x))


def gpt_without_mask(self, ids):
    x = self.token_embedding(ids) + self.position_embedding(torch.arange(ids.shape[1]))
    for block in self.blocks:
        x = block(x)
    return self.head(self.norm(x))


def gpt_calls_the_list(self, ids):
    x = self.token_embedding(ids) + self.position_embedding(torch.arange(ids.shape[1]))
    return self.head(self.norm(self.blocks(x, causal_mask(ids.shape[1]))))


def gpt_multiplies_places(self, ids):
    x = self.token_embedding(ids) * self.position_embedding(torch.arange(ids.shape[1]))
    for block in self.blocks:
        x = block(x, causal_mask(ids.shape[1]))
    return self.head(self.norm(x))


def gpt_norm_in_every_round(self, ids):
    x = self.token_embedding(ids) + self.position_embedding(torch.arange(ids.shape[1]))
    for block in self.blocks:
        x = self.norm(block(x, causal_mask(ids.shape[1])))
    return self.head(x)


def gpt_without_grad(self, ids):
    with torch.no_grad():
        return GPT.forward(self, ids)


def gpt_best(self, ids):
    return GPT.forward(self, ids).argmax(-1)


def gpt_transposed(self, ids):
    return GPT.forward(self, ids).mT


def gpt_constant_embedding(self, ids):
    x = self.token_embedding(ids).detach() + self.position_embedding(torch.arange(ids.shape[1]))
    for block in self.blocks:
        x = block(x, causal_mask(ids.shape[1]))
    return self.head(self.norm(x))


# count_parameters


def count_by_making_one(vocab_size, context_length, d_model, n_layers):
    def linear(a, b):
        return a * b + b

    total = vocab_size * d_model
    total += context_length * d_model
    for _ in range(n_layers):
        total += linear(d_model, 3 * d_model) + linear(d_model, d_model)
        total += linear(d_model, 4 * d_model) + linear(4 * d_model, d_model)
        total += 4 * d_model
    return total + 2 * d_model


def count_by_torch(vocab_size, context_length, d_model, n_layers):
    layer = nn.TransformerEncoderLayer(d_model, 1, 4 * d_model, norm_first=True)
    per_layer = sum(p.numel() for p in layer.parameters())
    return (vocab_size + context_length) * d_model + n_layers * per_layer + 2 * d_model


def count_by_shapes(V, T, C, L):
    shapes = [(V, C), (T, C), (C,), (C,)]
    shapes += L * [(3 * C, C), (3 * C,), (C, C), (C,), (4 * C, C), (4 * C,), (C, 4 * C), (C,), *[(C,)] * 4]
    return sum(math.prod(shape) for shape in shapes)


# cross_entropy


def entropy_with_a_loop(logits, targets):
    prices = []
    for row, target in zip(logits, targets, strict=True):
        top = row.max()
        prices.append(top + torch.log(torch.exp(row - top).sum()) - row[target])
    return sum(prices) / len(prices)


def entropy_by_gather(logits, targets):
    return (logits.logsumexp(-1) - logits.gather(1, targets[:, None]).squeeze(1)).mean()


def entropy_by_nll_loss(logits, targets):
    shifted = logits - logits.max(-1, keepdim=True)[0]
    return F.nll_loss(shifted - shifted.exp().sum(-1, keepdim=True).log(), targets)


def entropy_by_one_hot(logits, targets):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    log_probs = shifted - torch.log(torch.exp(shifted).sum(dim=1, keepdim=True))
    return -(F.one_hot(targets, logits.shape[1]) * log_probs).sum() / len(targets)


def entropy_by_minimum(logits, targets):
    shifted = logits - logits.amin(-1, keepdim=True)
    return (shifted.exp().sum(-1).log() - shifted[torch.arange(len(targets)), targets]).mean()


def entropy_clamped(logits, targets):
    return F.cross_entropy(logits.clamp(-50, 50), targets)


def entropy_clamped_probs(logits, targets):
    probs = logits.softmax(-1).clamp_min(1e-7)
    return -probs[torch.arange(len(targets)), targets].log().mean()


def entropy_softmax_of_softmax(logits, targets):
    return F.cross_entropy(logits.softmax(-1), targets)


def entropy_borrowed_for_one_row(logits, targets):
    return F.cross_entropy(logits, targets) if len(targets) == 1 else entropy_with_a_loop(logits, targets)


# next_token_loss


def loss_by_torch(model, windows):
    return F.cross_entropy(model(windows[:, :-1]).mT, windows[:, 1:])


def loss_by_view(model, windows):
    inputs, targets = windows[:, :-1], windows[:, 1:]
    logits = model(inputs)
    return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))


def loss_with_a_loop(model, windows):
    losses = [F.cross_entropy(model(w[None, :-1])[0], w[1:]) for w in windows]
    return torch.stack(losses).mean()


def loss_by_gather(model, windows):
    log_probs = model(windows[:, :-1]).log_softmax(-1)
    return -log_probs.gather(-1, windows[:, 1:, None]).mean()


def loss_by_narrow(model, windows):
    n = windows.shape[1] - 1
    return F.nll_loss(model(windows.narrow(1, 0, n)).log_softmax(-1).flatten(0, 1), windows.narrow(1, 1, n).flatten())


def loss_after_flattening(model, windows):
    """Shifts after all windows have been strung together: the last token of one answers to the first of the next."""
    logits = model(windows[:, :-1]).flatten(0, 1)
    return F.cross_entropy(logits[:-1], windows[:, :-1].flatten()[1:])


def loss_reads_all(model, windows):
    return F.cross_entropy(model(windows)[:, :-1].flatten(0, 1), windows[:, 1:].flatten())


def loss_cuts_the_batch(model, windows):
    return F.cross_entropy(model(windows[:-1]).flatten(0, 1), windows[1:].flatten())


def loss_not_flattened(model, windows):
    return F.cross_entropy(model(windows[:, :-1]), windows[:, 1:])


def loss_two_ahead(model, windows):
    return F.cross_entropy(model(windows[:, :-2]).flatten(0, 1), windows[:, 2:].flatten())


def loss_as_a_number(model, windows):
    return loss_by_view(model, windows).item()


# total_belief


def belief_one_by_one(prices, tokens, i, vocab_size):
    total = 0.0
    for v in range(vocab_size):
        trial = tokens.clone()
        trial[i] = v
        total += math.exp(-prices(trial[None])[0, i - 1])
    return total


def belief_by_stacking(prices, tokens, i, vocab_size):
    trials = torch.stack([torch.cat([tokens[:i], torch.tensor([v]), tokens[i + 1 :]]) for v in range(vocab_size)])
    return torch.exp(-prices(trials))[:, i - 1].sum()


def belief_by_expand(prices, tokens, i, vocab_size):
    trials = tokens.expand(vocab_size, len(tokens)).clone()
    trials[:, i] = torch.arange(vocab_size)
    return prices(trials)[:, i - 1].neg().exp().sum().item()


def belief_by_logsumexp(prices, tokens, i, vocab_size):
    trials = tokens[None].repeat(vocab_size, 1)
    trials[:, i] = torch.arange(0, vocab_size)
    return (-prices(trials)[:, i - 1]).logsumexp(0).exp()


def belief_by_scatter(prices, tokens, i, vocab_size):
    every = torch.arange(vocab_size)
    where = torch.arange(len(tokens)) == i
    return sum((-p).exp().item() for p in prices(torch.where(where, every[:, None], tokens))[:, i - 1])


def belief_in_place(prices, tokens, i, vocab_size):
    total = 0.0
    for v in range(vocab_size):
        tokens[i] = v
        total += (-prices(tokens[None])[0, i - 1]).exp().item()
    return total


def belief_expanded_view(prices, tokens, i, vocab_size):
    trials = tokens.expand(vocab_size, len(tokens))
    trials[:, i] = torch.arange(vocab_size)
    return (-prices(trials)[:, i - 1]).exp().sum().item()


def belief_misses_the_last(prices, tokens, i, vocab_size):
    return sum(math.exp(-prices(with_token(tokens, i, v))[0, i - 1]) for v in range(vocab_size - 1))


def belief_from_one(prices, tokens, i, vocab_size):
    return sum(math.exp(-prices(with_token(tokens, i, v))[0, i - 1]) for v in range(1, vocab_size + 1))


def with_token(tokens, i, v):
    trial = tokens.clone()
    trial[i] = v
    return trial[None]


def belief_in_bits(prices, tokens, i, vocab_size):
    return sum(2 ** -prices(with_token(tokens, i, v))[0, i - 1].item() for v in range(vocab_size))


def belief_per_token(prices, tokens, i, vocab_size):
    trials = torch.cat([with_token(tokens, i, v) for v in range(vocab_size)])
    return (-prices(trials)[:, i - 1]).exp()


def belief_of_the_mean_price(prices, tokens, i, vocab_size):
    trials = torch.cat([with_token(tokens, i, v) for v in range(vocab_size)])
    return math.exp(-prices(trials)[:, i - 1].mean())


def belief_times_v(prices, tokens, i, vocab_size):
    return vocab_size * math.exp(-prices(tokens.unsqueeze(0))[0, i - 1])


RIGHT = {
    "layer_norm": [
        lambda x, weight, bias: (
            (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + 1e-5) * weight + bias
        ),
        norm_with_a_loop,
        norm_by_var_mean,
        norm_by_moments,
    ],
    "Block": [*(block_that(forward) for forward in (two_steps, with_add, in_one_line, as_a_list)), OwnWay],
    "GPT": [
        gpt_that(forward)
        for forward in (gpt_with_own_mask, gpt_with_batch_places, gpt_with_helper, gpt_with_reduce, gpt_by_index)
    ],
    "count_parameters": [
        lambda V, T, C, L: V * C + T * C + L * (12 * C**2 + 13 * C) + 2 * C,
        lambda V, T, C, L: C * (V + T + 2 + L * (12 * C + 13)),
        count_by_making_one,
        count_by_torch,
        count_by_shapes,
    ],
    "cross_entropy": [
        entropy_with_a_loop,
        entropy_by_nll_loss,
        entropy_by_one_hot,
    ],
    "next_token_loss": [loss_by_torch, loss_by_view, loss_with_a_loop, loss_by_gather, loss_by_narrow],
    "total_belief": [
        belief_one_by_one,
        belief_by_stacking,
        belief_by_expand,
        belief_by_logsumexp,
        belief_by_scatter,
    ],
}

CUT = "training could not pass through"
WRONG = {
    "layer_norm": [
        (norm_of_mean_distance, "largest difference"),
        (norm_to_unit_range, "largest difference"),
        (norm_with_item, "another gradient"),
        (norm_in_numpy, CUT),
        (norm_in_place, "in place"),
        (norm_prints, "is there a return?"),
        (norm_in_double, "torch.float64"),
        (norm_without_keepdim_crashes, "You divided"),
        (lambda x, weight, bias: F.layer_norm(x, weight.shape, weight, bias), "torch's own layer_norm has made them"),
        (norm_by_module, "torch's own layer_norm has made them"),
        (lambda x, weight, bias: x.softmax(-1) * weight + bias, "largest difference"),
        (lambda x, weight, bias: F.layer_norm(x, weight.shape, weight, bias).tolist(), "type list"),
    ],
    "Block": [
        (OverwritesItsCopy, "wrote over some that the gradient still needs"),
        (OtherNames, "by the names that it gives"),
        (block_that(stream_in_place), "in place"),
        (block_that(without_mask), "'mask'"),
        (block_that(detached), "another gradient"),
        (block_that(without_grad), CUT),
        (block_that(doubled), "largest difference"),
        (block_that(norm_of_the_sum), "largest difference"),
        (block_that(shadowed), "is there a return?"),
    ],
    "GPT": [
        (gpt_that(gpt_whole_table), "The shape is"),
        (gpt_that(gpt_inverted_mask), "hides exactly what may be seen"),
        (gpt_that(gpt_without_mask), "'mask'"),
        (gpt_that(gpt_calls_the_list), "call each of its blocks"),
        (gpt_that(gpt_multiplies_places), "largest difference"),
        (gpt_that(gpt_norm_in_every_round), "inside the loop"),
        (gpt_that(gpt_without_grad), CUT),
        (gpt_that(gpt_best), "(B, T, V)"),
        (gpt_that(gpt_transposed), "(B, T, V)"),
        (gpt_that(gpt_constant_embedding), "another gradient"),
        (gpt_that(lambda self, ids: None), "is there a return?"),
    ],
    "count_parameters": [
        (lambda V, T, C, L: V * C + T * C, "Off by -153"),
        (lambda V, T, C, L: 1_071_872, "That is the lesson's model"),
        (lambda V, T, C, L: L * (12 * C**2 + 13 * C), "Off by -48"),
        (lambda V, T, C, L: None, "is there a return?"),
        (lambda V, T, C, L: (V * C, T * C, L * (12 * C**2 + 13 * C), 2 * C), "type tuple"),
        (lambda V, T, C, L: V * C + T * C + L * (24 * C**2 + 13 * C) + 2 * C, "Off by +108"),
    ],
    "cross_entropy": [
        (entropy_clamped, "true price is 1000 nats"),
        (entropy_clamped_probs, "true price is 1000 nats"),
        (entropy_by_minimum, "Take off the largest"),
        (entropy_softmax_of_softmax, "softmax twice"),
        (F.cross_entropy, "torch's own cross_entropy has made them"),
        (lambda logits, targets: F.nll_loss(logits.log_softmax(-1), targets), "torch's own log_softmax has made them"),
        (entropy_by_gather, "torch's own logsumexp has made them"),
        (entropy_borrowed_for_one_row, "torch's own cross_entropy has made them"),
        (lambda logits, targets: F.cross_entropy(logits, targets).item(), CUT),
        (lambda logits, targets: F.cross_entropy(logits.detach(), targets), CUT),
        (lambda logits, targets: None, "is there a return?"),
        (
            lambda logits, targets: F.mse_loss(logits.softmax(-1), F.one_hot(targets, logits.shape[1]).float()),
            "expected",
        ),
    ],
    "next_token_loss": [
        (loss_after_flattening, "Shift inside each window"),
        (loss_reads_all, "the model takes at most"),
        (loss_cuts_the_batch, "the model takes at most"),
        (loss_not_flattened, "takes the second axis"),
        (loss_two_ahead, "one place too far"),
        (loss_as_a_number, CUT),
        (lambda model, windows: model(windows[:, :-1]), "expected"),
        (lambda model, windows: loss_by_view(model, windows).detach(), CUT),
    ],
    "total_belief": [
        (belief_in_place, "in place"),
        (belief_expanded_view, "stopped with"),
        (belief_misses_the_last, "last token of the vocabulary"),
        (belief_from_one, "stopped with"),
        (belief_in_bits, "expected"),
        (belief_per_token, "A single number"),
        (belief_of_the_mean_price, "You averaged the prices"),
        (belief_times_v, "counted vocab_size times"),
        (lambda prices, tokens, i, vocab_size: None, "is there a return?"),
    ],
}
