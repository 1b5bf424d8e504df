"""What the demo asks of a model: every visitor has a decoder and a generator of their own, the weights are shared."""

import reprlib

import torch

from tinygpt.config import SampleConfig, require
from tinygpt.sampling import generate_ids, make_decoder, prompt_ids
from tinygpt.share.shown import Coloured, bars, surprise_bits, tail_of

LONGEST_PROMPT = 10_000  # characters
RANGES = {  # smallest, largest, step
    "temperature": (0, 2, 0.05),
    "top_k": (0, 200, 1),
    "top_p": (0.01, 1, 0.01),
    "length": (1, 1000, 1),
    "seed": (0, 2**53 - 1, 1),  # what a browser's numbers count to
}


class Watched:
    """A decoder that remembers its latest scores."""

    def __init__(self, decoder):
        self.decoder, self.config, self.logits = decoder, decoder.config, None

    @property
    def length(self):
        return self.decoder.length

    def forget(self):
        self.decoder.forget()

    def __call__(self, ids):
        self.logits = torch.as_tensor(self.decoder(ids))  # (V,)
        return self.logits


class Writer:
    """What the page asks of a model; any number of visitors at once."""

    def __init__(self, model, tokenizer):
        self.model, self.tokenizer = model, tokenizer

    def write(self, prompt, temperature, top_k, top_p, length, seed):
        """A text as it grows: (coloured page, its end and the scores of what follows, status), a token at a time."""
        config = settings(temperature, top_k, top_p, length)
        generator = torch.Generator().manual_seed(number("seed", seed))
        ids = self.read(prompt)
        decoder = Watched(make_decoder(self.model))
        tokens = generate_ids(decoder, ids, config, self.tokenizer.end_of_text, generator)
        text = Coloured(self.tokenizer, prompt)
        for token in tokens:
            # A token is drawn from the scores that follow what was shown before.
            yield text.page, (tail_of(text.text), decoder.logits), "Writing …"
            text.add(token, surprise_bits(decoder.logits, token))
        text.end()
        yield text.page, (tail_of(text.text), decoder.logits), self.summary(text, config, len(ids))

    def summary(self, text, config, n_prompt):
        end = "" if text.n_tokens == config.max_tokens else " The model ended the text."
        context = self.model.config.context_length
        unread = f" Of the prompt's {n_prompt:,} tokens it read the last {context}." if n_prompt > context else ""
        mean = f", {text.bits / text.n_tokens:.1f} bits of surprise each" if text.n_tokens else ""
        return f"{text.n_tokens:,} tokens{mean}.{end}{unread}"

    def after(self, prompt):
        """The end of a prompt, and the scores of what follows it."""
        ids = self.read(prompt)[-self.model.config.context_length :]
        return tail_of(prompt), torch.as_tensor(make_decoder(self.model)(ids))

    def read(self, prompt):
        require(isinstance(prompt, str), "a prompt is text")
        advice = f"a prompt has at most {LONGEST_PROMPT:,}: shorten it"
        require(len(prompt) <= LONGEST_PROMPT, f"These are {len(prompt):,} characters; {advice}")
        return prompt_ids(self.tokenizer, prompt)

    def bars(self, place, temperature, top_k, top_p):
        """The next-token distribution at a place, as the settings leave it."""
        return bars(self.tokenizer, *place, settings(temperature, top_k, top_p))


def settings(temperature, top_k, top_p, length=1):
    return SampleConfig(
        number("temperature", temperature),
        number("top_k", top_k),
        number("top_p", top_p),
        number("length", length),
    )


def number(name, value):
    """A setting as it came over the wire, checked."""
    low, high, step = RANGES[name]
    whole = step == 1
    fits = isinstance(value, int | float) and low <= value <= high and (not whole or value == int(value))
    kind = "whole number" if whole else "number"
    require(fits, f"{name} = {reprlib.repr(value)} is no {kind} from {low} to {high}")
    return int(value) if whole else float(value)
