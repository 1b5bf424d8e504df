"""Which processor to compute on, and how to get the best out of it."""

import ctypes
import sys
from contextlib import suppress

import torch

from tinygpt.config import require


def choose_device(name="auto"):
    """`auto` takes an NVIDIA GPU, else Apple's, else the CPU; a name is taken when that device is there."""
    if name == "auto":
        return torch.device(available()[-1])
    choices = ["auto", *available()]
    require(name in choices, f"device {name!r} is unknown or not available here; choose one of {', '.join(choices)}")
    return torch.device(name)


def choose_precision(name, device):
    """`auto` takes bfloat16 where the device has products of its own for it, else float32."""
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    cpu = getattr(torch.cpu, "get_capabilities", dict)()  # torch before 2.11 can't tell
    return "bfloat16" if device.type == "cpu" and cpu.get("avx512_bf16") else "float32"


def available():
    """The names of this machine's devices, the fastest last."""
    names = ["cpu"]
    if torch.backends.mps.is_available():
        names.append("mps")
    if torch.cuda.is_available():
        names += [f"cuda:{i}" for i in reversed(range(torch.cuda.device_count()))] + ["cuda"]
    return names


def keep_freed_memory():
    """Have glibc keep freed memory for the next step: to return it and fetch it again costs a sixth of the time."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library: nothing to tell it
            mallopt = ctypes.CDLL("libc.so.6").mallopt
            mallopt(M_MMAP_THRESHOLD, 2**30)
            mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
