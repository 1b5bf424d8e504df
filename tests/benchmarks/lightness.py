"""What is not learning: training a tokenizer, memory as the corpus grows, and the time that an import takes."""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tokenizers import ByteLevelBPETokenizer

from tinygpt.bpe import BPE
from tinygpt.config import END_OF_TEXT

from .ratios import Row, in_turn, middle, ratios


def timed(function, *arguments):
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


def train_library_tokenizer(texts, vocab_size):
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(
        texts, vocab_size=vocab_size, min_frequency=2, special_tokens=[END_OF_TEXT], show_progress=False
    )


def tokenizer_row(texts, repetitions=3, vocab_size=2048):
    found = in_turn(
        {
            "ours": lambda _: timed(BPE.train, texts, vocab_size),
            "library": lambda _: timed(train_library_tokenizer, texts, vocab_size),
        },
        repetitions,
    )
    return Row(
        "training the tokenizer: bpe.py / tokenizers, time",
        "at most 3",
        ratios(found["ours"], found["library"]),
        f"{middle(found['ours'], '{:.2f}')} and {middle(found['library'], '{:.2f}')} s",
    )


PREPARE_AND_TRAIN = """
import json, resource, sys
from tinygpt.config import ModelConfig, TrainConfig
from tinygpt.corpora import open_corpus
from tinygpt.pipeline import prepare
from tinygpt import trainer, training as loop
trainer.keep_freed_memory = lambda: None  # it keeps what was freed, more or less of it; we count what is needed
folder, corpus = sys.argv[1:]
model = ModelConfig(d_model=32, n_heads=2, n_layers=1, context_length=32)
training = TrainConfig(steps=20, batch_size=4, evaluations=1)
run = prepare(folder, open_corpus(corpus, "blank-lines"), model, training, say=lambda line: None)
loop.train(run, show_progress=False)
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""


def shuffled(words, seed):
    return random.Random(seed).sample(words, len(words))


def memory_row(texts, repetitions=2, times=10):
    """Peak memory of tokenizer, tokens and training, on the corpus and on a corpus so many times larger.

    Each copy has its words in an order of its own: documents that resemble each other would be dropped.
    """
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for copies in (1, times):
            with open(folder / f"{copies}.txt", "w", encoding="utf-8") as file:
                for copy in range(copies):
                    for text in texts:
                        file.write(" ".join(shuffled(text.split(), copy)) + "\n\n")
        found = in_turn(
            {
                copies: lambda repetition, copies=copies: printed(
                    PREPARE_AND_TRAIN, folder / f"run-{copies}-{repetition}", folder / f"{copies}.txt"
                )
                for copies in (1, times)
            },
            repetitions,
        )
        sizes = [(folder / f"{copies}.txt").stat().st_size / 1e6 for copies in (1, times)]
    return Row(
        f"peak memory of a run, corpus {times} times larger / corpus",
        "flat",
        ratios(found[times], found[1]),
        f"{middle(found[times])} and {middle(found[1])} KiB for {sizes[1]:.0f} and {sizes[0]:.1f} MB of text",
    )


IMPORT = "import time, {first}; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"


def import_row(repetitions=9):
    found = in_turn(
        {
            "torch": lambda _: printed(IMPORT.format(first="sys", module="torch")),
            "tinygpt": lambda _: printed(IMPORT.format(first="torch", module="tinygpt.training, tinygpt.sampling")),
        },
        repetitions,
    )
    extra = statistics.median(found["tinygpt"])
    return Row(
        "importing torch and tinygpt / importing torch alone, time",
        "+0.2 s",
        ratios([t + o for t, o in zip(found["torch"], found["tinygpt"], strict=True)], found["torch"]),
        f"{1000 * extra:.0f} ms beyond torch's {middle(found['torch'], '{:.2f}')} s",
    )


def printed(program, *arguments):
    """The number that a program prints, run in a process of its own."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    result = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    return json.loads(result.stdout)
