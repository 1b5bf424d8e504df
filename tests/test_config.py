"""Settings refuse what makes no sense, in one line."""

import dataclasses

import pytest

from tinygpt.config import InputError, ModelConfig, SampleConfig, TrainConfig, from_json

nan, inf = float("nan"), float("inf")


# Presets and what follows from the fields


def test_presets_are_the_two_recipes():
    gpt2, modern = ModelConfig.preset("gpt2"), ModelConfig.preset("modern")
    switches = ("positions", "norm", "qk_norm", "mlp", "tied", "bias")
    assert [getattr(gpt2, name) for name in switches] == ["learned", "layernorm", False, "gelu", True, True]
    assert [getattr(modern, name) for name in switches] == ["rotary", "rmsnorm", True, "swiglu", False, False]
    assert modern == ModelConfig()


def test_a_preset_with_changes():
    config = ModelConfig.preset("gpt2", d_model=96, n_heads=3, dropout=0.1, tied=False)
    assert (config.d_model, config.head_size, config.dropout, config.tied) == (96, 32, 0.1, False)
    assert config.positions == "learned"


@pytest.mark.parametrize(
    ("mlp", "d_model", "d_ff"),
    [
        ("gelu", 128, 512),  # four times
        ("gelu", 48, 192),
        ("swiglu", 128, 352),  # 8/3 of 128 is 341.3; the next multiple of 16
        ("swiglu", 48, 128),  # 8/3 of 48 is a multiple of 16 itself
        ("swiglu", 4, 16),
    ],
)
def test_d_ff_by_default(mlp, d_model, d_ff):
    assert ModelConfig(mlp=mlp, d_model=d_model, n_heads=2).d_ff == d_ff
    assert ModelConfig(mlp=mlp, d_model=d_model, n_heads=2, d_ff=17).d_ff == 17


@pytest.mark.parametrize("d_model", range(16, 1024, 16))
def test_a_gated_mlp_holds_about_as_many_weights_as_a_plain_one(d_model):
    gated = ModelConfig(d_model=d_model, mlp="swiglu").d_ff
    assert gated % 16 == 0 and 0 <= 3 * gated - 8 * d_model < 3 * 16


@pytest.mark.parametrize("config", [ModelConfig(), TrainConfig(), SampleConfig()])
def test_settings_are_frozen_and_compare_by_value(config):
    name = dataclasses.fields(config)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(config, name, getattr(config, name))
    assert config == type(config)() and hash(config) == hash(type(config)())


# What a caller can get wrong: settings, the changes, the beginning of the message

MISTAKES = [
    (ModelConfig, dict(positions="sinus"), "positions='sinus' is unknown; choose one of learned, rotary"),
    (ModelConfig, dict(norm="batchnorm"), "norm='batchnorm' is unknown; choose one of layernorm, rmsnorm"),
    (ModelConfig, dict(mlp="relu"), "mlp='relu' is unknown; choose one of gelu, swiglu"),
    *[
        (ModelConfig, {name: bad}, f"{name}={bad!r} is not a whole number of at least 1")
        for name in ("vocab_size", "context_length", "d_model", "n_heads", "n_layers")
        for bad in (0, -3, 2.0, "8", True, None)
    ],
    (ModelConfig, dict(d_model=131), "d_model=131 is not divisible by n_heads=2"),
    (ModelConfig, dict(d_model=10), "rotary positions turn pairs of numbers: d_model/n_heads=5 must be even"),
    (ModelConfig, dict(dropout=1.0), "dropout=1.0 is outside [0, 1)"),
    (ModelConfig, dict(dropout=-0.1), "dropout=-0.1 is outside [0, 1)"),
    (ModelConfig, dict(dropout=nan), "dropout=nan is outside [0, 1)"),
    (ModelConfig, dict(tied="yes"), "tied='yes' is neither True nor False"),
    (ModelConfig, dict(qk_norm=None), "qk_norm=None is neither True nor False"),
    (ModelConfig, dict(d_ff=-1), "d_ff=-1 is neither a whole number of at least 1 nor 0"),
    (ModelConfig, dict(d_ff=5.5), "d_ff=5.5 is neither a whole number of at least 1 nor 0"),
    (TrainConfig, dict(bigram_steps=-1), "bigram_steps=-1 must be 0 (no head start) or a positive whole number"),
    (TrainConfig, dict(bigram_steps=1.5), "bigram_steps=1.5 must be 0 (no head start) or a positive whole number"),
    (TrainConfig, dict(optimizer="sgd"), "optimizer='sgd' is unknown; choose one of muon, adamw"),
    (TrainConfig, dict(precision="half"), "precision='half' is unknown; choose one of auto, float32, bfloat16"),
    *[
        (TrainConfig, {name: bad}, f"{name}={bad!r} is not a whole number of at least 1")
        for name in ("steps", "batch_size", "evaluations")
        for bad in (0, -1, 1.5, True)
    ],
    *[
        (TrainConfig, {name: bad}, f"{name}={bad} must be a number above 0")
        for name in ("matrix_lr", "embedding_lr", "head_lr", "lr", "clip")
        for bad in (0, -0.5, nan, inf)
    ],
    *[
        (TrainConfig, dict(weight_decay=bad), f"weight_decay={bad} must be 0 or a positive number")
        for bad in (-0.1, nan, inf)
    ],
    (TrainConfig, dict(warmup=0.5, decay=0.6), "warmup=0.5 and decay=0.6 are shares of the steps"),
    (TrainConfig, dict(warmup=-0.1), "warmup=-0.1 and decay=0.6 are shares of the steps"),
    (TrainConfig, dict(warmup=0, decay=1.5), "warmup=0 and decay=1.5 are shares of the steps"),
    (TrainConfig, dict(warmup=nan), "warmup=nan and decay=0.6 are shares of the steps"),
    (TrainConfig, dict(keep_epochs=1), "keep_epochs=1 is neither True nor False"),
    *[(TrainConfig, dict(seed=bad), f"seed={bad} is no whole number in [0, 2**63)") for bad in (-1, 2**63, 1.5, True)],
    *[
        (SampleConfig, dict(temperature=bad), f"temperature={bad} must be 0 (greedy) or a positive number")
        for bad in (-0.1, nan, inf)
    ],
    *[
        (SampleConfig, dict(top_k=bad), f"top_k={bad} must be 0 (keeps every token) or a positive whole number")
        for bad in (-1, 0.5, True)
    ],
    *[(SampleConfig, dict(top_p=bad), f"top_p={bad} is outside (0, 1]") for bad in (0, -0.1, 1.01, nan)],
    *[(SampleConfig, dict(max_tokens=bad), f"max_tokens={bad} is not a whole number") for bad in (0, 2.5, True)],
]


@pytest.mark.parametrize(("cls", "changes", "message"), MISTAKES)
def test_mistakes_are_named_in_one_line(cls, changes, message):
    with pytest.raises(InputError) as caught:
        cls(**changes)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_an_unknown_preset():
    with pytest.raises(InputError, match=r"^preset='gpt3' is unknown; choose one of gpt2, modern$"):
        ModelConfig.preset("gpt3")


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(positions="learned", d_model=12),  # an odd head is fine where nothing turns
        ModelConfig(vocab_size=1, context_length=1, d_model=2, n_heads=1, n_layers=1),
        TrainConfig(steps=1, warmup=0, decay=0),
        TrainConfig(warmup=0.4, decay=0.6, weight_decay=0, seed=2**63 - 1),
        SampleConfig(temperature=0, top_k=0, top_p=1, max_tokens=1),
    ],
)
def test_the_edges_of_what_is_allowed(config):
    assert config == dataclasses.replace(config)


# JSON


@pytest.mark.parametrize("config", [ModelConfig.preset("gpt2", d_ff=33), TrainConfig(seed=7), SampleConfig(top_k=5)])
def test_there_and_back(config):
    assert from_json(type(config), dataclasses.asdict(config)) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({**dataclasses.asdict(ModelConfig()), "n_experts": 8}, "not the settings of a ModelConfig: .*n_experts"),
        ({"vocab_size": 10, "d_model": 64}, "not the settings of a ModelConfig: context_length, n_heads, .* missing"),
        ([1, 2], "not the settings of a ModelConfig: "),
        (None, "not the settings of a ModelConfig: "),
        ({**dataclasses.asdict(ModelConfig()), "d_model": 131}, "d_model=131 is not divisible by n_heads=2"),
    ],
)
def test_json_that_is_not_ours(values, message):
    with pytest.raises(InputError, match=message):
        from_json(ModelConfig, values)


@pytest.mark.parametrize(
    ("cls", "name", "bad"),
    [
        (cls, field.name, bad)
        for cls in (ModelConfig, TrainConfig, SampleConfig)
        for field in dataclasses.fields(cls)
        for bad in ("many", None, [1])
    ],
)
def test_values_of_a_wrong_type_are_an_input_error(cls, name, bad):
    with pytest.raises(InputError):
        from_json(cls, {**dataclasses.asdict(cls()), name: bad})
