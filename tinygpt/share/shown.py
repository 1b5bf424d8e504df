"""A text coloured by surprise, and the next token's probabilities, as HTML; what anybody typed stays text."""

import codecs
import html
import math

import torch

from tinygpt.sampling import next_token_probs

MOST_BITS = 10  # of surprise: as strong as the colour gets
N_BARS = 10
TAIL = 24  # characters of the text that are named above the bars
CSS = """
.tinygpt { line-height: 1.5; overflow-wrap: anywhere; }
.tinygpt h1 { margin: 0; font-size: 1.8rem; }
.tinygpt h2 { margin: 0 0 0.4rem; font-size: 1.05rem; }
.tinygpt p { margin: 0.2rem 0; }
.tinygpt .warning { margin-top: 0.5rem; padding: 0.3rem 0.8rem; border-left: 4px solid #d55e00; }
.tinygpt .written { min-height: 11rem; white-space: pre-wrap; font-size: 1.1rem; line-height: 1.9; }
.tinygpt .written b { padding: 0.15em 0; border-radius: 2px; font-weight: inherit; color: inherit;
  background: rgb(213 94 0 / calc(var(--share) * 0.6)); box-shadow: -1px 0 rgb(128 128 128 / 0.5); }
.tinygpt .prompt { font-weight: 600; }
.tinygpt .scale { display: inline-block; width: 6rem; height: 0.8em; border-radius: 2px;
  background: linear-gradient(to right, rgb(213 94 0 / 0), rgb(213 94 0 / 0.6)); }
.tinygpt table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.tinygpt caption { margin-bottom: 0.5rem; text-align: left; min-height: 3em; }
.tinygpt th, .tinygpt td { padding: 0.1rem 0.5rem 0.1rem 0; font-weight: normal; text-align: right;
  white-space: nowrap; }
.tinygpt thead th { font-size: 0.85rem; }
.tinygpt tbody th { text-align: left; }
.tinygpt td:first-of-type { width: 40%; }
.tinygpt thead th:first-child, .tinygpt thead th:nth-child(2) { text-align: left; }
.tinygpt code { padding: 0.05em 0.2em; border: 1px solid rgb(128 128 128 / 0.5); border-radius: 3px;
  white-space: pre; font-size: 0.95em; background: none; color: inherit; }
.tinygpt .bar { height: 0.9em; min-width: 1px; border-radius: 2px; background: #0072b2; }
.dark .tinygpt .bar { background: #56b4e9; }
"""


class Coloured:
    """A text that grows token by token; each stands on a colour, the stronger the more it surprised the model.

    A character may be spread over several tokens: it is shown with the last of them, and their surprise adds up.
    """

    def __init__(self, tokenizer, prompt):
        self.tokenizer, self.decoder = tokenizer, codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.text, self.bits, self.n_tokens, self.waiting = prompt, 0.0, 0, 0.0
        # What is open is closed by the browser: so the page of a longer text begins with the page of the shorter one,
        # and only what was added is sent.
        self.page = f'<div class="tinygpt"><div class="written"><span class="prompt">{escape(prompt)}</span>'

    def add(self, token, bits):
        self.bits, self.n_tokens, self.waiting = self.bits + bits, self.n_tokens + 1, self.waiting + bits
        self.show(self.decoder.decode(self.tokenizer.token_bytes(token)))

    def end(self):
        """Half a character that nothing followed becomes U+FFFD."""
        self.show(self.decoder.decode(b"", final=True))

    def show(self, text):
        if text:
            share = min(self.waiting / MOST_BITS, 1)
            told = f"{self.waiting:.1f} bits of surprise"
            self.page += f'<b style="--share:{share:.2f}" title="{told}">{escape(text)}</b>'
            self.text, self.waiting = self.text + text, 0.0


def bars(tokenizer, tail, logits, config):
    """The likeliest next tokens after a text that ends in `tail`, before and after the settings act: logits (V,)."""
    own = logits.softmax(-1)  # (V,)
    drawn = next_token_probs(logits, config)  # (V,)
    rows = "".join(row(tokenizer, i, float(drawn[i]), float(own[i])) for i in own.topk(min(N_BARS, len(own))).indices)
    after = f"After <code>{visible(tail)}</code>" if tail else "At the beginning of a text"
    stay = f"{int((drawn > 0).sum()):,} of {len(drawn):,} tokens can be drawn."
    head = '<th>token</th><th colspan="2">with the settings</th><th>without</th>'
    return (
        f'<div class="tinygpt"><h2>The next token</h2><table><caption>{after}, {stay}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def row(tokenizer, token, drawn, own):
    name = (
        "<i>end of text</i>" if token == tokenizer.end_of_text else f"<code>{visible(spelled(tokenizer, token))}</code>"
    )
    bar, told = (f'<div class="bar" style="width:{drawn:.1%}"></div>', f"{drawn:.1%}") if drawn else ("", "ruled out")
    return f'<tr><th scope="row">{name}</th><td>{bar}</td><td>{told}</td><td>{own:.1%}</td></tr>'


def spelled(tokenizer, token):
    return tokenizer.token_bytes(int(token)).decode(errors="backslashreplace")


def tail_of(text):
    return text if len(text) <= TAIL else f"…{text[-TAIL:]}"


def visible(text):
    return escape(text.replace("\n", "⏎"))


def escape(text):
    return html.escape(text, quote=True)


def surprise_bits(logits, token):
    """How little the model expected a token: logits (V,) -> -log2 of its probability."""
    return -float(torch.as_tensor(logits).double().log_softmax(-1)[token]) / math.log(2)
