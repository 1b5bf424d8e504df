"""Exercise weight_map of lesson 08: the answer, how it is put to use, and what people get wrong."""

import torch

from tinygpt.course.exercises.lesson_08.weights import Answer, weight_cases
from tinygpt.course.judging import Exercise, Mistake


def weight_map(ours, n_heads):
    width = ours["token_embedding.weight"].shape[1]
    theirs = {
        "model.embed_tokens.weight": ours["token_embedding.weight"],
        "model.norm.weight": torch.ones(width),
        "lm_head.weight": ours["head.weight"],
    }
    n_layers = sum(name.endswith("attention.qkv.weight") for name in ours)
    for i in range(n_layers):
        block, layer = f"blocks.{i}.", f"model.layers.{i}."
        q, k, v = ours[block + "attention.qkv.weight"].chunk(3)  # (C, C) each
        theirs |= {
            layer + "input_layernorm.weight": torch.ones(width),
            layer + "self_attn.q_proj.weight": q,
            layer + "self_attn.k_proj.weight": k,
            layer + "self_attn.v_proj.weight": v,
            layer + "self_attn.q_norm.weight": torch.ones(width // n_heads),
            layer + "self_attn.k_norm.weight": torch.ones(width // n_heads),
            layer + "self_attn.o_proj.weight": ours[block + "attention.output.weight"],
            layer + "post_attention_layernorm.weight": torch.ones(width),
            layer + "mlp.gate_proj.weight": ours[block + "mlp.gate.weight"],
            layer + "mlp.up_proj.weight": ours[block + "mlp.up.weight"],
            layer + "mlp.down_proj.weight": ours[block + "mlp.output.weight"],
        }
    return theirs


def use_weights(answer, ours, n_heads):
    result = answer(ours, n_heads)
    return Answer(result) if isinstance(result, dict) else result


def look_at_weights(got, expected, ours, n_heads):
    if not isinstance(got, dict):
        return (
            "A dict comes back: {their name: tensor}." if got is not None else "Nothing came back: is there a return?"
        )
    extra, missing = [n for n in got if n not in expected], [n for n in expected if n not in got]
    if extra and str(extra[0]) in ours:
        return f"{extra[0]} is our name; the keys of the answer are theirs."
    if extra:
        return f"Qwen3 has no {extra[0]}. " + (f"Not in yours: {missing[0]}." if missing else "All others are there.")
    if missing and all("norm" in name for name in missing) and len(missing) > 2:
        return f"The {len(missing)} norms are missing, such as {missing[0]}. {ONES}"
    if missing:
        return f"Not in yours: {missing[0]}" + (f", and {len(missing) - 1} more." if missing[1:] else ".")
    for name, wanted in expected.items():
        if said := look_at_one(name, got[name], wanted, expected):
            return said
    return None


def look_at_one(name, w, wanted, expected):
    """What is wrong with one weight; None where it is right."""
    if not isinstance(w, torch.Tensor):
        return f"{name} is of type {type(w).__name__}, it should be a tensor."
    if w.shape != wanted.shape:
        return f"{name} is {tuple(w.shape)}, it should be {tuple(wanted.shape)}." + (
            " Theirs is (out, in), as ours is: turn nothing."
            if w.ndim == 2 and w.T.shape == wanted.shape
            else " One head is C // n_heads long, with the n_heads that is handed in."
            if "self_attn" in name and w.ndim == 1
            else " Does a size stand in your code as a number? It has to follow from `ours`."
            if w.shape[1:] == wanted.shape[1:]
            else ""
        )
    if torch.allclose(w.double(), wanted.double()):
        return None
    if wanted.ndim == 1:
        return f"{name} is multiplied with what comes out of the norm. {ONES}"
    if w.ndim == 2 and w.T.shape == w.shape and torch.equal(w.T, wanted):
        return f"{name} is turned: being square, it fits both ways. Theirs is (out, in), as ours is."
    owner = next((n for n, x in expected.items() if x.shape == w.shape and torch.equal(x, w)), None)
    return f"{name} holds what belongs into {owner}." if owner else f"{name} has the right shape but other numbers."


ONES = "Our norms have no weights, theirs multiply by theirs; which number changes nothing?"


def changed(**parts):
    """weight_map in which some weights of every layer are others: {a part of the name: (weights, prefix) -> weight}."""

    def answer(ours, n_heads):
        right = weight_map(ours, n_heads)
        out = dict(right)
        for part, make in parts.items():
            for name in right:
                if f".{part}." in name:
                    out[name] = make(right, name.split(part)[0])
        return out

    return answer


def of(part):
    return lambda right, prefix: right[f"{prefix}{part}.weight"]


def taking_turns(groups):
    """q, k and v as if they took turns, so many times: groups(n_heads, C)."""

    def answer(ours, n_heads):
        out = weight_map(ours, n_heads)
        for i in range(sum("qkv" in name for name in ours)):
            qkv = ours[f"blocks.{i}.attention.qkv.weight"]
            C = qkv.shape[1]
            parts = qkv.view(groups(n_heads, C), 3, -1, C).transpose(0, 1).reshape(3, -1, C)
            out |= {f"model.layers.{i}.self_attn.{x}_proj.weight": part for x, part in zip("qkv", parts, strict=True)}
        return out

    return answer


def first_block_only(ours, n_heads):
    out = weight_map(ours, n_heads)
    return {name: out[f"model.layers.0.{name.split('.', 3)[3]}"] if "layers" in name else w for name, w in out.items()}


def turned(ours, n_heads):
    return {name: w.T if w.ndim == 2 and "layers" in name else w for name, w in weight_map(ours, n_heads).items()}


def with_norms(make, parts=""):
    def answer(ours, n_heads):
        return {
            name: make(w, ours, n_heads) if w.ndim == 1 and parts in name else w
            for name, w in weight_map(ours, n_heads).items()
        }

    return answer


WEIGHT_MAP = Exercise(
    name="weight_map",
    reference=weight_map,
    examples=weight_cases,
    use=use_weights,
    explain=look_at_weights,
    advice={
        "'blocks.": "this model has fewer layers, and others have more: count them in the names of `ours`.",
        "'model.": "`ours` holds our names only; theirs are the keys of what you return.",
        "bias": "neither side has biases here.",
        "unpack": "qkv is (3C, C): chunk(3) cuts its rows into q, k and v.",
        "is not defined": "take everything from `ours` and `n_heads`.",
    },
    hints=(
        "Start with the three that stand outside the layers. Then loop over the layers and write down eleven of "
        "theirs for each, with i in the name: f'model.layers.{i}.…'. How many layers? Count a name in `ours`.",
        "q, k, v = ours[f'blocks.{i}.attention.qkv.weight'].chunk(3). Their four norms of a layer are torch.ones: "
        "two as long as a vector of the stream, two as long as one head.",
        "C = ours['token_embedding.weight'].shape[1]; a head is C // n_heads long. down_proj is our mlp.output, "
        "o_proj our attention.output, lm_head our head.",
    ),
    mistakes=(
        Mistake(
            f"The norms are missing. {ONES}", lambda o, h: {n: w for n, w in weight_map(o, h).items() if w.ndim == 2}
        ),
        Mistake(
            "Zeros for the norms: what comes out of a norm is multiplied by them, so nothing would be left. Which "
            "number changes nothing?",
            with_norms(lambda w, o, h: torch.zeros_like(w)),
        ),
        Mistake(
            "q_norm and k_norm work on one head at a time, so they are C // n_heads long, not C.",
            with_norms(lambda w, o, h: torch.ones(o["head.weight"].shape[1]), "self_attn"),
        ),
        *(
            Mistake(f"The rows of qkv are first q, then k, then v: {said}.", changed(**swapped))
            for said, swapped in {
                "you have k and v the other way round": {"k_proj": of("v_proj"), "v_proj": of("k_proj")},
                "you have q and k the other way round": {"q_proj": of("k_proj"), "k_proj": of("q_proj")},
                "you begin with the last": {"q_proj": of("v_proj"), "v_proj": of("q_proj")},
            }.items()
        ),
        Mistake(
            "You cut qkv head by head. Its rows are all heads' q first, then all heads' k, then all heads' v.",
            taking_turns(lambda n_heads, C: n_heads),
        ),
        Mistake(
            "You take every third row of qkv. The first C rows are q, the next k, the last v: chunk(3).",
            taking_turns(lambda n_heads, C: C),
        ),
        Mistake(
            "gate and up have changed places. They have the same shape, so nothing stops you; but only gate goes "
            "through the SiLU.",
            changed(gate_proj=of("up_proj"), up_proj=of("gate_proj")),
        ),
        Mistake("Turned: Qwen3's matrices are (out, in), as ours are. GPT-2's are the other way round.", turned),
        Mistake(
            "lm_head holds the token embedding. Our head has a table of its own here (the two are not tied).",
            lambda o, h: weight_map(o, h) | {"lm_head.weight": o["token_embedding.weight"]},
        ),
        Mistake("Every layer has got the weights of layer 0: the i belongs into our names too.", first_block_only),
    ),
)
