"""Several processes, one training: each computes its rows of every batch, and all take the same step.

`torchrun --standalone --nproc-per-node 2 -m tinygpt train ...` starts them. --batch-size is the whole batch, divided
among them, so that the same command gives the same loss, however many processes there are.

This is the algorithm of DistributedDataParallel without its wrapper, which hides the model behind another class, hooks
into `forward` (our loss computes with bfloat16 copies of the weights) and weighs all processes the same (a batch need
not divide evenly). What the wrapper adds, sending gradients while others are still computed, matters where they are
many; ours are a few megabytes, sent in one piece. Every process has the whole gradient then, so clipping, Muon and
AdamW do the same everywhere.
Source: Li et al. 2020, PyTorch Distributed: Experiences on Accelerating Data Parallel Training.
"""

import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import torch
import torch.distributed as dist

from tinygpt.config import require
from tinygpt.device import choose_device

PATIENCE = timedelta(days=30)  # the others wait while one prepares a large corpus; who dies is noticed at once
LONGEST_TEXT = 8192  # bytes, more than any path has


class ProcessLost(RuntimeError):
    """Another process of the training has ended, so that this one can't go on."""


@dataclass(frozen=True)
class Team:
    """The processes of one training, seen by the one with number `rank`. Alone, every method does nothing."""

    rank: int = 0
    size: int = 1
    launched: bool = False  # by torchrun, perhaps alone

    @property
    def is_first(self):
        return self.rank == 0

    @property
    def signals(self):
        """What asks us to stop. torchrun passes Ctrl-C on, and sends SIGTERM when it is told to end or one died."""
        return (signal.SIGINT, signal.SIGTERM) if self.launched else (signal.SIGINT,)

    def rows(self, batch_size):
        """Which rows of a batch are this process's: all together are the batch, each row once."""
        return range(batch_size * self.rank // self.size, batch_size * (self.rank + 1) // self.size)

    def add_up(self, loss, parameters, share):
        """The loss (1,) of the whole batch; the gradients become those of the whole batch too.

        share: of the batch's rows, how many are this process's. Sums come out the same, to the bit, in every process.
        """
        if not self.launched:
            return loss
        gradients = [p.grad for p in parameters]
        flat = torch.cat([loss.detach().view(1), *(g.flatten() for g in gradients)]) * share  # (1 + weights,)
        collective(dist.all_reduce, flat)
        loss, *summed = flat.split([1, *(g.numel() for g in gradients)])
        for gradient, new in zip(gradients, summed, strict=True):
            gradient.copy_(new.view_as(gradient))
        return loss

    def copy_first(self, tensors):
        """Everybody's tensors become those of the first process."""
        if self.launched:
            for tensor in tensors:
                collective(dist.broadcast, tensor.detach(), src=0)

    def any(self, flag):
        """Whether the flag is up in any process: so all stop after the same step."""
        if not self.launched:
            return flag
        flags = torch.tensor(int(flag))
        collective(dist.all_reduce, flags)
        return bool(flags.item())

    def wait(self):
        """Go on when all have come here."""
        self.any(False)

    def tell(self, text=""):
        """The text that the first process says."""
        if not self.launched:
            return text
        said = torch.zeros(LONGEST_TEXT, dtype=torch.uint8)
        said[: len(text.encode())] = torch.tensor(list(text.encode()), dtype=torch.uint8)
        collective(dist.broadcast, said, src=0)
        return bytes(said.tolist()).rstrip(b"\0").decode()

    def seed(self, seed, step):
        """Let each process draw its own dropout, as a function of the step, so that a resumed run draws the same."""
        if self.size > 1:
            torch.manual_seed(int(np.random.SeedSequence([seed, step, self.rank]).generate_state(1, np.uint64)[0]))


ALONE = Team()


def launched_team():
    """The team that torchrun has put this process into, as its environment says; else ALONE."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return ALONE
    return Team(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), launched=True)


@contextmanager
def joined(device="auto"):
    """The team, connected, and this process's device: gloo carries what is on the CPU, nccl what is on a GPU."""
    team = launched_team()
    if not team.launched:
        yield team, choose_device(device)
        return
    device = own_device(device, team)
    if os.environ.get("OMP_NUM_THREADS") == "1":  # torchrun's own choice, which leaves cores idle
        torch.set_num_threads(max(1, n_cores() // int(os.environ["LOCAL_WORLD_SIZE"])))
    collective(dist.init_process_group, "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    yield team, device
    dist.destroy_process_group()  # after an error nobody waits for the others: the process just ends


def own_device(name, team):
    """Each process its own GPU, or all the CPU."""
    if team.size == 1:
        return choose_device(name)
    require(name in ("auto", "cpu", "cuda"), f"device {name!r} is not for several processes; choose auto, cpu or cuda")
    if name == "cpu" or not torch.cuda.is_available():
        return choose_device("cpu" if name == "auto" else name)
    n_here, n_gpus = int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
    advice = f"start {n_gpus} with --nproc-per-node {n_gpus}, or take --device cpu"
    require(n_here <= n_gpus, f"{n_here} processes need as many GPUs, this machine has {n_gpus}; {advice}")
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    return torch.device("cuda", int(os.environ["LOCAL_RANK"]))


def n_cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def collective(operation, *arguments, **options):
    """Do something together with the other processes; ProcessLost when one of them is gone."""
    try:
        return operation(*arguments, **options)
    except RuntimeError as error:  # torch's own kinds are among these
        reason = str(error).strip().splitlines()[0]
        raise ProcessLost(f"another process has ended ({reason})") from error


def launcher(n_processes):
    """How the command line is called, for so many processes."""
    return "tinygpt" if n_processes == 1 else f"torchrun --standalone --nproc-per-node {n_processes} -m tinygpt"
