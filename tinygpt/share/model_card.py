"""README.md of an exported model: what it is, what it was trained on and how, how good it is, what it must not do.

Source: Mitchell et al. 2019, Model Cards for Model Reporting.
"""

import re

from tinygpt.checkpoint import METRICS
from tinygpt.config import InputError
from tinygpt.reading import read_json
from tinygpt.report import REPORTED_TOKENS, Figures, between, measure

CARD = """\
---
{front_matter}
---

# {name}

A language model of {parameters:,} parameters, trained from scratch with TinyGPT to learn and to teach how language
models work. It continues texts of the kind that it was trained on.

**It invents, medicine too. Its text is never for medical use.**

## Use

```python
from transformers import pipeline

write = pipeline("text-generation", model="PATH-OF-THIS-FOLDER")
print(write("{prompt}")[0]["generated_text"])
```

A prompt and its continuation together have at most {context_length} tokens. The tokenizer begins every text with
`<|endoftext|>`, as all documents of the training did (`add_special_tokens=False` leaves it out). Where these
characters stand in a text, they are plain text; with `split_special_tokens=False` they are the token.

## Training data

{data}

## Training

{training}

## Figures

On {documents:,} validation documents that were not trained on, {near_duplicates:,} of which have a near-duplicate in
the training text (half of their word trigrams or more). Lower is better; 95% intervals by bootstrap over documents.

{figures}

Documents are each preceded by `<|endoftext|>` and read in windows of {context_length} tokens that do not overlap; every
token but the first is predicted once. Bits per byte: all nats / ln 2 / bytes of the text in UTF-8.

## Limits

- It invents, fluently: names, numbers, findings, diseases. Nothing that it writes is a fact, and nothing tells its
  inventions from what it has read. **Never for medical use**: no diagnosis, no advice, no decision about anyone.
- It may repeat documents of its training text to the letter; their licence holds for them still.
- It follows no instructions and answers no questions. It knows its training text, with its errors and its bias, and
  nothing besides.
"""


def model_card(run, model, architecture):
    """The text of README.md for a run's model. Figures come from metrics.json, or are measured where it is missing."""
    corpus, figures = run.config["corpus"], figures_of(run, model)
    return CARD.format(
        front_matter=front_matter(corpus, architecture),
        name=run.folder.resolve().name,
        parameters=model.count_parameters(),
        prompt="Abnormal" if corpus["spec"] == "hpo" else "The",
        context_length=model.config.context_length,
        data=table(["", ""], data_rows(corpus)),
        training=table(["", ""], training_rows(run, model, architecture)),
        documents=figures["documents"],
        near_duplicates=figures["near_duplicates"],
        figures=figures_table(figures),
    )


def front_matter(corpus, architecture):
    """What the Hugging Face Hub reads, as YAML."""
    from huggingface_hub import ModelCardData

    link = re.search(r"https?://[^\s:;,]+", corpus.get("licence", ""))
    return ModelCardData(
        language="en" if corpus["spec"] == "hpo" else None,
        license="other",
        license_name="that-of-the-training-data",
        license_link=link[0] if link else None,
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["tinygpt", architecture.name, "education"],
    ).to_yaml()


def data_rows(corpus):
    for name in ("source", "version", "licence", "citation"):
        if corpus.get(name):
            yield name, corpus[name]
    for split, size in corpus["splits"].items():
        yield split, "{documents:,} documents, {bytes:,} bytes of UTF-8, {tokens:,} tokens".format(**size)
    for line in corpus.get("cleaning", ()):
        yield "cleaning", line


def training_rows(run, model, architecture):
    shape, training = model.config, run.train_config
    n_tokens = training.steps * training.batch_size * shape.context_length
    rates = {"AdamW": training.lr}
    if training.optimizer == "muon":
        rates = {"Muon": training.matrix_lr, "embedding": training.embedding_lr, "head": training.head_lr} | rates
    layers = f"{shape.n_layers} layers of width {shape.d_model}, {shape.n_heads} heads, MLPs of width {shape.d_ff}"
    yield "architecture", f"{architecture.model_class} (TinyGPT's preset `{architecture.preset}`)"
    yield "shape", f"{layers}, context of {shape.context_length} tokens, vocabulary of {shape.vocab_size}"
    yield "tokenizer", "byte-level BPE, learned from the training text"
    yield "length", f"{training.steps:,} steps of {training.batch_size} windows: {n_tokens:,} tokens"
    yield "learning rates", ", ".join(f"{name} {rate:g}" for name, rate in rates.items())
    schedule = f"rises over {training.warmup:.0%} of the steps, falls to zero over the last {training.decay:.0%}"
    yield "schedule", schedule
    yield "weight decay, dropout, clipping", f"{training.weight_decay:g}, {shape.dropout:g}, {training.clip:g}"
    yield "precision of the products", training.precision
    yield "weights", f"those of the lowest validation loss in {training.evaluations} evaluations"
    yield "seed", training.seed
    yield "software", ", ".join(f"{name} {run.config['versions'][name]}" for name in ("tinygpt", "torch", "tokenizers"))


def figures_of(run, model):
    """The validation figures, as `Figures.as_json` gives them."""
    path = run.folder / METRICS
    if not path.is_file():
        return measure(run, model, max_tokens=REPORTED_TOKENS).as_json()
    figures = read_json(path).get("validation")
    try:
        figures_table(figures), f"{figures['documents']:,} {figures['near_duplicates']:,}"
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:
        advice = "delete it, and the export measures the model anew"
        raise InputError(f"{path} is damaged ({error!r}); {advice}") from None
    return figures


def figures_table(figures):
    columns = {"all": figures, "without near-duplicates": figures["without_near_duplicates"]}
    columns = {name: column for name, column in columns.items() if column}
    rows = [
        [name.replace("_", " "), *(figure(column, name) for column in columns.values())] for name in Figures.FIGURES
    ]
    return table(["", *columns], rows)


def figure(figures, name):
    return f"{figures[name]:.4f} ({between(figures[f'{name}_interval'])})"


def table(head, rows):
    """Rows of texts as a table in Markdown."""
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(escaped(cell) for cell in row)} |" for row in cells)


def escaped(text):
    return " ".join(str(text).split()).replace("|", r"\|")
