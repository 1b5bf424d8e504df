"""Answers that people give to the exercises of lesson 08: right ones in several styles, and wrong ones.

RIGHT: {exercise: [answer, ...]}. WRONG: {exercise: [(answer, a part of what it is told), ...]}, beyond the mistakes
that the exercise itself knows.
"""

import re

import numpy as np
import torch
import torch.nn.functional as F

from tinygpt.course.exercises.lesson_08.round_trip import round_trip
from tinygpt.course.exercises.lesson_08.weight_map import weight_map

# The weight map

PARTS = {
    "attention.output": "self_attn.o_proj",
    "mlp.gate": "mlp.gate_proj",
    "mlp.up": "mlp.up_proj",
    "mlp.output": "mlp.down_proj",
}


def map_by_walking_ours(ours, n_heads):
    theirs = {}
    C = ours["head.weight"].size(1)
    for name, w in ours.items():
        if name == "token_embedding.weight":
            theirs["model.embed_tokens.weight"] = w
        elif name == "head.weight":
            theirs["lm_head.weight"] = w
        else:
            _, i, part = name.removesuffix(".weight").split(".", 2)
            prefix = f"model.layers.{i}."
            if part == "attention.qkv":
                for x, rows in zip("qkv", w.split(C), strict=True):
                    theirs[f"{prefix}self_attn.{x}_proj.weight"] = rows
                for norm, n in {
                    "input_layernorm": C,
                    "post_attention_layernorm": C,
                    "self_attn.q_norm": C // n_heads,
                    "self_attn.k_norm": C // n_heads,
                }.items():
                    theirs[f"{prefix}{norm}.weight"] = torch.ones(n)
            else:
                theirs[f"{prefix}{PARTS[part]}.weight"] = w
    theirs["model.norm.weight"] = torch.ones(C)
    return theirs


def map_by_replacing(ours, n_heads):
    theirs = {"model.norm.weight": ours["head.weight"].new_ones(ours["head.weight"].shape[-1])}
    for name, w in ours.items():
        new = name.replace("blocks", "model.layers").replace("token_embedding", "model.embed_tokens")
        new = new.replace("head", "lm_head")
        for a, b in PARTS.items():
            new = new.replace(a, b)
        if "qkv" in new:
            n = len(w) // 3
            for j, x in enumerate(("q", "k", "v")):
                theirs[new.replace("attention.qkv", f"self_attn.{x}_proj")] = w[j * n : (j + 1) * n]
            for x in ("input_layernorm", "post_attention_layernorm"):
                theirs[new.replace("attention.qkv", x)] = torch.ones(n)
            for x in ("q_norm", "k_norm"):
                theirs[new.replace("attention.qkv", f"self_attn.{x}")] = torch.ones(n // n_heads)
        else:
            theirs[new] = w
    return theirs


def map_with_clones(ours, n_heads):
    return {name: w.clone() for name, w in weight_map(ours, n_heads).items()}


def map_with_numbers_of_layers_by_regex(ours, n_heads):
    layers = {int(m[1]) for name in ours if (m := re.match(r"blocks\.(\d+)\.", name))}
    out = weight_map(ours, n_heads)
    assert len(layers) == sum(name.endswith("q_proj.weight") for name in out)
    return {name: out[name] for name in sorted(out)}


def map_through_views(ours, n_heads):
    out = weight_map(ours, n_heads)
    C = ours["head.weight"].shape[1]
    for name in ours:
        if "qkv" in name:
            q, k, v = ours[name].view(3, C, C)
            prefix = name.replace("blocks", "model.layers").replace("attention.qkv.weight", "self_attn.")
            out |= {prefix + "q_proj.weight": q, prefix + "k_proj.weight": k, prefix + "v_proj.weight": v}
    return out


def without(part):
    def answer(ours, n_heads):
        return {name: w for name, w in weight_map(ours, n_heads).items() if part not in name}

    return answer


def renamed(a, b):
    def answer(ours, n_heads):
        return {name.replace(a, b): w for name, w in weight_map(ours, n_heads).items()}

    return answer


def four_layers(ours, n_heads):
    return {name: ours[f"blocks.{i}.mlp.up.weight"] for i in range(4) for name in [f"model.layers.{i}.mlp.up_proj"]}


def two_digits_lost(ours, n_heads):
    out = {}
    for name, w in weight_map(ours, n_heads).items():
        out[re.sub(r"layers\.\d+", lambda m: m[0][:8], name)] = w
    return out


def cut_columns(ours, n_heads):
    q, k, v = ours["blocks.0.attention.qkv.weight"].chunk(3, dim=1)
    out = weight_map(ours, n_heads)
    return out | {f"model.layers.0.self_attn.{x}_proj.weight": w for x, w in zip("qkv", (q, k, v), strict=True)}


def square_turned(ours, n_heads):
    return {name: w.T if "o_proj" in name else w for name, w in weight_map(ours, n_heads).items()}


def norm_of_twos(ours, n_heads):
    return {name: 2 * w if name == "model.norm.weight" else w for name, w in weight_map(ours, n_heads).items()}


def embedding_is_the_head(ours, n_heads):
    return weight_map(ours, n_heads) | {"model.embed_tokens.weight": ours["head.weight"]}


def norm_is_a_list(ours, n_heads):
    return weight_map(ours, n_heads) | {"model.norm.weight": [1.0] * ours["head.weight"].shape[1]}


def norms_in_numpy(ours, n_heads):
    return {n: np.ones(len(w)) if w.ndim == 1 else w for n, w in weight_map(ours, n_heads).items()}


def scaled_queries(ours, n_heads):
    return {n: w / 8 if "q_proj" in n else w for n, w in weight_map(ours, n_heads).items()}


def into_ours(ours, n_heads):
    ours.update(weight_map(ours, n_heads))
    return ours


def two_heads_always(ours, n_heads):
    return weight_map(ours, 2)


def every_third_row(ours, n_heads):
    out = weight_map(ours, n_heads)
    for name in ours:
        if "qkv" in name:
            prefix = name.replace("blocks", "model.layers").replace("attention.qkv.weight", "self_attn.")
            out |= {f"{prefix}{x}_proj.weight": ours[name][i::3] for i, x in enumerate("qkv")}
    return out


def norms_of_128(ours, n_heads):
    return {n: torch.ones(128) if w.ndim == 1 and "self" not in n else w for n, w in weight_map(ours, n_heads).items()}


def rows_by_128(ours, n_heads):
    qkv = ours["blocks.0.attention.qkv.weight"]
    return weight_map(ours, n_heads) | {"model.layers.0.self_attn.q_proj.weight": qkv[:128]}


def qkv_whole(ours, n_heads):
    return without("q_proj")(ours, n_heads) | {
        "model.layers.0.self_attn.qkv_proj.weight": ours["blocks.0.attention.qkv.weight"]
    }


def forgets_return(ours, n_heads):
    weight_map(ours, n_heads)


def as_pairs(ours, n_heads):
    return list(weight_map(ours, n_heads).items())


def reads_another_name(ours, n_heads):
    return {"model.embed_tokens.weight": ours["model.embed_tokens.weight"]}


# The round trip


def trip_with_all(ours, theirs, texts):
    return all(
        ours.encode(t) == theirs.encode(t)
        and torch.allclose(ours.logits(ours.encode(t)), theirs.logits(theirs.encode(t)), rtol=0, atol=1e-4)
        for t in texts
    )


def trip_in_two_loops(ours, theirs, texts):
    for text in texts:
        if ours.encode(text) != theirs.encode(text):
            return False
    for text in texts:
        ids = theirs.encode(text)
        if not torch.all(torch.abs(ours.logits(ids) - theirs.logits(ids)) <= 1e-4):
            return False
    return True


def trip_with_assert_close(ours, theirs, texts):
    for text in texts:
        a, b = ours.encode(text), theirs.encode(text)
        if a != b:
            return False
        try:
            torch.testing.assert_close(ours.logits(a), theirs.logits(b), rtol=0, atol=1e-4)
        except AssertionError:
            return False
    return True


def trip_that_counts(ours, theirs, texts):
    good = 0
    for text in texts:
        a, b = ours.encode(text), theirs.encode(text)
        if len(a) == len(b) and all(x == y for x, y in zip(a, b, strict=True)):
            x, y = ours.logits(a).numpy(), theirs.logits(b).numpy()
            good += np.abs(x - y).max() < 1e-4
    return good == len(texts)


def trip_that_returns_a_tensor(ours, theirs, texts):
    if any(ours.encode(t) != theirs.encode(t) for t in texts):
        return torch.tensor(False)
    return torch.stack([(ours.logits(i) - theirs.logits(i)).abs().max() < 1e-4 for i in map(ours.encode, texts)]).all()


def trip_that_asks_for_nan(ours, theirs, texts):
    for text in texts:
        ids = ours.encode(text)
        if ids != theirs.encode(text):
            return False
        difference = (ours.logits(ids) - theirs.logits(ids)).abs().max()
        if difference.isnan() or difference > 1e-4:
            return False
    return True


def trip_in_numpy(ours, theirs, texts):
    ok = np.bool_(True)
    for t in texts:
        same_ids = ours.encode(t) == theirs.encode(t)
        ok = ok and same_ids and np.allclose(ours.logits(ours.encode(t)), theirs.logits(ours.encode(t)), 0, 1e-4)
    return ok


def compares_logits_first(ours, theirs, texts):
    for text in texts:
        a, b = ours.logits(ours.encode(text)), theirs.logits(theirs.encode(text))
        if not (a - b).abs().max() <= 1e-4:
            return False
    return True


def asserts(ours, theirs, texts):
    assert round_trip(ours, theirs, texts)
    return True


def stops_in_torch(ours, theirs, texts):
    for t in texts:
        torch.testing.assert_close(ours.logits(ours.encode(t)), theirs.logits(ours.encode(t)), rtol=0, atol=1e-4)
    return True


def without_a_last_return(ours, theirs, texts):
    for text in texts:
        if ours.encode(text) != theirs.encode(text):
            return False


def elementwise(ours, theirs, texts):
    ids = ours.encode(texts[0])
    return (ours.logits(ids) - theirs.logits(ids)).abs() < 1e-4


def compares_means(ours, theirs, texts):
    return all(
        ours.encode(t) == theirs.encode(t)
        and bool((ours.logits(ours.encode(t)) - theirs.logits(ours.encode(t))).abs().mean() < 1e-3)
        for t in texts
    )


def default_allclose(ours, theirs, texts):
    return all(
        ours.encode(t) == theirs.encode(t)
        and torch.allclose(ours.logits(ours.encode(t)), theirs.logits(ours.encode(t)))
        for t in texts
    )


def sums_up(ours, theirs, texts):
    return all((ours.logits(ours.encode(t)) - theirs.logits(theirs.encode(t))).abs().sum() < 1e-4 for t in texts)


def decodes(ours, theirs, texts):
    return all(theirs.decode(ours.encode(t)) == t for t in texts)


def logits_of_text(ours, theirs, texts):
    return all((ours.logits(t) - theirs.logits(t)).abs().max() < 1e-4 for t in texts)


def encodes_the_list(ours, theirs, texts):
    return ours.encode(texts) == theirs.encode(texts)


def calls_the_model(ours, theirs, texts):
    return all(torch.allclose(ours(t), theirs(t), atol=1e-4) for t in texts)


def always_true(ours, theirs, texts):
    return True


def always_false(ours, theirs, texts):
    return False


def only_lengths(ours, theirs, texts):
    return all(
        len(ours.encode(t)) == len(theirs.encode(t))
        and bool((ours.logits(ours.encode(t)) - theirs.logits(ours.encode(t))).abs().max() <= 1e-4)
        for t in texts
    )


def loses_its_verdict(ours, theirs, texts):
    good = True
    for text in texts:
        ids = ours.encode(text)
        good = theirs.encode(text) == ids and bool((ours.logits(ids) - theirs.logits(ids)).abs().max() <= 1e-4)
    return good


def returns_difference(ours, theirs, texts):
    return max((ours.logits(ours.encode(t)) - theirs.logits(ours.encode(t))).abs().max().item() for t in texts)


def compares_probabilities_loosely(ours, theirs, texts):
    return all(
        ours.encode(t) == theirs.encode(t)
        and torch.allclose(
            ours.logits(ours.encode(t)).softmax(-1), theirs.logits(ours.encode(t)).softmax(-1), atol=1e-2
        )
        for t in texts
    )


# More ways to compare too little


def trip(same_ids, same_scores, whose="ours"):
    """A round_trip from two questions; whose: the ids that the other side's scores are asked for."""

    def answer(ours, theirs, texts):
        for text in texts:
            a, b = ours.encode(text), theirs.encode(text)
            if not same_ids(a, b):
                return False
            if not same_scores(ours.logits(a), theirs.logits(a if whose == "ours" else b)):
                return False
        return True

    return answer


def equal(a, b):
    return a == b


def close(a, b):
    return bool((a - b).abs().max() <= 1e-4)


def never_asks_for_ids(ours, theirs, texts):
    try:
        return all(close(ours.logits(ours.encode(t)), theirs.logits(theirs.encode(t))) for t in texts)
    except RuntimeError:
        return False


def largest_by_python(ours, theirs, texts):
    largest = []
    for text in texts:
        ids = ours.encode(text)
        if ids != theirs.encode(text):
            return False
        largest.append((ours.logits(ids) - theirs.logits(ids)).abs().max().item())
    return max(largest) <= 1e-4


def not_the_largest_by_python(ours, theirs, texts):
    largest = [0.0]
    for text in texts:
        ids = ours.encode(text)
        if ids != theirs.encode(text):
            return False
        largest.append((ours.logits(ids) - theirs.logits(ids)).abs().max().item())
    return not max(largest) > 1e-4


def largest_so_far(larger):
    def compare(ours, theirs, texts):
        largest = 0.0
        for text in texts:
            ids = ours.encode(text)
            if ids != theirs.encode(text):
                return False
            largest = larger(largest, (ours.logits(ids) - theirs.logits(ids)).abs().max().item())
        return largest <= 1e-4

    return compare


def largest_tensor_so_far(ours, theirs, texts):
    largest = torch.tensor(0.0)
    for text in texts:
        ids = ours.encode(text)
        if ids != theirs.encode(text):
            return False
        difference = (ours.logits(ids) - theirs.logits(ids)).abs().max()
        if difference > largest:
            largest = difference
    return bool(largest <= 1e-4)


def compares_losses(ours, theirs, texts):
    for text in texts:
        a, b = ours.encode(text), theirs.encode(text)
        if a != b:
            return False
        losses = [F.cross_entropy(side.logits(a)[:-1], torch.tensor(a[1:])) for side in (ours, theirs)]
        if not abs(losses[0] - losses[1]) <= 1e-4:
            return False
    return True


def all_ids_in_one_list(ours, theirs, texts):
    a, b = ([id for text in texts for id in side.encode(text)] for side in (ours, theirs))
    return a == b and close(ours.logits(a), theirs.logits(b))


def all_texts_in_one(ours, theirs, texts):
    text = " ".join(texts)
    return ours.encode(text) == theirs.encode(text) and close(
        ours.logits(ours.encode(text)), theirs.logits(ours.encode(text))
    )


def batch(ours, theirs, texts):
    return all(
        ours.encode(t) == theirs.encode(t)
        and close(ours.logits(torch.tensor([ours.encode(t)])), theirs.logits(torch.tensor([ours.encode(t)])))
        for t in texts
    )


def a_string(ours, theirs, texts):
    return str(round_trip(ours, theirs, texts))


def same_object(ours, theirs, texts):
    return all(ours.encode(t) is theirs.encode(t) and round_trip(ours, theirs, texts) for t in texts)


def skips_where_lengths_differ(ours, theirs, texts):
    for text in texts:
        a, b = ours.encode(text), theirs.encode(text)
        if len(a) != len(b) or not close(ours.logits(a), theirs.logits(b)):
            return False
    return True


MORE_TRIPS = [
    (trip(equal, lambda a, b: (a - b).abs().mean() <= 1e-4), "the mean hides it"),
    (trip(equal, lambda a, b: (b - a).max() <= 1e-4), "theirs - ours is negative everywhere. Take .abs()"),
    (trip(equal, lambda a, b: (a - b).max() <= 1e-4), "ours - theirs is negative everywhere. Take .abs()"),
    (trip(equal, lambda a, b: (a - b).max().abs() <= 1e-4), "abs() comes too late"),
    (trip(equal, lambda a, b: abs((b - a).max()) <= 1e-4), "abs() comes too late"),
    (trip(equal, lambda a, b: close(a.softmax(-1), b.softmax(-1))), "A softmax takes away"),
    (trip(equal, lambda a, b: close(a.log_softmax(-1), b.log_softmax(-1))), "A log_softmax takes away"),
    (trip(lambda a, b: all(x == y for x, y in zip(a, b, strict=False)), close), "zip stops where the shorter"),
    (trip(lambda a, b: len(a) == len(b), close), "As many ids are not the same ids"),
    (trip(lambda a, b: len(a) == len(b), close, "theirs"), "a and b have changed numbers"),
    (trip(lambda a, b: set(a) == set(b), close), "A set doesn't know"),
    (trip(lambda a, b: sorted(a) == sorted(b), close), "a sorted list doesn't notice"),
    (trip(lambda a, b: set(a) == set(b) and len(a) == len(b), close, "theirs"), "a and b have changed numbers"),
    (trip(equal, lambda a, b: close(a[0], b[0])), "the row after the first token"),
    (trip(equal, lambda a, b: close(a[-1], b[-1])), "those after the last token"),
    (trip(equal, lambda a, b: close(a.max(), b.max())), "You take the largest of each table"),
    (trip(equal, lambda a, b: close(a.mean(), b.mean())), "one mean of each table"),
    (trip(equal, lambda a, b: ((a - b).abs() <= 1e-4).any()), "that is any()"),
    (trip(equal, lambda a, b: not ((a - b).abs() > 1e-4).all()), "One that is off is enough"),
    (trip(equal, lambda a, b: not ((a - b).abs() > 1e-4).any()), "nan counts as no difference in yours"),
    (trip(equal, lambda a, b: (a - b).abs().nan_to_num().max() <= 1e-4), "nan counts as no difference in yours"),
    (trip(equal, lambda a, b: not (a - b).abs().max() > 1e-4), "Turn it round"),
    (trip(equal, lambda a, b: (a - b).square().mean() <= 1e-4), "Squares of such numbers are tiny"),
    (trip(equal, lambda a, b: (a - b).norm() / a.numel() ** 0.5 <= 1e-4), "the root of the mean of the squares"),
    (trip(equal, lambda a, b: torch.allclose(a, b, 0, 1e-4, equal_nan=True)), "leave it out"),
    (trip(lambda a, b: a[:8] == b[:8], close), "only the first ids"),
    (trip(equal, lambda a, b: a.round(decimals=3).equal(b.round(decimals=3))), "Do you round first?"),
    (trip(equal, lambda a, b: a.round(decimals=4).equal(b.round(decimals=4))), "Do you round first?"),
    (largest_so_far(max), "keeps `largest`"),
    (largest_so_far(lambda largest, new: max(new, largest)), "one score of a text is nan"),
    (largest_tensor_so_far, "keeps `largest`"),
    (compares_losses, "You compare losses"),
    (trip(equal, lambda a, b: max((a - b).abs().flatten().tolist()) <= 1e-4), "Python's max keeps what it has"),
    (never_asks_for_ids, "a and b have changed numbers"),
    (skips_where_lengths_differ, "a and b have changed numbers"),
    (largest_by_python, "Python's max keeps what it has"),
    (not_the_largest_by_python, "nan"),
    (all_ids_in_one_list, "Compare text by text"),
    (all_texts_in_one, "Compare text by text"),
    (batch, "with the list as encode(text) gives it"),
    (a_string, "not a string"),
    (same_object, "`is` does not"),
]


# The card


def card(misleading, missing):
    return lambda: {"misleading": misleading, "missing": missing}


RIGHT = {
    "weight_map": [
        map_by_walking_ours,
        map_by_replacing,
        map_with_clones,
        map_with_numbers_of_layers_by_regex,
        map_through_views,
    ],
    "round_trip": [
        trip_with_all,
        trip_in_two_loops,
        trip_with_assert_close,
        trip_that_counts,
        trip_that_returns_a_tensor,
        trip_that_asks_for_nan,
        trip_in_numpy,
    ],
    "misleading_card": [
        card("BE", 2),
        card("eb", 2),
        card(["B", "E"], 2),
        card({"E", "B"}, "2"),
        card("B, E", 2),
        card("B and E", 2),
        card("b AND e", [2]),
        card(["B and E"], {2}),
        card(("E", "B"), 2.0),
    ],
}

WRONG = {
    "weight_map": [
        (without("lm_head"), "Not in yours: lm_head.weight."),
        (without("model.norm"), "Not in yours: model.norm.weight."),
        (without("q_norm"), "<13 weights>"),
        (without("q_norm"), "Not in yours: model.layers.0.self_attn.q_norm.weight."),
        (without("mlp"), "and 2 more"),
        (without("layers"), "Not in yours: model.layers.0."),
        (renamed("model.", ""), "Qwen3 has no embed_tokens.weight. Not in yours: model.embed_tokens.weight."),
        (renamed(".weight", ""), "Qwen3 has no model.embed_tokens."),
        (renamed("self_attn.o_proj", "self_attn.output"), "Qwen3 has no model.layers.0.self_attn.output.weight"),
        (renamed("model.embed_tokens", "token_embedding"), "token_embedding.weight is our name"),
        (into_ours, "token_embedding.weight is our name"),
        (qkv_whole, "Qwen3 has no model.layers.0.self_attn.qkv_proj.weight"),
        (four_layers, "his model has fewer layers"),
        (two_digits_lost, "Not in yours: model.layers.10."),
        (cut_columns, "q_proj.weight is (18, 2), it should be (6, 6)"),
        (square_turned, "o_proj.weight is turned: being square, it fits both ways"),
        (norm_of_twos, "which number changes nothing?"),
        (embedding_is_the_head, "model.embed_tokens.weight holds what belongs into lm_head.weight"),
        (norm_is_a_list, "model.norm.weight is of type list, it should be a tensor"),
        (norms_in_numpy, "of type ndarray, it should be a tensor"),
        (scaled_queries, "q_proj.weight has the right shape but other numbers"),
        (every_third_row, "every third row"),
        (norms_of_128, "model.norm.weight is (128,), it should be (6,). Does a size stand in your code"),
        (rows_by_128, "q_proj.weight is (18, 6), it should be (6, 6). Does a size stand in your code"),
        (two_heads_always, "the n_heads that is handed in"),
        (forgets_return, "is there a return?"),
        (as_pairs, "A dict comes back"),
        (reads_another_name, "`ours` holds our names only"),
    ],
    "round_trip": [
        (compares_logits_first, "heir ids are not as many as ours"),
        (asserts, "return False where you stop with an error"),
        (stops_in_torch, "return False where you stop with an error"),
        (without_a_last_return, "Do all ways through your function end in a return?"),
        (elementwise, "One answer is wanted"),
        (compares_means, "more than rounding explains"),
        (default_allclose, "Allow up to 1e-4 in each number"),
        (sums_up, "not in their sum"),
        (decodes, "have encode and logits, no more"),
        (logits_of_text, "ogits wants the ids of one text"),
        (encodes_the_list, "`texts` is a list of strings"),
        (calls_the_model, "then ours.logits(ids)"),
        (always_true, "compare the logits too"),
        (always_false, "This export is good"),
        (only_lengths, "As many ids are not the same ids"),
        (loses_its_verdict, "Only the last text counts"),
        (returns_difference, "Compare it, then return"),
        (compares_probabilities_loosely, "Compare the scores themselves"),
        *MORE_TRIPS,
    ],
    "misleading_card": [
        (card("B", 2), "There is another one"),
        (card("E", 2), "it reads like an expert's because it imitates them"),
        (card("", 2), "There are some"),
        (card("BDE", 2), "D is in order"),
        (card("AB", 2), "A is in order"),
        (card("CE", 2), "C is in order"),
        (card("BE", 1), "The letters are right. The number of heads"),
        (card("BE", 3), "how long you waited"),
        (card("BE", 4), "from a seed"),
        (card("BE", 5), "from 1 to 4"),
        (card("BE", "B"), "from 1 to 4"),
        (card("BX", 2), "letters from A to F"),
        (card("the letters B and E", 2), "'the letters B and E' is something else"),
        (card("A and B", 2), "A is in order"),
        (card("BE", [2, 3]), "takes one number"),
        (card("BE", [3]), "how long you waited"),
        (card(2, "BE"), "letters from A to F"),
        (lambda: "BE2", "A dict with the keys"),
        (lambda: {"misleading": "BE"}, "A dict with the keys"),
        (lambda: None, "A dict with the keys"),
    ],
}
