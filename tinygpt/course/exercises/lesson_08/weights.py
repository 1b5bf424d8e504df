"""Weights of lesson 08, made up so that every number stands once."""

import torch


class Weights(dict):
    """Weights by name, shown by how many there are: their numbers would fill pages."""

    def __repr__(self):
        return f"<{len(self)} weights of {len({name.split('.')[1] for name in self if 'blocks' in name})} layer(s)>"


class Answer(dict):
    """What came back, shown by how many there are: which one is wrong is said below it."""

    def __repr__(self):
        return f"<{len(self)} weights>"


def made_up(n_layers, width=6, d_ff=4, vocab_size=5):
    """A model's weights, in which every number stands once."""
    shapes = {"token_embedding.weight": (vocab_size, width)}
    for i in range(n_layers):
        shapes |= {
            f"blocks.{i}.attention.qkv.weight": (3 * width, width),
            f"blocks.{i}.attention.output.weight": (width, width),
            f"blocks.{i}.mlp.gate.weight": (d_ff, width),
            f"blocks.{i}.mlp.up.weight": (d_ff, width),
            f"blocks.{i}.mlp.output.weight": (width, d_ff),
        }
    shapes["head.weight"] = (vocab_size, width)
    weights, first = Weights(), 2
    for name, (rows, columns) in shapes.items():
        weights[name] = torch.arange(float(first), first + rows * columns).view(rows, columns)
        first += rows * columns
    return weights


def weight_cases():
    yield made_up(1), 2
    yield made_up(2), 1
    yield made_up(11, width=3, d_ff=2, vocab_size=2), 3
