"""The reference answers of lesson 03 are the package's model, under other names."""

import torch

from tinygpt.config import ModelConfig
from tinygpt.course.exercises.lesson_03.count_parameters import count_parameters
from tinygpt.course.exercises.lesson_03.cross_entropy import cross_entropy
from tinygpt.course.exercises.lesson_03.gpt import GPT
from tinygpt.course.exercises.lesson_03.next_token_loss import next_token_loss
from tinygpt.course.exercises.lesson_03.total_belief import total_belief
from tinygpt.model import TinyGPT

CONFIG = ModelConfig.preset("gpt2", vocab_size=11, context_length=6, d_model=8, n_heads=2, n_layers=3)


def models():
    torch.manual_seed(0)
    ours, package = GPT(CONFIG), TinyGPT(CONFIG)
    for p in ours.parameters():
        torch.nn.init.normal_(p, std=0.3)
    package.load_state_dict(ours.state_dict())
    return ours, package


def test_the_lesson_s_model_is_the_package_s():
    ours, package = models()
    ids = torch.randint(11, (4, 6))
    torch.testing.assert_close(ours(ids), package(ids), rtol=1e-5, atol=1e-5)


def test_the_loss_is_the_package_s():
    ours, package = models()
    windows = torch.randint(11, (4, 7))
    torch.testing.assert_close(next_token_loss(ours, windows), package.loss(windows[:, :-1], windows[:, 1:]))


def test_the_formula_counts_what_is_there():
    assert count_parameters(11, 6, 8, 3) == TinyGPT(CONFIG).count_parameters()


def test_an_honest_model_shares_out_one_and_a_cheat_more():
    ours, _ = models()

    def priced(logits, texts):
        prices = [cross_entropy(a[None], b[None]) for a, b in zip(logits.flatten(0, 1), texts.flatten(), strict=True)]
        return torch.stack(prices).view(texts.shape)

    def honest(texts):
        return priced(ours(texts[:, :-1]), texts[:, 1:])

    def unshifted(texts):
        return priced(ours(texts[:, 1:]), texts[:, 1:])

    text = torch.randint(11, (6,))
    with torch.no_grad():
        assert all(abs(total_belief(honest, text, i, 11) - 1) < 1e-5 for i in range(1, 6))
        assert abs(total_belief(unshifted, text, 3, 11) - 1) > 0.01
