"""Writing: pick the next token, append it, ask again."""

import codecs
import math

import torch

from tinygpt.attention import KeyValueCache
from tinygpt.config import SampleConfig, require
from tinygpt.evaluation import evaluating
from tinygpt.numpy_model import NumpyGPT

SMALLEST = 1e-37  # a temperature or a top_p that is much smaller is zero in float32


def apply_temperature(logits, temperature):
    """Below 1 the likely get likelier, above 1 everything gets more alike: logits (..., V) -> (..., V).

    The largest becomes 0, so that no temperature is too small.
    """
    return (logits - logits.amax(-1, keepdim=True)) / max(temperature, SMALLEST)


def keep_top_k(logits, k):
    """Rule out all but the k most likely tokens, k = 0 none: logits (..., V) -> (..., V).

    Tokens as likely as the k-th stay.
    Source: Fan et al. 2018, Hierarchical Neural Story Generation, section 5.4.
    """
    if k == 0 or k >= logits.shape[-1]:
        return logits
    kth = logits.topk(k).values[..., -1:]  # (..., 1)
    return logits.masked_fill(logits < kth, -math.inf)


def keep_top_p(logits, p):
    """Rule out all but the fewest most likely tokens that together reach probability p; one always stays.

    logits (..., V) -> (..., V).
    Source: Holtzman et al. 2020, The Curious Case of Neural Text Degeneration, section 3.1.
    """
    if p >= 1:
        return logits
    ordered, order = logits.sort(descending=True, stable=True)  # (..., V) of two alike the first comes first
    probs = ordered.softmax(-1)  # (..., V)
    before = probs.cumsum(-1) - probs  # (..., V) the probability of all likelier tokens
    ruled_out = before >= max(p, SMALLEST)  # the likeliest has 0 before it and stays
    return logits.masked_fill(ruled_out.scatter(-1, order, ruled_out), -math.inf)


def next_token_probs(logits, config):
    """What the next token is drawn from: logits (..., V) -> probabilities (..., V)."""
    if config.temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)
    logits = apply_temperature(logits, config.temperature)
    return keep_top_p(keep_top_k(logits, config.top_k), config.top_p).softmax(-1)


def pick(logits, config, generator=None):
    """One token, as the settings say: logits (V,) -> id.

    All probabilities laid end to end make a line, and a point thrown at it lands on one of them.
    """
    largest = logits.amax()  # () nan where there is one
    require(bool(largest.isfinite()), "no token can be picked: the scores hold nan or infinity; is the model whole?")
    if config.temperature == 0:
        return int(logits.argmax())
    ends = next_token_probs(logits, config).double().cumsum(-1)  # (V,) where each token's piece of the line ends
    point = ends[-1] * torch.rand((), dtype=torch.double, generator=generator)
    return int(torch.searchsorted(ends, point, right=True))  # right: a piece of no length is never hit


class TorchDecoder:
    """A torch model that reads a text piece by piece, like NumpyGPT; without the cache it reads all of it again."""

    def __init__(self, model, cached=True):
        self.model, self.config, self.cached = model, model.config, cached
        self.device = model.head.weight.device
        self.forget()

    def forget(self):
        """Start a new text."""
        self.cache = KeyValueCache(self.config, device=self.device) if self.cached else None
        self.ids = []

    @property
    def length(self):
        return len(self.ids)

    @torch.inference_mode()
    def __call__(self, ids):
        """The next ids (T,) of the text -> logits (V,) of the token that follows."""
        self.ids = [*self.ids, *ids]
        unread = ids if self.cached else self.ids
        with evaluating(self.model):
            logits = self.model(torch.tensor([list(unread)], device=self.device), self.cache)  # (1, T, V)
        return logits[0, -1].float().cpu()  # (V,)


def make_decoder(model):
    """The fastest decoder of one text: on the CPU numpy's, at every size that was measured (1 to 60 M parameters)."""
    return NumpyGPT.from_torch(model) if model.head.weight.device.type == "cpu" else TorchDecoder(model)


def generate_ids(decoder, ids, config, end_of_text, generator=None):
    """The tokens that follow ids, one at a time, until end_of_text or config.max_tokens.

    When the context is full, the later half of it is read again and the writing goes on from there.
    """
    context = decoder.config.context_length
    seen = list(ids)
    decoder.forget()
    logits = decoder(seen[-context:])  # (V,)
    for _ in range(config.max_tokens):
        token = pick(torch.as_tensor(logits), config, generator)
        if token == end_of_text:
            return
        yield token
        seen.append(token)
        unread = seen[-1:]
        if decoder.length == context:
            decoder.forget()
            unread = seen[-max(1, context // 2) :]
        logits = decoder(unread)  # (V,)


def prompt_ids(tokenizer, prompt):
    """The tokens a text that begins with the prompt begins with: an empty prompt starts a document."""
    return [tokenizer.end_of_text, *tokenizer.encode(prompt)]


def generate(model, tokenizer, prompt="", config=None, seed=0):
    """Text that follows a prompt, in pieces of whole characters, as they come.

    model: a TinyGPT or a decoder. Of a prompt longer than the context the last part is read.
    """
    decoder = model if hasattr(model, "forget") else make_decoder(model)
    generator = torch.Generator().manual_seed(seed)
    ids = prompt_ids(tokenizer, prompt)
    yield from whole_characters(
        tokenizer.token_bytes(i)
        for i in generate_ids(decoder, ids, config or SampleConfig(), tokenizer.end_of_text, generator)
    )


def whole_characters(pieces):
    """Text of byte pieces (a character may be spread over several); what is no UTF-8 becomes U+FFFD."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for piece in pieces:
        if text := decoder.decode(piece):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text
