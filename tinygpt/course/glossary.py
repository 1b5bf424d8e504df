"""Every term of the course, in one sentence, with the lesson that introduces it."""

from difflib import get_close_matches

from tinygpt.config import require

TERMS = {  # term: (lesson, what it means)
    "baseline": ("00", "A simple predictor that a model has to beat before anybody should be impressed."),
    "bigram": ("00", "Two symbols that follow each other; a bigram model predicts from the last symbol only."),
    "bits per byte": (
        "00",
        "How many binary digits a model needs, on average, to say which byte comes next: our measure; less is better.",
    ),
    "byte": ("00", "A number from 0 to 255; text is stored as bytes by UTF-8, one to four for a character."),
    "compressor": ("00", "A program that stores text in fewer bits; to do that it has to predict."),
    "cross-entropy": ("00", "The mean price of the symbols that came, under a model's probabilities."),
    "document": ("00", "One piece of text that belongs together: here a medical term with its definition."),
    "language model": ("00", "A function from what has been read to probabilities of what comes next."),
    "near-duplicate": (
        "00",
        "A document that says almost the same as another, such as one for the left and one for the right hand.",
    ),
    "probability distribution": ("00", "A number for each thing that can happen, none below 0, all together 1."),
    "smoothing": ("00", "Giving what was never seen a small probability, so that it never costs infinitely many bits."),
    "split": (
        "00",
        "Which documents a model learns from (train), is watched on (validation) and is judged on once (test).",
    ),
    "leak": ("00", "Text that a model is tested on and has, in some form, learned from: the figures flatter it."),
    "surprise": ("00", "What a symbol costs: the logarithm of one over its probability, in bits with base 2."),
    "nat": ("00", "Surprise counted with the natural logarithm: one nat is 1.44 bits."),
    "activation": ("03", "A number that a model computes on the way, as opposed to a weight, which it has learned."),
    "block": ("03", "One attention and one MLP, each of which reads a normalised copy of the stream and adds to it."),
    "embedding": ("03", "The row of numbers that stands for a token, or for a place, inside a model."),
    "flop": ("03", "One multiplication or addition of numbers; what a model costs is counted in them."),
    "gelu": ("03", "A bend between two matrices: x times the probability that a standard normal number is below x."),
    "head": (
        "03",
        "The last matrix, from the stream to a score for every token; no attention head.",
    ),
    "initialisation": ("03", "The numbers that the weights have before the first step of training."),
    "layernorm": (
        "03",
        "Brings a vector to mean 0 and spread 1, then multiplies by a learned weight and adds a learned bias.",
    ),
    "logit": ("03", "A score before softmax: the higher, the likelier; only differences within a row count."),
    "mlp": ("03", "Two matrices with a bend between them, applied to every place by itself."),
    "overfit": ("03", "To learn the training text by heart; on one batch a test of the code, on all of it a fault."),
    "residual stream": ("03", "The running sum of a model's vectors, to which every attention and MLP adds."),
    "tied": ("03", "Said of a head that reuses the token embedding: one table, used twice."),
    "window": ("03", "A piece of the token stream, of the context's length and one more, that the model learns from."),
}


def glossary(term=None):
    """Print what a term means; without one, all of them."""
    names = sorted(TERMS) if term is None else [found(term)]
    for name in names:
        lesson, meaning = TERMS[name]
        print(f"{name} (lesson {lesson}): {meaning}")


def found(term):
    wanted = " ".join(str(term).lower().split())
    close = get_close_matches(wanted, TERMS, n=3)
    advice = f"did you mean {' or '.join(close)}?" if close else "glossary() lists all terms"
    require(wanted in TERMS or wanted.removesuffix("s") in TERMS, f"{term!r} is not in the glossary; {advice}")
    return wanted if wanted in TERMS else wanted.removesuffix("s")
