"""A stand-in for the model of lesson 05 that counts what it reads, and ways to choose from what it says."""

import torch


class Reader:
    """A small stand-in for the model: what it says depends on every token that it has read, and on their order."""

    def __init__(self):
        self.n_read = 0

    def __call__(self, ids, past=None):
        if isinstance(ids, int) or (isinstance(ids, torch.Tensor) and ids.ndim == 0):
            raise TypeError("read takes a list of ids; for one token that is [token]")
        ids = [int(i) for i in ids]
        if not ids:
            raise ValueError("read was given nothing to read")
        self.n_read += len(ids)
        past = (*(past or ()), *ids)
        state = 1
        for i in past:
            state = (31 * state + 3 * i + 1) % 101
        return -(torch.arange(10.0) - state % 10).abs(), past


def likeliest(logits):
    return int(logits.argmax())


def second_likeliest(logits):
    return int(logits.topk(2).indices[1])


CHOOSERS = {"choose: the likeliest": likeliest, "choose: the second likeliest": second_likeliest}


def texts():
    stand_ins = "read: a small model", "choose: the likeliest"
    yield *stand_ins, [3, 1], 2, 10
    yield *stand_ins, [4], 1, 10
    yield *stand_ins, [3, 1], 6, 10
    yield *stand_ins, [5, 2, 8], 8, 2
    yield *stand_ins, [3, 1], 8, 3  # the end comes at once
    yield stand_ins[0], "choose: the second likeliest", [3, 1], 5, 10
