"""Exercises of lesson 03: the parts of a GPT, the whole of it, its price, its size, and a cheat."""

import zlib

import torch
import torch.nn.functional as F
from torch import nn

from tinygpt.attention import CausalSelfAttention, causal_mask
from tinygpt.config import ModelConfig
from tinygpt.course.judging import Exercise, Mistake, difference, same

# What comes back in place of a result with which the lesson could not go on.
NO_GRADIENT = "a result through which no gradient flows"
OTHER_GRADIENT = "the right numbers, but another gradient"
OVERWRITTEN = "the right numbers, but some that the gradient needs were overwritten"
OTHER_NAMES = "a model whose parts have other names"
CLOSE = 1e-4


def look_at_use(got, expected, *arguments):
    """A message for what only shows when an answer is trained."""
    if got == NO_GRADIENT:
        return (
            "The numbers are right, but training could not pass through: .item(), .detach(), .tolist(), numpy and "
            "torch.tensor(...) cut the thread that gradients follow. Stay with operations on tensors."
        )
    if got == OTHER_GRADIENT:
        return "The numbers are right, but part of the computation is cut off from the gradient: is there a detach()?"
    if got == OVERWRITTEN:
        return "The numbers are right, but += wrote over some that the gradient still needs. Write x = x + ... instead."
    if got == OTHER_NAMES:
        return "Leave __init__ as it is: weights are copied from model to model by the names that it gives."
    if isinstance(got, str) and got.startswith("a tensor of torch."):
        return f"The numbers are right, but it is {got}; the other parts of the model work with torch.float32."
    return None


def usable(result, expected, arguments, given):
    """The result, or what is wrong with it although its numbers are right: its type, or no gradient in it.

    arguments, given: what the answer was called with, before and after; an answer that changed it is told so elsewhere.
    """
    if not same(result, expected, CLOSE) or not same(arguments, given, 0.0):
        return result
    if not isinstance(result, torch.Tensor) or not result.requires_grad:
        return NO_GRADIENT
    return result if result.dtype == expected.dtype else f"a tensor of {result.dtype}"


def gradients(result, inputs):
    """Of a result's numbers, each weighed differently, with respect to the inputs."""
    weighed = (result * torch.arange(1.0, result.numel() + 1).view_as(result)).sum()
    found = torch.autograd.grad(weighed, inputs, allow_unused=True)
    return [torch.zeros_like(x) if grad is None else grad for x, grad in zip(inputs, found, strict=True)]


def with_gradients(result, inputs, expected):
    """The result, if it is usable and its gradients are those expected, or else what is wrong with them."""
    if not isinstance(result, torch.Tensor) or not result.requires_grad:
        return result
    try:
        return result.detach() if same(gradients(result, inputs), expected, 1e-3) else OTHER_GRADIENT
    except RuntimeError as problem:
        if "inplace operation" in str(problem):
            return OVERWRITTEN
        raise


def tried_with_gradients(answer, reference, *tensors):
    """Call an answer on tensors that want gradients; compare the gradients as well."""
    inputs = [x.clone().requires_grad_() if x.is_floating_point() else x for x in tensors]
    wanted = [x for x in inputs if x.requires_grad]
    given = [x * 1 if x.requires_grad else x.clone() for x in inputs]  # may be written into, so that we see it
    result, expected = answer(*given), reference(*inputs)
    for x, after in zip(tensors, given, strict=True):
        if not same(x, after, 0.0):
            x.copy_(after.detach())  # whoever judges looks here for changes
    result = usable(result, expected, inputs, given)
    return with_gradients(result, wanted, gradients(expected, wanted)) if same(result, expected, CLOSE) else result


# layer_norm


def layer_norm(x, weight, bias, eps=1e-5):
    mean = x.mean(dim=-1, keepdim=True)  # (..., 1)
    variance = (x - mean).pow(2).mean(dim=-1, keepdim=True)  # (..., 1)
    return (x - mean) / (variance + eps).sqrt() * weight + bias  # (..., C)


def vectors():
    dice = torch.Generator().manual_seed(3)

    def draw(*shape):
        return torch.randn(shape, generator=dice)

    yield torch.tensor([1.0, 7.0, 7.0, 9.0]), torch.ones(4), torch.zeros(4)
    yield torch.tensor([1.0, 7.0, 7.0, 9.0]), torch.tensor([1.0, 1.0, 1.0, 3.0]), torch.tensor([0.0, 0.0, 10.0, 0.0])
    yield torch.tensor([[1.0, 3.0], [2.0, 8.0]]), torch.ones(2), torch.zeros(2)
    yield torch.tensor([5.0, 5.0, 5.0]), torch.ones(3), torch.zeros(3)
    yield torch.tensor([0.001, 0.007, 0.007, 0.009]), torch.ones(4), torch.zeros(4)
    yield draw(2, 4, 4) * 5, draw(4), draw(4)
    yield draw(2, 3, 8) + 2, draw(8), draw(8)


def use_layer_norm(answer, x, weight, bias):
    """The small examples are for the numbers; the larger ones, at the end, for what training needs as well."""
    if x.ndim < 3:
        return answer(x, weight, bias)
    return tried_with_gradients(answer, layer_norm, x, weight, bias)


def normalised(x, spread, mean=None):
    return (x - (x.mean(-1, keepdim=True) if mean is None else mean)) / spread


def std(x, eps=1e-5):
    return (x.var(-1, keepdim=True, correction=0) + eps).sqrt()


LAYER_NORM = Exercise(
    name="layer_norm",
    reference=layer_norm,
    examples=vectors,
    use=use_layer_norm,
    explain=look_at_use,
    hints=(
        "Three steps for each vector: subtract its mean, divide by its standard deviation, then weight and bias. All "
        "averages run over the last axis: dim=-1, keepdim=True.",
        "The variance is the mean of the squared distances from the mean: (x - mean).pow(2).mean(dim=-1, keepdim=True)."
        " Add 1e-5 to it before you take the root.",
        "return (x - mean) / (variance + 1e-5).sqrt() * weight + bias",
    ),
    mistakes=(
        Mistake(
            "torch's var and std divide by C - 1 unless told otherwise. The plain mean of the squares is meant: "
            "correction=0.",
            lambda x, weight, bias: normalised(x, (x.var(-1, keepdim=True) + 1e-5).sqrt()) * weight + bias,
        ),
        Mistake(
            "torch's std divides by C - 1 unless told otherwise, and the 1e-5 belongs under the root, with the "
            "variance.",
            lambda x, weight, bias: normalised(x, x.std(-1, keepdim=True) + 1e-5) * weight + bias,
        ),
        Mistake(
            "Is the 1e-5 under the root? Added to the standard deviation it is nearly nothing; added to the variance "
            "it keeps a vector of tiny numbers from being blown up.",
            lambda x, weight, bias: normalised(x, std(x, 0) + 1e-5) * weight + bias,
        ),
        Mistake(
            "Where all numbers of a vector are equal, that is 0 / 0. Add 1e-5 to the variance.",
            lambda x, weight, bias: normalised(x, std(x, 0)) * weight + bias,
        ),
        Mistake(
            "You divided by the variance. Its root, the standard deviation, is in the same unit as x.",
            lambda x, weight, bias: normalised(x, std(x) ** 2) * weight + bias,
        ),
        Mistake(
            "The mean is still in it: subtract it first. (Without, you have built RMSNorm, which lesson 09 will use.)",
            lambda x, weight, bias: x / (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * weight + bias,
        ),
        Mistake(
            "You divided x itself: subtract the mean above the line too.",
            lambda x, weight, bias: x / std(x) * weight + bias,
        ),
        Mistake(
            "The mean is gone, but the spread is as large as before: divide by the standard deviation.",
            lambda x, weight, bias: (x - x.mean(-1, keepdim=True)) * weight + bias,
        ),
        Mistake(
            "Weight and bias are missing: the last two lines of the recipe.",
            lambda x, weight, bias: normalised(x, std(x)),
        ),
        Mistake(
            "The bias is missing: + bias at the end.",
            lambda x, weight, bias: normalised(x, std(x)) * weight,
        ),
        Mistake(
            "First times weight, then plus bias; you added before you multiplied.",
            lambda x, weight, bias: (normalised(x, std(x)) + bias) * weight,
        ),
        Mistake(
            "One mean for everything, over all axes. Each position has its own: dim=-1, keepdim=True. (A mean over all "
            "positions would even let the past see the future.)",
            lambda x, weight, bias: (x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt() * weight + bias,
        ),
        Mistake(
            "Your averages run down the columns, over positions. They belong to each vector: the last axis, dim=-1.",
            lambda x, weight, bias: (
                (x - x.mean(0, keepdim=True)) / (x.var(0, keepdim=True, correction=0) + 1e-5).sqrt() * weight + bias
            ),
        ),
        Mistake(
            "The mean is without keepdim=True: it lies along the wrong axis, and each column got the mean of a row.",
            lambda x, weight, bias: (x - x.mean(-1)) / std(x) * weight + bias,
        ),
        Mistake(
            "The variance is without keepdim=True: it lies along the wrong axis, and each column was divided by a "
            "row's.",
            lambda x, weight, bias: normalised(x, std(x).squeeze(-1)) * weight + bias,
        ),
        Mistake(
            "Times weight, then plus bias; you multiplied by the sum of the two.",
            lambda x, weight, bias: normalised(x, std(x)) * (weight + bias),
        ),
        Mistake(
            "Divided by the length of the vector, the root of the *sum* of squares. It is the root of their mean, and "
            "1e-5 under it.",
            lambda x, weight, bias: F.normalize(x - x.mean(-1, keepdim=True), dim=-1) * weight + bias,
        ),
        Mistake(
            "Without keepdim=True the means lie along the wrong axis: here each column got the mean of a row.",
            lambda x, weight, bias: (x - x.mean(-1)) / ((x - x.mean(-1)).pow(2).mean(-1) + 1e-5).sqrt() * weight + bias,
        ),
    ),
)


# Block


class LayerNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        return layer_norm(x, self.weight, self.bias)


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.up = nn.Linear(config.d_model, 4 * config.d_model)
        self.output = nn.Linear(4 * config.d_model, config.d_model)

    def forward(self, x):
        return self.output(F.gelu(self.up(x)))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention_norm = LayerNorm(config.d_model)
        self.attention = CausalSelfAttention(config, layer=0)
        self.mlp_norm = LayerNorm(config.d_model)
        self.mlp = MLP(config)

    def forward(self, x, mask):
        x = x + self.attention(self.attention_norm(x), mask)  # (B, T, C)
        return x + self.mlp(self.mlp_norm(x))  # (B, T, C)


class Does(nn.Module):
    """A part that does something a reader can follow by hand."""

    def __init__(self, what):
        super().__init__()
        self.what = what

    def forward(self, x):
        return self.what(x)


class DoesUnderMask(Does):
    """The same for a part that has to be given the mask."""

    def forward(self, x, mask):
        return self.what(x) if mask is not None else torch.zeros_like(x)


TOY_BLOCK = "a block whose norms add 1 and 2, whose attention multiplies by 10, whose MLP multiplies by 100"
REAL_BLOCK = "a block of width 8 with random weights"


def use_block(answer, kind, x):
    config = small_config(d_model=x.shape[-1] if kind == REAL_BLOCK else 2)
    block = answer(config)
    if not same_names(block, Block(config)):
        return OTHER_NAMES
    mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril(0 if kind == TOY_BLOCK else 1)  # not always causal
    if kind == TOY_BLOCK:
        block.attention_norm, block.mlp_norm = Does(lambda x: x + 1), Does(lambda x: x + 2)
        block.attention, block.mlp = DoesUnderMask(lambda x: 10 * x), Does(lambda x: 100 * x)
        return block(x, mask)
    reference = filled(Block(config))
    return tried_with_gradients(lambda x: filled(block)(x, mask), lambda x: reference(x, mask), x)


def small_config(**sizes):
    return ModelConfig.preset("gpt2", **{"vocab_size": 5, "context_length": 4, "n_heads": 2, "n_layers": 2} | sizes)


def same_names(model, reference):
    return dict(model.named_parameters()).keys() == dict(reference.named_parameters()).keys()


@torch.no_grad()
def filled(model):
    """The model with weights that depend on their names only, so that two of the same parts get the same."""
    for name, p in model.named_parameters():
        dice = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        p.copy_(torch.randn(p.shape, generator=dice) * 0.3 + (p.ndim == 1))
    return model


def streams():
    dice = torch.Generator().manual_seed(4)
    yield TOY_BLOCK, torch.tensor([[[1.0]]])
    yield TOY_BLOCK, torch.tensor([[[0.0, 1.0], [2.0, -1.0]]])
    yield REAL_BLOCK, torch.randn(2, 3, 8, generator=dice)


def block_that(forward):
    """A Block with another forward."""
    return type("Block", (Block,), {"forward": forward})


BLOCK = Exercise(
    name="Block",
    reference=Block,
    advice={"missing 1 required positional argument: 'mask'": "attention is called with x and the mask."},
    examples=streams,
    use=use_block,
    explain=look_at_use,
    hints=(
        "Twice the same sentence: x becomes x plus what a part makes of a normalised copy of x.",
        "The first part is self.attention, given self.attention_norm(x) and the mask. The second is self.mlp; it reads "
        "the x that attention has already written into.",
        "x = x + self.attention(self.attention_norm(x), mask), then return x + the same with mlp_norm and mlp.",
    ),
    mistakes=(
        Mistake(
            "You made a mask of your own. The block is given one: hand on that.",
            block_that(lambda self, x, mask: Block.forward(self, x, causal_mask(x.shape[1]))),
        ),
        Mistake(
            "The MLP reads what attention has written, and nothing else. It should read the new x, to which attention "
            "has added.",
            block_that(lambda self, x, mask: mlp_reads_attention(self, x, mask)),
        ),
        Mistake(
            "You normalised what the parts write. They should *read* a normalised copy: self.mlp(self.mlp_norm(x)).",
            block_that(lambda self, x, mask: normed_branches(self, x, mask)),
        ),
        Mistake(
            "The stream is gone: your parts replace x. Each has to add to it, x + ...",
            block_that(lambda self, x, mask: self.mlp(self.mlp_norm(self.attention(self.attention_norm(x), mask)))),
        ),
        Mistake(
            "That is post-norm, as in the Transformer of 2017: here the norm stands on the road itself. We normalise "
            "only the copy that a part reads; the stream is never touched but by adding.",
            block_that(lambda self, x, mask: post_norm(self, x, mask)),
        ),
        Mistake(
            "Attention and MLP read the same x, side by side. Here the MLP comes second: it reads the stream after "
            "attention has written into it.",
            block_that(
                lambda self, x, mask: x + self.attention(self.attention_norm(x), mask) + self.mlp(self.mlp_norm(x))
            ),
        ),
        Mistake(
            "You added to the normalised copy. Keep x itself: x + part(norm(x)).",
            block_that(lambda self, x, mask: adds_to_the_copy(self, x, mask)),
        ),
        Mistake(
            "No norms: each part reads a normalised copy of the stream.",
            block_that(lambda self, x, mask: without_norms(self, x, mask)),
        ),
        Mistake(
            "The MLP reads the bare stream; give it self.mlp_norm(x).",
            block_that(lambda self, x, mask: reads_bare(self, x, mask, mlp=True)),
        ),
        Mistake(
            "Attention reads the bare stream; give it self.attention_norm(x).",
            block_that(lambda self, x, mask: reads_bare(self, x, mask, mlp=False)),
        ),
        Mistake(
            "The two norms are exchanged: attention_norm goes before attention, mlp_norm before the MLP.",
            block_that(lambda self, x, mask: with_norms(self, x, mask, self.mlp_norm, self.attention_norm)),
        ),
        Mistake(
            "You used attention_norm twice. Each norm has weights of its own: self.mlp_norm before the MLP.",
            block_that(lambda self, x, mask: with_norms(self, x, mask, self.attention_norm, self.attention_norm)),
        ),
        Mistake(
            "First the MLP, then attention: it is the other way round.",
            block_that(lambda self, x, mask: mlp_first(self, x, mask)),
        ),
        Mistake(
            "What attention wrote is lost: the second sum starts from the old x. Write x = x + ... the first time.",
            block_that(
                lambda self, x, mask: x + self.mlp(self.mlp_norm(x + self.attention(self.attention_norm(x), mask)))
            ),
        ),
        Mistake(
            "The MLP's result has to be added to the stream too.",
            block_that(lambda self, x, mask: self.mlp(self.mlp_norm(x + self.attention(self.attention_norm(x), mask)))),
        ),
        Mistake(
            "Attention's result has to be added to the stream too.",
            block_that(lambda self, x, mask: replaces_by_attention(self, x, mask)),
        ),
        Mistake(
            "There is no mask in that: attention has to be given the mask that your block was given.",
            block_that(lambda self, x, mask: Block.forward(self, x, None if mask.ndim else mask)),
        ),
        Mistake(
            "Only attention writes into the stream. The MLP's turn is missing.",
            block_that(lambda self, x, mask: x + self.attention(self.attention_norm(x), mask)),
        ),
    ),
)


def mlp_reads_attention(self, x, mask):
    heard = self.attention(self.attention_norm(x), mask)
    return x + heard + self.mlp(self.mlp_norm(heard))


def normed_branches(self, x, mask):
    x = x + self.attention_norm(self.attention(x, mask))
    return x + self.mlp_norm(self.mlp(x))


def post_norm(self, x, mask):
    x = self.attention_norm(x + self.attention(x, mask))
    return self.mlp_norm(x + self.mlp(x))


def adds_to_the_copy(self, x, mask):
    x = self.attention_norm(x)
    x = self.mlp_norm(x + self.attention(x, mask))
    return x + self.mlp(x)


def without_norms(self, x, mask):
    x = x + self.attention(x, mask)
    return x + self.mlp(x)


def reads_bare(self, x, mask, mlp):
    x = x + self.attention(self.attention_norm(x) if mlp else x, mask)
    return x + self.mlp(x if mlp else self.mlp_norm(x))


def with_norms(self, x, mask, first, second):
    x = x + self.attention(first(x), mask)
    return x + self.mlp(second(x))


def mlp_first(self, x, mask):
    x = x + self.mlp(self.mlp_norm(x))
    return x + self.attention(self.attention_norm(x), mask)


def replaces_by_attention(self, x, mask):
    x = self.attention(self.attention_norm(x), mask)
    return x + self.mlp(self.mlp_norm(x))


# GPT


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.norm = LayerNorm(config.d_model)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.tied:
            self.head.weight = self.token_embedding.weight

    def forward(self, ids):
        T = ids.shape[1]
        positions = torch.arange(T, device=ids.device)  # (T,)
        x = self.token_embedding(ids) + self.position_embedding(positions)  # (B, T, C)
        mask = causal_mask(T, device=ids.device)  # (T, T)
        for block in self.blocks:
            x = block(x, mask)  # (B, T, C)
        return self.head(self.norm(x))  # (B, T, V)


TOY_GPT = (
    "token rows [1, 0], [0, 1], [1, 1]; place rows [10, 0], [20, 0], [30, 0]; the first block doubles, the second adds "
    "1; the norm multiplies by 10"
)
REAL_GPT = "two real blocks of width 8, random weights"


def use_gpt(answer, kind, ids):
    sizes = {"vocab_size": 3, "context_length": 3, "d_model": 2} if kind == TOY_GPT else {"d_model": 8, "tied": False}
    model, reference = answer(small_config(**sizes)), GPT(small_config(**sizes))
    if not same_names(model, reference):
        return OTHER_NAMES
    model, reference = (toy_gpt if kind == TOY_GPT else filled)(model), filled(reference)
    before = ids.clone()
    result = called(model, ids)
    if kind == TOY_GPT:
        return result
    expected = reference(before)
    result = usable(result, expected, [before], [ids])
    if not same(result, expected, CLOSE):
        return result
    return with_gradients(result, list(model.parameters()), gradients(expected, list(reference.parameters())))


def called(model, ids):
    try:
        return model(ids)
    except NotImplementedError as problem:
        if "ModuleList" in str(problem):  # torch's own way to say that a list of modules can't be called
            raise TypeError("self.blocks is a list: call each of its blocks, in a loop") from None
        raise


@torch.no_grad()
def toy_gpt(model):
    model.token_embedding.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [1, 1]]))
    model.position_embedding.weight.copy_(torch.tensor([[10.0, 0], [20, 0], [30, 0]]))
    model.blocks = nn.ModuleList([DoesUnderMask(lambda x: 2 * x), DoesUnderMask(lambda x: x + 1)])
    model.norm = Does(lambda x: 10 * x)
    return model


def texts():
    yield TOY_GPT, torch.tensor([[1]])
    yield TOY_GPT, torch.tensor([[2, 0]])
    yield REAL_GPT, torch.tensor([[4, 0, 1], [3, 3, 2]])
    yield REAL_GPT, torch.tensor([[4, 0, 1, 2]])


def gpt_that(forward):
    """A GPT with another forward."""
    return type("GPT", (GPT,), {"forward": forward})


def run_gpt(self, ids, positions=None, mask=None, blocks=None, norm=True, head=True, each=None):
    """GPT.forward with some of its parts exchanged."""
    T = ids.shape[1]
    x = self.token_embedding(ids)
    x = x + (self.position_embedding(torch.arange(T)) if positions is None else positions(ids))
    for block in self.blocks if blocks is None else blocks:
        given = causal_mask(T) if mask is None else mask(T)
        x = each(self, block, x, given) if each else block(x, given)
    x = self.norm(x) if norm else x
    return self.head(x) if head else x


GPT_EXERCISE = Exercise(
    name="GPT",
    reference=GPT,
    advice={
        "index out of range in self": "a token or a place beyond its table: take T from ids.shape[1], a text may be "
        "shorter than the context.",
        "must match the existing size": "the mask has the size of this text: causal_mask(ids.shape[1]).",
        "not subscriptable": "an embedding is called with whole numbers, or sliced through .weight.",
        "missing 1 required positional argument: 'mask'": "a block is called with x and the mask.",
    },
    examples=texts,
    use=use_gpt,
    explain=lambda got, expected, kind, ids: look_at_logits(got, expected, ids) or look_at_use(got, expected),
    hints=(
        "Four steps: look up tokens and places and add them; make the mask; hand x through every block; norm and head.",
        "The places are torch.arange(T) with T = ids.shape[1]; self.position_embedding(places) is (T, C) and is added "
        "to every text of the batch by itself. The mask is causal_mask(T).",
        "for block in self.blocks: x = block(x, mask); then return self.head(self.norm(x)).",
    ),
    mistakes=(
        Mistake(
            "No position in it: the model could not tell the first token from the last. Add self.position_embedding "
            "of 0, 1, ..., T - 1.",
            gpt_that(lambda self, ids: run_gpt(self, ids, positions=lambda ids: 0)),
        ),
        Mistake(
            "Those are the last places of the table. A text begins at place 0: the first T rows, [:T].",
            gpt_that(lambda self, ids: run_gpt(self, ids, positions=lambda ids: places_of(self)[-ids.shape[1] :])),
        ),
        Mistake(
            "A block adds to the stream by itself: x = block(x, mask). With x + block(x, mask) everything is in it "
            "twice.",
            gpt_that(lambda self, ids: run_gpt(self, ids, each=lambda self, block, x, mask: x + block(x, mask))),
        ),
        Mistake(
            "The norm stands inside the loop. The stream is never normalised itself; one norm at the end, before the "
            "head.",
            gpt_that(
                lambda self, ids: run_gpt(
                    self, ids, norm=False, each=lambda self, block, x, mask: self.norm(block(x, mask))
                )
            ),
        ),
        Mistake(
            "Places are added once, before the first block, not before each.",
            gpt_that(
                lambda self, ids: run_gpt(
                    self,
                    ids,
                    positions=lambda ids: 0,
                    each=lambda self, block, x, mask: block(x + places_of(self)[: x.shape[1]], mask),
                )
            ),
        ),
        Mistake(
            "Use self.head. It is the token table only where the configuration ties them.",
            gpt_that(lambda self, ids: run_gpt(self, ids, head=False) @ self.token_embedding.weight.T),
        ),
        Mistake(
            "You looked up places by the tokens' ids. A place is where a token stands: torch.arange(T).",
            gpt_that(
                lambda self, ids: run_gpt(
                    self, ids, positions=lambda ids: F.embedding(ids % self.config.context_length, places_of(self))
                )
            ),
        ),
        Mistake(
            "Places count from 0; yours start at 1.",
            gpt_that(lambda self, ids: run_gpt(self, ids, positions=lambda ids: later_places(self, ids))),
        ),
        Mistake(
            "The final norm is missing: self.head(self.norm(x)).",
            gpt_that(lambda self, ids: run_gpt(self, ids, norm=False)),
        ),
        Mistake(
            "That is the stream (B, T, C). The head turns it into a score for each token: (B, T, V).",
            gpt_that(lambda self, ids: run_gpt(self, ids, head=False)),
        ),
        Mistake(
            "Those are probabilities. Return the scores (logits) as they are; the loss needs them so.",
            gpt_that(lambda self, ids: run_gpt(self, ids).softmax(-1)),
        ),
        Mistake(
            "Those are log-probabilities. Return the scores (logits) as they are.",
            gpt_that(lambda self, ids: run_gpt(self, ids).log_softmax(-1)),
        ),
        Mistake(
            "The blocks run in the wrong order: the last comes first.",
            gpt_that(lambda self, ids: run_gpt(self, ids, blocks=reversed(self.blocks))),
        ),
        Mistake(
            "Each block has to read what the one before it returned: x = block(x, mask). Here only the last counts.",
            gpt_that(lambda self, ids: run_gpt(self, ids, blocks=list(self.blocks)[-1:])),
        ),
        Mistake(
            "Only the first block was used: is there a return inside the loop?",
            gpt_that(lambda self, ids: run_gpt(self, ids, blocks=list(self.blocks)[:1])),
        ),
        Mistake(
            "What the blocks return is lost: x = block(x, mask).",
            gpt_that(lambda self, ids: run_gpt(self, ids, blocks=[])),
        ),
        Mistake(
            "Only the last position came back. In training every position predicts: (B, T, V).",
            gpt_that(lambda self, ids: run_gpt(self, ids)[:, -1]),
        ),
        Mistake(
            "The mask lets every position see all others, the future too: causal_mask(T).",
            gpt_that(lambda self, ids: run_gpt(self, ids, mask=lambda T: torch.ones(T, T, dtype=torch.bool))),
        ),
        Mistake(
            "The blocks need a mask: causal_mask(T), True where position t may look.",
            gpt_that(lambda self, ids: run_gpt(self, ids, mask=lambda T: None)),
        ),
    ),
)


def places_of(model):
    return model.position_embedding.weight


def later_places(model, ids):
    return F.embedding((torch.arange(ids.shape[1]) + 1) % model.config.context_length, places_of(model))


def look_at_logits(got, expected, ids):
    if isinstance(got, torch.Tensor) and got.isnan().any():
        return "There are nan in it. A mask with ~ hides exactly what may be seen: causal_mask(T) is True for the past."
    if isinstance(got, torch.Tensor) and got.shape != expected.shape:
        B, T = ids.shape
        return f"{difference(got, expected)} That is (B, T, V) with B = {B}, T = {T}, V = {expected.shape[-1]}."
    return None


# count_parameters


def count_parameters(vocab_size, context_length, d_model, n_layers):
    embeddings = (vocab_size + context_length) * d_model
    attention = (3 * d_model * d_model + 3 * d_model) + (d_model * d_model + d_model)
    mlp = (4 * d_model * d_model + 4 * d_model) + (4 * d_model * d_model + d_model)
    norm = 2 * d_model
    return embeddings + n_layers * (attention + mlp + 2 * norm) + norm


def counted(V, T, C, L, linear_biases=True, norms=True, head=0, attention=4, mlp=8, final=1, positions=1):
    """The formula with parts of it changed."""
    biases = (9 if linear_biases else 0) * C
    return (V + positions * T) * C + L * ((attention + mlp) * C * C + biases + 4 * C * norms) + 2 * C * final + head


def look_at_count(got, expected, V, T, C, L):
    if not isinstance(got, int | float):
        return None
    return (
        f"Off by {got - expected:+,}. Here V·C = {V * C:,}, T·C = {T * C:,}, C² = {C * C:,}, C = {C:,}, and there are "
        f"L = {L} blocks of 12·C² + 13·C: which part is too many or missing?"
    )


COUNT_PARAMETERS = Exercise(
    name="count_parameters",
    reference=count_parameters,
    examples=lambda: iter(
        [(9, 5, 3, 1), (3, 2, 1, 1), (5, 4, 2, 2), (7, 3, 4, 3), (2048, 128, 128, 4), (50257, 1024, 768, 12)]
    ),
    hints=(
        "Write a line for each part of the table above, then add: both embeddings, n_layers times one block, the final "
        "norm. A Linear from a to b has a·b weights and b biases.",
        "One block: qkv C → 3C, output C → C, up C → 4C, output 4C → C, each with biases, and two norms of 2C.",
        "(V + T)·C + L·(12·C² + 13·C) + 2·C",
    ),
    explain=look_at_count,
    mistakes=(
        Mistake(
            "That is the lesson's model, whatever sizes were asked for: you used V, T, C and L of the notebook. Take "
            "vocab_size, context_length, d_model and n_layers.",
            lambda V, T, C, L: count_parameters(2048, 128, 128, 4),
        ),
        Mistake(
            "Each block has two norms, of 2C each: one of them is missing.",
            lambda V, T, C, L: count_parameters(V, T, C, L) - 2 * C * L,
        ),
        Mistake(
            "The biases of the Linear layers are missing: 3C + C + 4C + C in every block.",
            lambda V, T, C, L: counted(V, T, C, L, linear_biases=False),
        ),
        Mistake(
            "All biases and the norms are missing: an extra 13·C in every block, and 2·C at the end.",
            lambda V, T, C, L: counted(V, T, C, L, linear_biases=False, norms=False, final=0),
        ),
        Mistake(
            "The head was counted by itself. It is tied: the same V·C numbers as the token embedding.",
            lambda V, T, C, L: counted(V, T, C, L, head=V * C),
        ),
        Mistake(
            "The head was counted, and with a bias. It has none, and its weights are those of the token embedding.",
            lambda V, T, C, L: counted(V, T, C, L, head=V * C + V),
        ),
        Mistake(
            "The head has no bias.",
            lambda V, T, C, L: counted(V, T, C, L, head=V),
        ),
        Mistake(
            "The final norm is missing: 2·C at the end.",
            lambda V, T, C, L: counted(V, T, C, L, final=0),
        ),
        Mistake(
            "The norms inside the blocks are missing: two in each, with C weights and C biases.",
            lambda V, T, C, L: counted(V, T, C, L, norms=False),
        ),
        Mistake(
            "No norm at all was counted: two in each block and one at the end, each C weights and C biases.",
            lambda V, T, C, L: counted(V, T, C, L, norms=False, final=0),
        ),
        Mistake(
            "Each norm has C weights and C biases; you counted one of the two.",
            lambda V, T, C, L: counted(V, T, C, L, norms=0.5, final=0.5),
        ),
        Mistake(
            "Attention's output matrix is missing: C² and its C biases.",
            lambda V, T, C, L: counted(V, T, C, L, attention=3) - L * C,
        ),
        Mistake(
            "The MLP has two matrices, C → 4C and 4C → C; you counted one.",
            lambda V, T, C, L: counted(V, T, C, L, mlp=4) - L * C,
        ),
        Mistake(
            "The position table is missing: T·C.",
            lambda V, T, C, L: counted(V, T, C, L, positions=0),
        ),
        Mistake(
            "That is one block. There are n_layers of them.",
            lambda V, T, C, L: counted(V, T, C, 1),
        ),
        Mistake(
            "Everything was multiplied by n_layers. Embeddings and the final norm are there once.",
            lambda V, T, C, L: L * counted(V, T, C, 1),
        ),
    ),
)


# cross_entropy


def cross_entropy(logits, targets):
    shifted = logits - logits.amax(dim=-1, keepdim=True)  # (N, V), the largest is 0: exp can't overflow
    log_probs = shifted - shifted.exp().sum(dim=-1, keepdim=True).log()  # (N, V)
    return -log_probs[torch.arange(len(targets)), targets].mean()  # ()


def scores():
    dice = torch.Generator().manual_seed(5)
    yield torch.tensor([[0.0, 0.0]]), torch.tensor([0])
    yield torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0]]), torch.tensor([2, 1])
    yield torch.tensor([[1000.0, 0.0]]), torch.tensor([1])
    yield torch.tensor([[1000.0, 0.0]]), torch.tensor([0])
    yield torch.tensor([[-1000.0, -1001.0]]), torch.tensor([0])
    yield torch.tensor([[1000.0, 999.0], [0.0, 1.0]]), torch.tensor([1, 0])
    yield torch.randn(6, 6, generator=dice) * 3, torch.tensor([0, 5, 1, 3, 3, 2])
    yield torch.randn(6, 9, generator=dice) * 3, torch.tensor([0, 5, 1, 8, 3, 2])


def use_cross_entropy(answer, logits, targets):
    if len(targets) < 6:
        return answer(logits, targets)
    return tried_with_gradients(answer, cross_entropy, logits, targets)


def picked(table, targets):
    return table[torch.arange(len(targets)), targets]


CROSS_ENTROPY = Exercise(
    name="cross_entropy",
    reference=cross_entropy,
    examples=scores,
    use=use_cross_entropy,
    explain=lambda got, expected, *arguments: look_at_price(got, expected) or look_at_use(got, expected),
    tolerance=CLOSE,
    hints=(
        "The price is log(sum of exp(logits)) - logit of the target, for each row; then the mean. Which line can "
        "overflow?",
        "Subtract each row's largest logit first: logits - logits.amax(dim=-1, keepdim=True). The probabilities stay "
        "the same, and no exp is larger than 1.",
        "log_probs = shifted - shifted.exp().sum(-1, keepdim=True).log(); pick log_probs[torch.arange(N), targets].",
    ),
    mistakes=(
        Mistake(
            "exp(1000) is infinite: too large for a float. Subtract each row's largest logit first; the probabilities "
            "do not change.",
            lambda logits, targets: -picked(logits.exp() / logits.exp().sum(-1, keepdim=True), targets).log().mean(),
        ),
        Mistake(
            "exp(1000) is infinite: too large for a float. Subtract each row's largest logit before exp; nothing else "
            "changes.",
            lambda logits, targets: (logits.exp().sum(-1).log() - picked(logits, targets)).mean(),
        ),
        Mistake(
            "What you subtracted was not the row's largest logit, so that still overflows. Take off the largest: no "
            "exp is then above 1.",
            lambda logits, targets: (
                (logits - logits.amin(-1, keepdim=True)).exp().sum(-1).log()
                - picked(logits - logits.amin(-1, keepdim=True), targets)
            ).mean(),
        ),
        Mistake(
            "softmax gave a probability of exactly 0, and its logarithm is -inf. Stay with logarithms all the way: "
            "logit - log(sum of exp), never softmax and then log.",
            lambda logits, targets: -picked(logits.softmax(-1), targets).log().mean(),
        ),
        Mistake(
            "A small number added before the log only hides the 0: the true price here is 1000 nats, and at your "
            "plateau no gradient is left. Use logit - log(sum of exp).",
            lambda logits, targets: -(picked(logits.softmax(-1), targets) + 1e-9).log().mean(),
        ),
        Mistake(
            "One largest logit for the whole table is not enough: a row far below it underflows to 0. Each row has its "
            "own: amax(dim=-1, keepdim=True).",
            lambda logits, targets: (
                -picked((logits - logits.max()) - (logits - logits.max()).exp().sum(-1, keepdim=True).log(), targets)
            ).mean(),
        ),
        Mistake(
            "You took a softmax twice: the probabilities are no logits. Use the logits as they come.",
            lambda logits, targets: -picked(logits.softmax(-1).log_softmax(-1), targets).mean(),
        ),
        Mistake(
            "The sign: a log-probability is below 0, a price is above.",
            lambda logits, targets: picked(logits.log_softmax(-1), targets).mean(),
        ),
        Mistake(
            "That is the sum over the rows; we want the mean.",
            lambda logits, targets: -picked(logits.log_softmax(-1), targets).sum(),
        ),
        Mistake(
            "That is one price for each row; we want their mean, a single number.",
            lambda logits, targets: -picked(logits.log_softmax(-1), targets),
        ),
        Mistake(
            "That is in bits. The loss is in nats: log, not log2.",
            lambda logits, targets: -picked(logits.log_softmax(-1), targets).mean() / 0.6931471805599453,
        ),
        Mistake(
            "A logit is not yet a log-probability: subtract the logarithm of the row's sum of exp.",
            lambda logits, targets: -picked(logits, targets).mean(),
        ),
        Mistake(
            "You averaged over all V tokens. Only the one that came is paid for: pick it by targets.",
            lambda logits, targets: -logits.log_softmax(-1).mean(),
        ),
        Mistake(
            "The columns were made to sum to 1. Each row is one prediction: dim=-1.",
            lambda logits, targets: -picked(logits.log_softmax(0), targets).mean(),
        ),
        Mistake(
            "log_probs[:, targets] takes all targets from every row, N times N numbers. Row n wants targets[n]: "
            "log_probs[torch.arange(N), targets].",
            lambda logits, targets: -logits.log_softmax(-1)[:, targets].mean(),
        ),
        Mistake(
            "That is the mean probability that the targets had; their price is -log of it, taken for each first.",
            lambda logits, targets: picked(logits.softmax(-1), targets).mean(),
        ),
        Mistake(
            "You took the logarithm of the average probability. The average of the logarithms is another number.",
            lambda logits, targets: -picked(logits.softmax(-1), targets).mean().log(),
        ),
    ),
)


def look_at_price(got, expected):
    if not isinstance(got, torch.Tensor) or got.ndim:
        return None
    if not got.isfinite():
        return (
            "An infinity or nan: somewhere exp became infinite, or log saw a 0. Subtract each row's largest logit "
            "first, and never take the log of a probability."
        )
    if expected > 100 and 0 <= got < expected / 2:
        return (
            f"The true price is {expected:.0f} nats. A clamp, or a small number added before the log, cuts it off, and "
            "with it the gradient. Use logit - log(sum of exp)."
        )
    return None


# next_token_loss


def next_token_loss(model, windows):
    logits = model(windows[:, :-1])  # (B, T, V)
    targets = windows[:, 1:]  # (B, T)
    return cross_entropy(logits.flatten(0, 1), targets.flatten())  # ()


def table_model(table, longest):
    """A model that looks at the last token only: its scores are that token's row of a table."""

    def model(ids):
        if ids.shape[1] > longest:
            raise ValueError(f"{ids.shape[1]} tokens in a row, but the model takes at most {longest}")
        return F.embedding(ids, table)  # (B, T, V)

    return model


def use_next_token_loss(answer, table, windows):
    longest = windows.shape[1] - 1
    if len(windows) < 3:
        return answer(table_model(table, longest), windows)
    return tried_with_gradients(
        lambda table, windows: answer(table_model(table, longest), windows),
        lambda table, windows: next_token_loss(table_model(table, longest), windows),
        table,
        windows,
    )


def windows_of_tables():
    dice = torch.Generator().manual_seed(6)
    yield torch.tensor([[0.0, 2.0], [1.0, 0.0]]), torch.tensor([[0, 1, 1]])
    yield torch.tensor([[0.0, 2.0, 1.0], [1.0, 0.0, 3.0], [0.0, 0.0, 1.0]]), torch.tensor([[0, 1, 2], [2, 2, 0]])
    yield torch.randn(5, 5, generator=dice) * 2, torch.tensor([[0, 3, 4, 1], [1, 1, 2, 0], [4, 0, 2, 2]])


def priced(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


NEXT_TOKEN_LOSS = Exercise(
    name="next_token_loss",
    reference=next_token_loss,
    advice={
        "is invalid for input of size": "take V from the logits, logits.shape[-1], or use flatten(0, 1).",
        "out of bounds": "cross_entropy wants (N, V) and (N,): make (B, T, V) into (B·T, V), and (B, T) into (B·T,).",
    },
    examples=windows_of_tables,
    use=use_next_token_loss,
    explain=look_at_use,
    hints=(
        "Write down the window a b c d. What does the model read, and which token is the answer at each place?",
        "Inputs are windows[:, :-1], targets windows[:, 1:]: both (B, T). Your cross_entropy wants (N, V) and (N,).",
        "cross_entropy(logits.flatten(0, 1), targets.flatten())",
    ),
    mistakes=(
        Mistake(
            "The targets are not shifted: at each place the answer is the very token that the model has just read. "
            "Training would teach it to repeat. Targets are windows[:, 1:].",
            lambda model, windows: priced(model(windows[:, :-1]), windows[:, :-1]),
        ),
        Mistake(
            "The targets are not shifted: the model reads windows[:, 1:] and is asked for the same tokens. It should "
            "read windows[:, :-1].",
            lambda model, windows: priced(model(windows[:, 1:]), windows[:, 1:]),
        ),
        Mistake(
            "That predicts backwards: from each token the one before it. Read windows[:, :-1], answer windows[:, 1:].",
            lambda model, windows: priced(model(windows[:, 1:]), windows[:, :-1]),
        ),
        Mistake(
            "That is one place too far: from each token the one after the next. The targets are windows[:, 1:].",
            lambda model, windows: priced(model(windows[:, :-2]), windows[:, 2:]),
        ),
        Mistake(
            "Shift inside each window, before flattening: once the windows are strung together, the end of one has to "
            "answer with the beginning of the next.",
            lambda model, windows: F.cross_entropy(
                model(windows[:, :-1]).flatten(0, 1)[:-1], windows[:, :-1].flatten()[1:]
            ),
        ),
        Mistake(
            "F.cross_entropy takes the second axis for the tokens to choose from, and here that is T. Flatten first: "
            "logits (B·T, V), targets (B·T,).",
            lambda model, windows: F.cross_entropy(model(windows[:, :-1]), windows[:, 1:]),
        ),
        Mistake(
            "Only the last place was priced. Every place predicts its next token.",
            lambda model, windows: priced(model(windows[:, :-1])[:, -1:], windows[:, -1:]),
        ),
        Mistake(
            "That is the sum over all tokens; the loss is the mean.",
            lambda model, windows: priced(model(windows[:, :-1]), windows[:, 1:]) * windows[:, 1:].numel(),
        ),
        Mistake(
            "cross_entropy wants logits, as the model gives them; after a softmax they are something else.",
            lambda model, windows: priced(model(windows[:, :-1]).softmax(-1), windows[:, 1:]),
        ),
        Mistake(
            "Logits and targets are in different orders: flatten both the same way, B before T, without transposing.",
            lambda model, windows: priced(model(windows[:, :-1]), windows[:, 1:].T),
        ),
        Mistake(
            "torch.roll brings the first token back as the last target, which asks for something that does not follow. "
            "Cut instead: windows[:, 1:].",
            lambda model, windows: priced(model(windows[:, :-1]), windows[:, :-1].roll(-1, dims=1)),
        ),
    ),
)


# total_belief


def colleagues_loss(model, windows):
    """A colleague's loss. What is wrong with it?"""
    inputs, targets = windows[:, :-1], windows[:, :-1]
    return cross_entropy(model(inputs).flatten(0, 1), targets.flatten())


def total_belief(prices, tokens, i, vocab_size):
    trials = tokens.repeat(vocab_size, 1)  # (V, N), the same text V times
    trials[:, i] = torch.arange(vocab_size)  # each with another token at place i
    return (-prices(trials)[:, i - 1]).exp().sum().item()


HONEST, UNSHIFTED = "honest prices", "prices that know the answer"


def shape(x):
    return f"a tensor of shape {tuple(x.shape)}"


def use_total_belief(answer, kind, probs, tokens, i, vocab_size):
    def prices(trials):
        if trials.shape[1:] != tokens.shape:
            raise ValueError(
                f"texts of {len(tokens)} tokens are wanted, with those after place i; {shape(trials)} came"
            )
        reads = trials[:, :-1] if kind == HONEST else trials[:, 1:]
        return -probs[reads, trials[:, 1:]].log()  # (B, N - 1)

    return answer(prices, tokens, i, vocab_size)


def gamblers():
    two = torch.tensor([[0.75, 0.25], [0.375, 0.625]])
    yield HONEST, two, torch.tensor([0, 1, 1, 0]), 1, 2
    yield UNSHIFTED, two, torch.tensor([0, 1, 1, 0]), 1, 2
    three = torch.tensor([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.25, 0.125, 0.625]])
    yield HONEST, three, torch.tensor([2, 0, 1, 1, 2]), 3, 3
    yield UNSHIFTED, three, torch.tensor([2, 0, 1, 1, 2]), 4, 3


def trials_of(tokens, i, vocab_size):
    trials = tokens.repeat(vocab_size, 1)
    trials[:, i] = torch.arange(vocab_size)
    return trials


TOTAL_BELIEF = Exercise(
    name="total_belief",
    reference=total_belief,
    advice={"must match the": "there are vocab_size texts, not the notebook's V."},
    examples=gamblers,
    use=use_total_belief,
    explain=lambda got, expected, *arguments: look_at_belief(got, expected),
    hints=(
        "Make V copies of the text that differ at place i only: copy number v has token v there. Ask for the price of "
        "each.",
        "trials = tokens.repeat(vocab_size, 1) is (V, N); trials[:, i] = torch.arange(vocab_size). Prices start with "
        "token 1, so the price of place i is column i - 1.",
        "A price is -log of a probability, so the probability is exp(-price): add these up.",
    ),
    mistakes=(
        Mistake(
            "Column i is the price of token i + 1: the first token has no price, so token i's is column i - 1.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))[:, min(i, len(tokens) - 2)]).exp().sum(),
        ),
        Mistake(
            "You added up prices. Turn each into a probability first: exp(-price).",
            lambda prices, tokens, i, V: prices(trials_of(tokens, i, V))[:, i - 1].sum(),
        ),
        Mistake(
            "You added the prices of all places first. The probability of token v at place i is exp of minus one "
            "price, in column i - 1.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V)).sum(1)).exp().sum(),
        ),
        Mistake(
            "The prices are in nats: the base is e, exp(-price), and not 2.",
            lambda prices, tokens, i, V: (2 ** -prices(trials_of(tokens, i, V))[:, i - 1]).sum(),
        ),
        Mistake(
            "Column -1 is the price of the last token. That of place i is in column i - 1.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))[:, -1]).exp().sum(),
        ),
        Mistake(
            "exp(price) is one over the probability; a minus is missing: exp(-price).",
            lambda prices, tokens, i, V: prices(trials_of(tokens, i, V))[:, i - 1].exp().sum(),
        ),
        Mistake(
            "The last token of the vocabulary was not asked for: range(vocab_size) goes up to vocab_size - 1.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))[:-1, i - 1]).exp().sum(),
        ),
        Mistake(
            "That is the mean over the vocabulary; we want the sum.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))[:, i - 1]).exp().mean(),
        ),
        Mistake(
            "You changed the token before: place i - 1. The prices are shifted by one, the tokens are not.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i - 1, V))[:, i - 1]).exp().sum(),
        ),
        Mistake(
            "You added up all places. Only the price of token i belongs in the sum: column i - 1.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))).exp().sum(),
        ),
        Mistake(
            "That is the probability of the one token that stands there. Ask for all vocab_size of them.",
            lambda prices, tokens, i, V: (-prices(tokens[None])[0, i - 1]).exp(),
        ),
        Mistake(
            "You replaced every token of the copy. Only place i changes.",
            lambda prices, tokens, i, V: (
                (-prices(torch.arange(V)[:, None].repeat(1, len(tokens)))[:, i - 1]).exp().sum()
            ),
        ),
        Mistake(
            "1 is what an honest predictor gives. The point is to measure it.",
            lambda prices, tokens, i, V: 1.0,
        ),
        Mistake(
            "That is exp of the summed prices; take exp of each first, then add.",
            lambda prices, tokens, i, V: (-prices(trials_of(tokens, i, V))[:, i - 1].sum()).exp(),
        ),
    ),
)


def look_at_belief(got, expected):
    if isinstance(got, torch.Tensor) and got.ndim:
        return "A single number is asked for: the sum over all tokens that could stand at place i."
    return None


EXERCISES = (LAYER_NORM, BLOCK, GPT_EXERCISE, COUNT_PARAMETERS, CROSS_ENTROPY, NEXT_TOKEN_LOSS, TOTAL_BELIEF)
