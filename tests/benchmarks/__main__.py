"""Every figure that we claim, measured here and now as ratios.

python -m tests.benchmarks [--only learning training writing tokenizer memory import] [--seeds 2] [--to FILE.json]
"""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "5000")  # as the command line does, and before torch


def groups(texts, tokens, seeds):
    """The rows by what they are about; each measured when it is asked for. The quick ones come first."""
    from . import learning, lightness, throughput

    return {
        "import": lambda: [lightness.import_row()],
        "tokenizer": lambda: [lightness.tokenizer_row(texts)],
        "memory": lambda: [lightness.memory_row(texts)],
        "training": lambda: throughput.training_rows(tokens),
        "writing": lambda: throughput.writing_rows(),
        "learning": lambda: learning.rows(tokens, seeds),
    }


NAMES = ("import", "tokenizer", "memory", "training", "writing", "learning")


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="default: all, about 50 minutes")
    parser.add_argument("--seeds", type=int, default=2, help="runs of each kind of training; default: 2")
    parser.add_argument("--to", metavar="FILE.json", help="keep the figures there too")
    options = parser.parse_args(argv)

    import torch

    from .corpus import read_corpus
    from .ratios import HEADER

    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}")
    print(HEADER, flush=True)
    measured, rows = groups(*read_corpus(), options.seeds), []
    for name in options.only:
        for row in measured[name]():
            print(row, flush=True)
            rows.append(asdict(row))
    if options.to:
        Path(options.to).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
