"""Every term of the course, in one sentence, with the lesson that introduces it."""

from difflib import get_close_matches

from tinygpt.config import require

TERMS = {  # term: (lesson, what it means)
    "add-one smoothing": ("00", "Adding 1 to every count before dividing, so that nothing has probability 0."),
    "baseline": ("00", "A simple predictor that a model has to beat before anybody should be impressed."),
    "bigram": ("00", "Two symbols that follow each other; a bigram model predicts from the last symbol only."),
    "bit": ("00", "The surprise of one flip of a coin: what a symbol costs that had probability 1/2."),
    "bits per byte": (
        "00",
        "How many binary digits a model needs, on average, to say which byte comes next: our measure; less is better.",
    ),
    "byte": ("00", "A number from 0 to 255; text is stored as bytes by UTF-8, one to four for a character."),
    "compressor": ("00", "A program that stores text in fewer bits; to do that it has to predict."),
    "conditional probability": ("00", "How likely something is once we know something else: u after q."),
    "context": ("00", "What a model looks at before it predicts: the symbols, later the tokens, that came before."),
    "corpus": ("00", "The text that a model learns from and is measured on: here 16,449 definitions."),
    "cross-entropy": ("00", "The mean price of the symbols that came, under a model's probabilities."),
    "document": ("00", "One piece of text that belongs together: here a medical term with its definition."),
    "hash": ("00", "A number computed from something that looks random, but is always the same for the same thing."),
    "held-out text": ("00", "Text that a model has not learned from, kept back to judge it on."),
    "language model": ("00", "A function from what has been read to probabilities of what comes next."),
    "leak": ("00", "Text that a model is tested on and has, in some form, learned from: the figures flatter it."),
    "nat": ("00", "Surprise counted with the natural logarithm: one nat is 1.44 bits."),
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
    "surprise": ("00", "What a symbol costs: the logarithm of one over its probability, in bits with base 2."),
    "symbol": ("00", "What is predicted one at a time: in lesson 00 a byte or the end of a document."),
    "uniform": ("00", "The same probability for everything: what a model says that knows nothing."),
    "BPE": ("01", "Byte-pair encoding: learning tokens by merging the most frequent pair of neighbours."),
    "byte-pair encoding": (
        "01",
        "Learning tokens by merging the most frequent pair of neighbours again and again; BPE for short.",
    ),
    "bytes per token": (
        "01",
        "How long a tokenizer's steps are on average; the price per token divided by it is per byte.",
    ),
    "code point": ("01", "The number that Unicode gives a character; UTF-8 writes it as one to four bytes."),
    "control token": ("01", "A token that means something other than text, such as the end of a document."),
    "injection": ("01", "Text of a user that becomes a control token, or an order, because nobody kept them apart."),
    "merge": ("01", "Putting one new token in place of a pair of neighbours, wherever it stands."),
    "merges table": ("01", "The pairs that a tokenizer has learned to merge, in their order; all that it knows."),
    "n-gram": ("01", "Symbols that follow each other, n of them; one is a unigram, two are a bigram."),
    "pre-tokenisation": ("01", "Cutting a text into words before any merging; no token crosses their borders."),
    "special token": ("01", "A token that stands for no text, such as the end of a document; a control token."),
    "stand-in": ("01", "A visible character for a byte, such as Ġ for the space, so that tokens can be written down."),
    "token": ("01", "A piece of text that a model reads and predicts in one step: here some bytes."),
    "tokenizer": ("01", "What turns text into numbers of tokens, and numbers back into text."),
    "UTF-8": ("01", "The usual way to write text as bytes: one to four of them for a character."),
    "vocabulary": ("01", "All the tokens that a tokenizer has, each with its number, the id."),
    "Witten-Bell smoothing": (
        "01",
        "Counting, where what was never seen after a context gets its share from the shorter context.",
    ),
    "attention": ("02", "A weighted average of what other positions offer, with weights that depend on the content."),
    "attention head": ("02", "A head: one of several attentions side by side."),
    "attention weights": ("02", "How much a position listens to each of the others: none below 0, all together 1."),
    "causal mask": ("02", "The table of who may listen to whom: each position to itself and to what came before it."),
    "effective number of keys": (
        "02",
        "Among how many keys a query shares its attention: e to the power of the weights' entropy.",
    ),
    "entropy": ("02", "How undecided shares are: -Σ p·ln p, 0 when one has everything, ln n when n have the same."),
    "gradient": ("02", "For each weight, how the loss changes when that weight grows a little."),
    "head": ("02", "One of several attentions side by side, each with queries, keys and values of its own."),
    "key": ("02", "The list of numbers by which a position says what it can be asked for."),
    "layer": ("02", "One of several equal parts through which everything passes in turn; in a GPT, a block."),
    "mask": ("02", "A table of what may be seen; see causal mask."),
    "multi-head attention": ("02", "Several attentions side by side, each on its own part of the numbers, then mixed."),
    "position embedding": ("02", "Numbers added to a token's own that say at which place it stands."),
    "query": ("02", "The list of numbers by which a position says what it is looking for."),
    "rotary position": (
        "02",
        "Queries and keys turned by angles that grow with the place, so that q·k knows distances.",
    ),
    "score": ("02", "The dot product of a query and a key, divided by the root of their length, before the softmax."),
    "softmax": ("02", "Turns any numbers into weights that sum to 1: e to the power of each, divided by their sum."),
    "value": ("02", "The list of numbers that a position hands on to those that listen to it."),
    "activation": ("03", "A number that a model computes on the way, as opposed to a weight, which it has learned."),
    "block": ("03", "One attention and one MLP, each of which reads a normalised copy of the stream and adds to it."),
    "embedding": ("03", "The row of numbers that stands for a token, or for a place, inside a model."),
    "flop": ("03", "One multiplication or addition of numbers; what a model costs is counted in them."),
    "gelu": ("03", "A bend between two matrices: x times the probability that a standard normal number is below x."),
    "GPT": ("03", "Generative pre-trained transformer: a language model made of attention and MLPs on one stream."),
    "hook": ("03", "A function that torch calls whenever a part of a model has run, or before it does (pre-hook)."),
    "initialisation": ("03", "The numbers that the weights have before the first step of training."),
    "layernorm": (
        "03",
        "Brings a vector to mean 0 and spread 1, then multiplies by a learned weight and adds a learned bias.",
    ),
    "logit": ("03", "A score before softmax: the higher, the likelier; only differences within a row count."),
    "mlp": ("03", "Two matrices with a bend between them, applied to every place by itself."),
    "output head": ("03", "The last matrix, from the stream to a score for every token; no attention head."),
    "overfit": ("03", "To learn the training text by heart; on one batch a test of the code, on all of it a fault."),
    "residual stream": ("03", "The running sum of a model's vectors, to which every attention and MLP adds."),
    "standard deviation": ("03", "How far numbers typically are from their mean: the root of the variance."),
    "tied": ("03", "Said of a head that reuses the token embedding: one table, used twice."),
    "variance": ("03", "The mean of the squared distances from the mean."),
    "window": ("03", "A piece of the token stream, of the context's length and one more, that the model learns from."),
    "AdamW": (
        "04",
        "An optimizer that steps by the mean gradient over its usual size, and shrinks weights apart from that.",
    ),
    "batch": ("04", "Some windows that are read side by side and make one step of training."),
    "checkpoint": ("04", "All that a run needs to go on exactly: weights, averages, generators and the step."),
    "clipping": ("04", "Scaling all gradients down together when their norm is above a limit."),
    "dead gradients": ("04", "Said of a run in which nothing that the loss says reaches the weights."),
    "epoch": ("04", "As many tokens of training as the text has; shuffled, each of them once."),
    "evaluation": ("04", "Measuring a model on held-out text, without learning from it."),
    "learning rate": ("04", "How far a step goes: the number that a step's direction is multiplied by."),
    "memory-mapped": ("04", "Said of a file that looks like an array and is read only where it is touched."),
    "optimizer": ("04", "What turns gradients into steps of the weights, with what it remembers of earlier ones."),
    "range test": ("04", "A short run whose learning rate grows from too small to too large, to see where it helps."),
    "warm-up": ("04", "The first steps of a run, in which the learning rate rises to its full size."),
    "weight decay": ("04", "Shrinking every weight a little at each step, so that what is not needed goes to 0."),
    "derail": ("05", "To lose the thread: one strange token leads to a context that the model has never learned from."),
    "distinct-n": (
        "05",
        "Of all runs of n tokens in some texts, the share that are different; low where they say the same.",
    ),
    "greedy": ("05", "Picking the likeliest token each time: always the same text, and often a circle."),
    "KV cache": ("05", "The keys and values of all tokens read so far, kept so that each token is read only once."),
    "prompt": ("05", "The beginning of a text that a model is given to go on from."),
    "streaming": ("05", "Handing over a text piece by piece while it is being written, in whole characters."),
    "tail": ("05", "All the unlikely tokens of a distribution: right as a whole, unreliable one by one."),
    "temperature": (
        "05",
        "What scores are divided by before the softmax: below 1 the likely get likelier, above 1 all more alike.",
    ),
    "top-k": ("05", "Picking among the k likeliest tokens only."),
    "top-p": ("05", "Picking among the fewest likeliest tokens that together reach probability p; also nucleus."),
    "bootstrap": ("06", "Drawing again from what was drawn, with replacement, to see how much a figure may move."),
    "calibrated": ("06", "Said of a model whose 70% come true 7 times in 10."),
    "interval": ("06", "From where to where a figure may lie; a 95% interval contains the true one 19 times in 20."),
    "memorisation": ("06", "Giving back the training text word for word, more than held-out text by people does."),
    "paired comparison": ("06", "Two models measured on the same documents, by the difference on each of them."),
    "perplexity": (
        "06",
        "Among how many equally likely tokens guessing would cost as much: e to the power of the nats per token.",
    ),
    "quantile": ("06", "The value below which a given share of the values lies: 2.5% of them below quantile 0.025."),
    "reliability": ("06", "How often what was given a probability came true, drawn against that probability."),
    "stride": ("06", "How many tokens after a window the next one begins; below the context's length they overlap."),
    "twin": ("06", "A near-duplicate in the training text of a document that was held out."),
    "ablation": ("07", "Taking a part of a model away, to see what it was worth; also knocking out."),
    "control": (
        "07",
        "The same measurement where the effect that is claimed cannot be; what is left there is no effect.",
    ),
    "cosine": (
        "07",
        "How far two vectors point the same way, whatever their lengths: 1 the same, 0 across, -1 opposite.",
    ),
    "induction": (
        "07",
        "Copying by two heads: find where the present token stood before, and say what followed it there.",
    ),
    "logit lens": ("07", "Reading the stream before it is finished, through the final norm and the output head."),
    "positive control": ("07", "A case in which a test must say yes, so that its no means something."),
    "pre-hook": (
        "07",
        "A hook that torch calls before a part runs, with what goes in; what it returns goes in instead.",
    ),
    "unlearning": ("07", "A step up the gradient of a document's loss, so that the model predicts it worse."),
    "GGUF": ("08", "The one file in which llama.cpp wants a model: weights, settings and tokenizer together."),
    "int8": ("08", "Whole numbers from -127 to 127, a byte each, with a scale that makes weights of them again."),
    "model card": ("08", "The page beside a model: what it was made of, how good it is on what, what it must not do."),
    "pickle": ("08", "Python's own way to store objects: a program, which runs when somebody opens it."),
    "quantising": ("08", "Rounding weights to fewer bits each, so that a model takes less room."),
    "run folder": (
        "08",
        "What a training leaves: settings, tokenizer and weights, all of them JSON, text and numbers.",
    ),
    "safetensors": ("08", "A file of weights: a length, a header in JSON, and numbers; nothing in it can run."),
    "compute": ("09", "What a training costs in FLOPs: those of a step times the steps."),
    "head start": (
        "09",
        "Before training, embedding and head learn which token follows which; the blocks begin with that known.",
    ),
    "least squares": ("09", "Fitting a line so that the squares of the distances from it add up to the least."),
    "memory map": ("09", "A file shown as an array; only the pages that are touched are read."),
    "Muon": ("09", "An optimizer for matrices: each step is made orthogonal, so that all directions learn alike."),
    "Newton-Schulz step": ("09", "Products of a matrix with itself that push all its singular values towards 1."),
    "noise": ("09", "How far results of one recipe lie apart that differ in the seed only."),
    "orthogonal": ("09", "Said of a matrix whose singular values are all 1: it turns vectors, and stretches none."),
    "power law": ("09", "One quantity as a power of another, a · x^(-b): in logarithms a straight line."),
    "residual": ("09", "By how much a measurement misses the line that was fitted to it."),
    "rung": ("09", "A recipe on the way from 2019 to ours: it keeps all changes of those before it."),
    "seed": ("09", "The number from which all that is drawn follows: the first weights, the order of the text."),
    "singular values": ("09", "The factors by which a matrix stretches, each along a direction of its own."),
    "torchrun": ("09", "PyTorch's starter of several processes that train one model together."),
}


def glossary(term=None):
    """Print what a term means; without one, all of them."""
    names = sorted(TERMS, key=str.lower) if term is None else [found(term)]
    for name in names:
        lesson, meaning = TERMS[name]
        print(f"{name} (lesson {lesson}): {meaning}")


def found(term):
    names = {name.lower(): name for name in TERMS}
    wanted = " ".join(str(term).lower().split())
    close = get_close_matches(wanted, names, n=3, cutoff=0.6)
    advice = f"did you mean {' or '.join(names[name] for name in close)}?" if close else "glossary() lists all terms"
    require(wanted in names or wanted.removesuffix("s") in names, f"{term!r} is not in the glossary; {advice}")
    return names.get(wanted) or names[wanted.removesuffix("s")]
