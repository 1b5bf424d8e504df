"""A corpus that exceeds memory on its whole way: cleaned, tokenised, trained on and evaluated, each by its own process.

python -m tests.benchmarks.large [--megabytes 50 2000] [--folder DIR]

The text is generated (large_text.py). What should grow with the text must grow in
proportion; what looks at a sample must not grow at all; memory must stay under a gigabyte.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .large_text import write_text
from .ratios import HEADER, Row

GROWS = ("clean", "tokenise")
PREPARE = """
import json, sys
from tinygpt.config import ModelConfig, TrainConfig
from tinygpt.corpora import open_corpus
from tinygpt.pipeline import prepare
model, training = ModelConfig(**json.loads(sys.argv[3])), TrainConfig(steps=50, evaluations=1)
prepare(sys.argv[1], open_corpus(sys.argv[2], "blank-lines"), model, training)
"""


# A process starts with the peak of the one that started it, so a small one stands between them and us.
WATCH = """
import json, os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
_, status, used = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)  # else it would be waited for once more
took = time.perf_counter() - began, used.ru_utime + used.ru_stime
print(json.dumps([process.returncode, *took, used.ru_maxrss]))
"""


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds on the clock, seconds of all cores together, bytes of memory at its peak."""

    seconds: float
    core_s: float
    peak_bytes: int


def stages(text, folder, model):
    """The steps in order, and the Python command of each; model: settings that are not the default."""
    run, clean = folder / "run", folder / "clean.txt"
    tinygpt = ["-m", "tinygpt"]
    yield "clean", [*tinygpt, "corpus", "--corpus", text, "--documents", "blank-lines", "--to", clean]
    # This trains a tokenizer, too, and cleans the text on the way.
    yield "tokenise", ["-c", PREPARE, run, text, json.dumps(model)]
    yield "train", [*tinygpt, "train", "--out", run, "--resume"]
    yield "evaluate", [*tinygpt, "evaluate", "--run", run]


def cost(arguments):
    """Run Python with some arguments in a process of its own: what it took. Its output goes to our stderr."""
    command = [sys.executable, "-c", WATCH, sys.executable, *map(str, arguments)]
    code, *took, peak = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    if code:
        raise RuntimeError(f"{arguments} ended with exit code {code}")
    return Cost(*took, peak if sys.platform == "darwin" else 1024 * peak)  # macOS counts bytes


def measure(n_bytes, folder, **model):
    """Generate a text in a folder and take it all the way: the text's bytes, and {stage: Cost}."""
    text = folder / "text.txt"
    written, costs = write_text(text, n_bytes), {}
    for stage, arguments in stages(text, folder, model):
        costs[stage] = cost(arguments)
        print(f"[{written / 1e6:,.0f} MB] {stage}: {costs[stage]}", file=sys.stderr, flush=True)
    return written, costs


def rows(small, large):
    """A row per stage, and one for memory. small, large: what `measure` gave."""
    (small_bytes, small_costs), (large_bytes, large_costs) = small, large
    times = large_bytes / small_bytes
    for stage, cost in large_costs.items():
        ratio = cost.core_s / small_costs[stage].core_s
        mb_s = f"{large_bytes / 1e6 / cost.core_s:.2f} MB a second and core; " if stage in GROWS else ""
        yield Row(
            f"{stage}, core seconds{' per MB' if stage in GROWS else ''}, {large_bytes / 1e6:,.0f} MB / "
            f"{small_bytes / 1e6:,.0f} MB of text",
            "flat",
            (ratio / times if stage in GROWS else ratio,),
            f"{mb_s}{cost.core_s:,.0f} core s, {cost.seconds:,.0f} s, peak {cost.peak_bytes / 1e6:,.0f} MB",
        )
    peaks = [max(cost.peak_bytes for cost in costs.values()) for costs in (small_costs, large_costs)]
    yield Row(
        "the highest peak of memory, large / small",
        "under 1 GB",
        (peaks[1] / peaks[0],),
        f"{peaks[1] / 1e6:,.0f} and {peaks[0] / 1e6:,.0f} MB",
    )


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.large", description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", nargs=2, type=float, default=(50, 2000), metavar="MB", help="default: 50 2000")
    parser.add_argument("--folder", help="where it all goes, 3 bytes for each of text; default: a temporary folder")
    options = parser.parse_args(argv)
    found = []
    for megabytes in options.megabytes:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            found.append(measure(1e6 * megabytes, Path(folder)))
    print(HEADER, *rows(*found), sep="\n")


if __name__ == "__main__":
    main()
