"""Ways to damage a file: by accident, by mistake, on purpose.

Each is called with the path, what stands there, a random.Random and what stands at the same place of another run.
"""

import json
import os
import pickle
import struct

import torch

MEMORY = 2**27  # bytes that no reading may take


class Bomb:
    """A pickle of it makes a folder when it is opened."""

    def __reduce__(self):
        return os.mkdir, (os.environ["BOMB"],)


def cut_off(path, content, chance, other):
    path.write_bytes(content[: chance.randrange(len(content))])


def empty(path, content, chance, other):
    path.write_bytes(b"")


def bits_flipped(path, content, chance, other):
    content = bytearray(content)
    for _ in range(chance.choice([1, 1, 3])):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def random_bytes(path, content, chance, other):
    place, n = chance.randrange(len(content)), chance.choice([1, 8, 100])
    path.write_bytes(content[:place] + chance.randbytes(n) + content[place + chance.choice([0, n]) :])


def part_repeated(path, content, chance, other):
    a, b = sorted(chance.randrange(len(content) + 1) for _ in "ab")
    path.write_bytes(content[:b] + content[a:])


def part_missing(path, content, chance, other):
    a, b = sorted(chance.randrange(len(content) + 1) for _ in "ab")
    path.write_bytes(content[:a] + content[b:])


def of_another_run(path, content, chance, other):
    path.write_bytes(other)


def pickled(path, content, chance, other):
    if chance.random() < 0.5:
        torch.save({"weight": Bomb()}, path)
    else:
        path.write_bytes(pickle.dumps(Bomb(), protocol=chance.randrange(6)))


def too_deep(path, content, chance, other):
    path.write_bytes(chance.choice([b"[", b'{"a":']) * 100_000)


def huge(path, content, chance, other):
    """More zeros than there may be memory, behind what is there or in place of it: they take no room on the disk."""
    with path.open("wb") as file:
        file.write(content[: chance.choice([0, len(content)])])
        file.truncate(MEMORY + 2**25)


def huge_header(path, content, chance, other):
    path.write_bytes(struct.pack("<Q", chance.choice([len(content), 10**8, 2**40, 2**63, 2**64 - 1])) + content[8:])


def linked(path, content, chance, other):
    path.unlink(missing_ok=True)
    path.symlink_to(chance.choice(["nowhere", path.parent, path.name, "/dev/zero", "/dev/null", "/dev/tty"]))


def linked_copy(path, content, chance, other):
    """The only one that does no harm: who keeps large files elsewhere may."""
    path.with_name("elsewhere").write_bytes(content)
    path.unlink(missing_ok=True)
    path.symlink_to("elsewhere")


def missing(path, content, chance, other):
    path.unlink(missing_ok=True)


ODD = [0, 1, -1, 3, 2**15, 10**9, 2**63, 10**30, 10**400, 0.5, 1e-300, 1e308, float("nan"), float("inf"), True, None]
ODD += ["", "x", "\0", "a\nb", "../../..", "uint32", "I64", "\ud800", [], [1], [[]], {}, {"": {}}, ["a", "b"]]


def odd_value(path, content, chance, other):
    """One of the values in a file of JSON, or in the header of one of safetensors, is another; or it is not there."""
    tensors = path.suffix == ".safetensors"
    end = 8 + struct.unpack("<Q", content[:8])[0] if tensors else len(content)
    try:
        root = [json.loads(content[8 * tensors : end])]
    except ValueError:
        return bits_flipped(path, content, chance, other)  # it is none of these
    places = list(places_in(root))
    part, key = places[max(chance.randrange(len(places)) for _ in "ab")]
    if chance.random() < 0.1 and part is not root:
        del part[key]
    else:
        part[key] = chance.choice(ODD)
    header = json.dumps(root[0]).encode()
    path.write_bytes(struct.pack("<Q", len(header)) * tensors + header + content[end:])


def places_in(part):
    for key in list(part) if isinstance(part, dict) else range(len(part)):
        yield part, key
        if isinstance(part[key], dict | list):
            yield from places_in(part[key])


DAMAGE = [cut_off, empty, bits_flipped, random_bytes, part_repeated, part_missing, of_another_run, pickled, too_deep]
DAMAGE += [huge, huge_header, linked, linked_copy, missing, odd_value]
