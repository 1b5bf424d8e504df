"""Exercise bits_per_byte_of_texts of lesson 06: the answer, what it is tried on, and what people get wrong."""

import math

import torch

from tinygpt.course.judging import Exercise, Mistake


def bits_per_byte_of_texts(nats, texts):
    n_bytes = sum(len(text.encode()) for text in texts)
    return nats.sum().item() / math.log(2) / n_bytes


def priced_texts():
    yield torch.tensor([4.0, 3.0]) * math.log(2), ["pit", "é"]
    yield torch.tensor([6.0, 1.0, 9.0, 3.0]) * math.log(2), ["lip pit", "", "37 °C", "pit"]
    yield torch.tensor([10.0, 30.0, 50.0], dtype=torch.double), ["Scoliosis ", "The heart 🩺 beats too fast", "ß" * 40]
    yield torch.tensor([1000.0, 20.0], dtype=torch.double), ["A very long text " * 40, "pit"]


FEW_DIGITS = [math.log(2) / 0.69, math.log(2) / 0.693, math.log(2) / 0.7, 1.44 * math.log(2), 1.4 * math.log(2)]


def count_again(got, expected, nats, texts):
    if (isinstance(got, torch.Tensor) and got.ndim) or isinstance(got, list):
        return "One number for all texts together, please: all bits over all bytes."
    if isinstance(got, torch.Tensor):
        got = got.item()
    if not isinstance(got, int | float):
        return None
    if math.isinf(got) or math.isnan(got):
        return (
            f"e to the power of {nats.max():,.0f} is too large for a float. Nats are logarithms already: divide them "
            "by ln 2, no power and no log2."
        )
    bits, n_bytes = nats.sum().item() / math.log(2), sum(len(text.encode()) for text in texts)
    if got and abs(bits / got - round(bits / got)) < 1e-4:
        return (
            f"The price is right, {bits:.4g} bits in all, but you divided it by {bits / got:.0f}. These texts have "
            f"{n_bytes} bytes in UTF-8."
        )
    if any(math.isclose(got / expected, factor, abs_tol=2e-4) for factor in FEW_DIGITS):
        return (
            f"Close, {got:.6g} instead of {expected:.6g}, but not the same: did you write ln 2 with a few digits only? "
            "math.log(2) has them all."
        )
    if any(math.isclose(got, round(expected, digits)) for digits in range(4)):
        return f"You rounded. The lesson goes on with the number as it is, {expected:.6g}."
    return f"By hand: {nats.sum():.4g} nats / ln 2 = {bits:.4g} bits, over {n_bytes} bytes: {expected:.4g}."


def lengths(texts, of=lambda text: len(text.encode())):
    return torch.tensor([float(of(text)) for text in texts])


BITS_PER_BYTE_OF_TEXTS = Exercise(
    name="bits_per_byte_of_texts",
    reference=bits_per_byte_of_texts,
    examples=priced_texts,
    explain=count_again,
    tolerance=1e-4,
    advice={
        "'list' object has no attribute 'encode'": "texts is a list: encode each text, one after the other.",
        "codec can't encode": "UTF-8 can write every character: text.encode().",
        "division by zero": "a document may be empty. Divide once, all bits by all bytes.",
        "string argument without an encoding": "text.encode() gives the bytes.",
    },
    hints=(
        "All bits over all bytes. One nat is how many bits? And how many bytes is a text: len(text), or something "
        "else?",
        "nats.sum() / math.log(2) are the bits. len(text.encode()) are the UTF-8 bytes of one text; add them up.",
    ),
    mistakes=(
        Mistake(
            "You divided by the number of characters, or of tokens. é is one character and two bytes: "
            "len(text.encode()).",
            lambda nats, texts: nats.sum().item() / math.log(2) / lengths(texts, len).sum().item(),
        ),
        Mistake(
            "That is in nats per byte. One nat is 1.44 bits: divide by ln 2.",
            lambda nats, texts: nats.sum().item() / lengths(texts).sum().item(),
        ),
        Mistake(
            "Multiplied by ln 2 instead of divided. One nat is 1.44 bits, so there are more bits than nats.",
            lambda nats, texts: nats.sum().item() * math.log(2) / lengths(texts).sum().item(),
        ),
        Mistake(
            "Two things at once: characters instead of bytes, and nats instead of bits.",
            lambda nats, texts: nats.sum().item() / lengths(texts, len).sum().item(),
        ),
        Mistake(
            "You averaged the texts' own figures, so a text of 3 bytes counts as much as one of 300. All bits over all "
            "bytes.",
            lambda nats, texts: (nats / lengths(texts)).mean().item() / math.log(2),
        ),
        Mistake(
            "The end of a text costs bits (they are in nats already) but is no byte of it.",
            lambda nats, texts: nats.sum().item() / math.log(2) / (lengths(texts).sum().item() + len(texts)),
        ),
        Mistake(
            "You divided the mean price of a document by all bytes. All bits over all bytes: sum, not mean.",
            lambda nats, texts: nats.mean().item() / math.log(2) / lengths(texts).sum().item(),
        ),
        Mistake(
            "That is bits per document. Divide by the bytes.",
            lambda nats, texts: nats.mean().item() / math.log(2),
        ),
        Mistake(
            "These are the bits of everything. Divide by the bytes.",
            lambda nats, texts: nats.sum().item() / math.log(2),
        ),
        Mistake(
            "log2 of the nats is not their number of bits: nats are logarithms already. Divide them by ln 2.",
            lambda nats, texts: nats.log2().sum().item() / lengths(texts).sum().item(),
        ),
        Mistake(
            "log2 of the sum is not its number of bits: nats are logarithms already. Divide them by ln 2.",
            lambda nats, texts: nats.sum().log2().item() / lengths(texts).sum().item(),
        ),
        Mistake(
            "Upside down: that is how many bytes one bit buys. Bits over bytes.",
            lambda nats, texts: lengths(texts).sum().item() / (nats.sum().item() / math.log(2)),
        ),
        Mistake(
            "You left out the empty text together with its price. It has no bytes, but its end costs too: a model has "
            "to say that nothing comes.",
            lambda nats, texts: (
                sum(x for x, text in zip(nats.tolist(), texts, strict=True) if text)
                / math.log(2)
                / lengths(texts).sum().item()
            ),
        ),
        Mistake(
            "A space or a line break at the end of a text is a byte like any other, and was paid for: no strip().",
            lambda nats, texts: (
                nats.sum().item() / math.log(2) / lengths(texts, lambda text: len(text.strip().encode())).sum().item()
            ),
        ),
        Mistake(
            "You divided by the number of words. Words are of no fixed size: count the UTF-8 bytes.",
            lambda nats, texts: nats.sum().item() / math.log(2) / max(1, sum(len(text.split()) for text in texts)),
        ),
        Mistake(
            "// throws the fraction away. Use /.",
            lambda nats, texts: nats.sum().item() / math.log(2) // lengths(texts).sum().item(),
        ),
        Mistake(
            "The sign: a price is above 0, and so are nats.",
            lambda nats, texts: -nats.sum().item() / math.log(2) / lengths(texts).sum().item(),
        ),
    ),
)
