"""Which processor to compute on."""

import torch

from tinygpt.config import InputError, require


def choose_device(name="auto"):
    """`auto` takes an NVIDIA GPU, else Apple's, else the CPU; a name is taken when that device is there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise InputError(f"device {name!r} is not available here; choose one of auto, {', '.join(available())}") from None
    require(device.type in ("cpu", "cuda", "mps"), f"device {name!r} is unknown; choose one of auto, {', '.join(available())}")
    return device


def available():
    names = ["cpu"]
    if torch.backends.mps.is_available():
        names.append("mps")
    return names + [f"cuda:{i}" for i in range(torch.cuda.device_count())]
