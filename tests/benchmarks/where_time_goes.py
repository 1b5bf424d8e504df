"""Where the time of a training step and of a written token goes, and how far that is from what the machine can do.

python -m tests.benchmarks.where_time_goes
"""

import time
from collections import defaultdict
from statistics import median

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tinygpt.config import ModelConfig, SampleConfig, TrainConfig
from tinygpt.course.trials import step_flops
from tinygpt.model import TinyGPT
from tinygpt.optim import learning_rate_factor, set_learning_rates
from tinygpt.sampling import generate_ids, make_decoder
from tinygpt.trainer import Trainer

KINDS = {  # names of torch's operations, as they begin
    "matrix products": ("mm", "bmm", "addmm", "baddbmm"),
    "softmax and cross-entropy": ("_softmax", "_log_softmax", "nll_loss"),
    "casts and copies": ("_to_copy", "copy_", "clone", "cat", "stack", "roll", "fill_", "zero_"),
    "the optimizer's own": ("_fused_adamw", "lerp"),
}
ELEMENTWISE = "sums, products and norms, number by number"
AROUND = "around them: Python and dispatch"


def best(function, repetitions=15):
    """Seconds that a function takes when nothing comes between."""
    times = []
    for _ in range(repetitions):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times)


def product_limit(dtype, n=1024):
    """FLOP/s of a square matrix product, the best that this machine and this torch do."""
    a, b = torch.randn(n, n).to(dtype), torch.randn(n, n).to(dtype)
    return 2 * n**3 / best(lambda: a @ b)


def memory_limit(n_bytes=2**28):
    """Bytes/s that are read and written when a large array is copied."""
    a = torch.zeros(n_bytes // 4)
    b = torch.empty_like(a)
    return 2 * n_bytes / best(lambda: b.copy_(a))


def weights_limit(n_bytes, reads=20):
    """Bytes/s at which matrix times vector reads weights of so many bytes, which may fit into a cache."""
    matrix = np.ones((n_bytes // 4 // 256, 256), np.float32)
    vector = np.ones(256, np.float32)
    return matrix.nbytes / (best(lambda: [matrix @ vector for _ in range(reads)]) / reads)


def phases(trainer, repetitions=30):
    """Seconds of the parts of a training step, the median of each."""
    times = defaultdict(list)

    def timed(name, function, *arguments):
        began = time.perf_counter()
        result = function(*arguments)
        times[name].append(time.perf_counter() - began)
        return result

    for step in range(repetitions):
        ids, targets = timed("batch", trainer.batches.__getitem__, step)
        set_learning_rates(trainer.optimizers, learning_rate_factor(step, trainer.config))
        loss = timed("forward", trainer.model.loss, ids, targets, trainer.dtype)
        timed("backward", loss.backward)
        timed("clip", torch.nn.utils.clip_grad_norm_, list(trainer.model.parameters()), trainer.config.clip)
        for optimizer in trainer.optimizers:
            timed(type(optimizer).__name__, optimizer.step)
            optimizer.zero_grad()
    return {name: median(values) for name, values in times.items()}


class Stopwatch(TorchDispatchMode):
    """Seconds spent in each of torch's operations, by name."""

    def __init__(self):
        super().__init__()
        self.seconds = defaultdict(float)

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        began = time.perf_counter()
        result = operation(*args, **(kwargs or {}))
        self.seconds[operation.overloadpacket.__name__] += time.perf_counter() - began
        return result


def kinds(trainer, steps=20):
    """Seconds of a training step by kind of operation; what a step takes beyond them is around them."""
    seconds = best(trainer.train_step, steps)
    with Stopwatch() as watch:
        for _ in range(steps):
            trainer.train_step()
    found = defaultdict(float)
    for name, spent in watch.seconds.items():
        kind = next((kind for kind, begins in KINDS.items() if name.startswith(begins)), ELEMENTWISE)
        found[kind] += spent / steps
    return {**found, AROUND: max(0.0, seconds - sum(found.values()))}


def training_report(tokens):
    model_config, config = ModelConfig(), TrainConfig(steps=10**6)
    trainer = Trainer(model_config, config, tokens)
    for _ in range(5):
        trainer.train_step()
    parts = phases(trainer)
    step = sum(parts.values())
    yield f"one training step: {1000 * step:.1f} ms for {trainer.batches.tokens_per_step:,} tokens"
    for name, seconds in sorted(parts.items(), key=lambda item: -item[1]):
        yield f"  {name:10} {1000 * seconds:6.1f} ms {seconds / step:5.0%}"
    spent = kinds(trainer)
    yield "by kind of operation"
    for kind, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        yield f"  {kind:44} {1000 * seconds:6.1f} ms {seconds / sum(spent.values()):5.0%}"
    flops, limit = step_flops(model_config, config.batch_size), product_limit(trainer.dtype)
    dtype = str(trainer.dtype).removeprefix("torch.")
    yield f"products of the model: {flops / 1e9:.1f} GFLOP, {flops / step / 1e9:,.0f} GFLOP/s over the whole step"
    yield f"  limit in {dtype}: {limit / 1e9:,.0f} GFLOP/s, of which the whole step uses {flops / step / limit:.0%}"
    yield f"  limit in float32: {product_limit(torch.float32) / 1e9:,.0f} GFLOP/s"
    yield f"memory: {memory_limit() / 1e9:.0f} GB/s read and written when large arrays are copied"


def writing_report(n_tokens=256):
    config = ModelConfig(context_length=2 * n_tokens)
    model = TinyGPT(config).eval()
    decoder = make_decoder(model)
    greedy = SampleConfig(temperature=0.0, max_tokens=n_tokens)
    seconds = best(lambda: list(generate_ids(decoder, [0], greedy, -1)), 5) / n_tokens
    read = 4 * (model.count_parameters() - model.token_embedding.weight.numel())
    limit = weights_limit(read)
    yield f"one written token, batch 1, greedy: {1e6 * seconds:.0f} us, {1 / seconds:,.0f} tokens/s"
    yield f"  {read / 1e6:.1f} MB of weights are read, at {read / seconds / 1e9:.1f} GB/s"
    yield f"  one large matrix times a vector reads {limit / 1e9:.1f} GB/s: we are at {read / seconds / limit:.0%}"


if __name__ == "__main__":
    from .corpus import read_corpus

    for line in [*training_report(read_corpus()[1]), *writing_report()]:
        print(line)
