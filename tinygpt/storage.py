"""Tensors and settings in files: safetensors and JSON, which hold data only and never code."""

import hashlib
import json

import safetensors
import safetensors.torch

from tinygpt.atomic import write_atomically
from tinygpt.config import InputError, require

METADATA = "tinygpt"  # the name of our entry in a safetensors file
TORCH_SAVE = b"PK\3\4"  # how its files begin: a zip with a pickle in it


def save_tensors(path, tensors, metadata):
    """Write a safetensors file: equal tensors and metadata give equal bytes."""
    tensors = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    # One entry only: the library writes several in any order.
    write_atomically(path, safetensors.torch.save(tensors, {METADATA: json.dumps(metadata)}))


def load_tensors(path):
    """All tensors and the metadata of a safetensors file."""
    require(path.is_file(), f"{path} is missing; bring it back or train again")
    try:
        with path.open("rb") as file:
            pickled = file.read(4) == TORCH_SAVE
        if not pickled:
            with safetensors.safe_open(path, framework="pt") as file:
                metadata = dict(json.loads((file.metadata() or {}).get(METADATA, "{}")))
                return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118
    except (safetensors.SafetensorError, OSError, ValueError, TypeError, RecursionError) as error:
        problem = " ".join(str(error).split())[:300]  # it may quote what the file holds
        raise InputError(f"{path} is damaged ({problem}); bring it back or train again") from None
    raise InputError(f"{path} is not a safetensors file: torch.save made it, so it holds a pickle; we never open one")


def write_json(path, value):
    write_atomically(path, (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())


def file_digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
