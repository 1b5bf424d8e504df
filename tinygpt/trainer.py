"""A model in training: its weights, its optimizers, one step, and all that is needed to go on from it."""

import math
import time
from dataclasses import replace

import torch
from torch.nn.utils import clip_grad_norm_

from tinygpt.bigrams import learn_bigrams
from tinygpt.checkpoint import LAST, own_weights, restore_weights
from tinygpt.config import InputError, require
from tinygpt.device import choose_precision, keep_freed_memory
from tinygpt.distributed import ALONE
from tinygpt.evaluation import evaluate
from tinygpt.logs import Row
from tinygpt.model import TinyGPT
from tinygpt.optim import learning_rate_factor, make_optimizers, set_learning_rates, state_shapes
from tinygpt.tokens import Batches

MEASURED_S = 2.0  # how long the speed is measured that turns minutes into steps


class TrainingDiverged(RuntimeError):
    """The loss is no longer a number."""


NUMBERS = {"step": int, "loss_sum": float, "loss_steps": int, "best": float, "seconds": float}


class Trainer:
    """A model in training: weights, optimizers and the few numbers that a resumed run needs to go on."""

    def __init__(self, model_config, config, tokens, device="cpu", team=ALONE):
        keep_freed_memory()
        self.config, self.device, self.team = config, torch.device(device), team
        rows = team.rows(config.batch_size)
        self.batches = Batches(tokens["train"], config.batch_size, model_config.context_length, config.seed, rows)
        self.bytes_per_token = tokens["train"].n_bytes / len(tokens["train"].ids)
        self.dtype = getattr(torch, choose_precision(config.precision, self.device))
        torch.manual_seed(config.seed)
        self.model = TinyGPT(model_config).to(self.device)
        self.optimizers = make_optimizers(self.model, config, self.dtype)
        self.step = 0
        self.loss_sum, self.loss_steps = 0.0, 0  # nats per token, over the steps since the last row
        self.best = math.inf  # bits per byte of the validation text
        self.seconds = 0.0  # of those steps

    @property
    def epoch(self):
        return self.step / self.batches.steps_per_epoch

    def train_step(self):
        """One step down the gradient; returns the loss before it, in nats per token."""
        began = time.perf_counter()
        if self.step == 0 and self.config.bigram_steps and not self.model.config.tied:
            learn_bigrams(self.model, self.batches.tokens.ids, self.config, self.dtype)
        if self.step == 0:
            self.team.copy_first(self.model.parameters())  # other processors may round in another way
        self.team.seed(self.config.seed, self.step)
        ids, targets = (t.to(self.device) for t in self.batches[self.step])  # (B, T) each; B: our rows of the batch
        set_learning_rates(self.optimizers, learning_rate_factor(self.step, self.config))
        loss = self.model.loss(ids, targets, self.dtype)
        loss.backward()
        loss = self.team.add_up(loss, list(self.model.parameters()), len(ids) / self.config.batch_size)
        gradient_norm = clip_grad_norm_(self.model.parameters(), self.config.clip)
        if not (math.isfinite(loss.item()) and math.isfinite(gradient_norm.item())):
            raise TrainingDiverged(f"the loss is {loss.item()} at step {self.step + 1}")
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        self.loss_sum, self.loss_steps = self.loss_sum + loss.item(), self.loss_steps + 1
        self.seconds += time.perf_counter() - began
        return loss.item()

    def evaluate(self, validation):
        """A row of the log; the mean of the training loss starts anew."""
        score = evaluate(self.model, validation)
        if not math.isfinite(score.nats_per_token):
            raise TrainingDiverged(f"the validation loss is {score.nats_per_token} at step {self.step}")
        train_loss = tokens_per_s = math.nan
        if self.loss_steps:
            train_loss = self.loss_sum / self.loss_steps
            tokens_per_s = self.loss_steps * self.batches.tokens_per_step / self.seconds
        self.loss_sum, self.loss_steps, self.seconds = 0.0, 0, 0.0
        return Row(
            step=self.step,
            epoch=self.epoch,
            tokens=self.step * self.batches.tokens_per_step,
            train_loss=train_loss,
            validation_loss=float(score.nats_per_token),
            bits_per_byte=float(score.bits_per_byte),
            lr=self.optimizers[0].param_groups[0]["lr"],
            tokens_per_s=tokens_per_s,
        )

    def save(self, run):
        """Write everything that is needed to go on to the last bit."""
        tensors = {f"model.{name}": w for name, w in own_weights(self.model).items()}
        for name, optimizer, p in self.optimized():
            tensors |= {f"{name}.{key}": value for key, value in optimizer.state[p].items()}
        tensors["generator.cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["generator.cuda"] = torch.cuda.get_rng_state(self.device)
        run.save_tensors(LAST, tensors, **{name: repr(getattr(self, name)) for name in NUMBERS})

    def restore(self, run):
        """Become the trainer that `save` wrote."""
        run.verify(LAST)
        tensors, numbers = run.load_tensors(LAST)
        try:
            restore_weights(self.model, below("model.", tensors), run.folder / LAST)
            for name, optimizer, p in self.optimized():
                found = {key: t.to(self.device) for key, t in below(f"{name}.", tensors).items()}
                shapes = {key: tuple(t.shape) for key, t in found.items()}
                require(shapes in ({}, state_shapes(optimizer, p)), f"{name} does not fit the model")
                optimizer.state[p].update(found)
            torch.set_rng_state(tensors["generator.cpu"])
            if self.device.type == "cuda" and "generator.cuda" in tensors:
                torch.cuda.set_rng_state(tensors["generator.cuda"], self.device)
            for name, kind in NUMBERS.items():
                setattr(self, name, kind(numbers[name]))
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            reason = error if isinstance(error, InputError) else repr(error)
            raise InputError(f"{run.folder / LAST} is damaged ({reason}); train again with --force") from None

    def optimized(self):
        """Every parameter with its optimizer, and a name that depends on the settings only."""
        for i, optimizer in enumerate(self.optimizers):
            for j, p in enumerate(p for group in optimizer.param_groups for p in group["params"]):
                yield f"optimizer.{i}.{j}", optimizer, p


def below(prefix, tensors):
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def steps_for_minutes(minutes, model_config, config, tokens, device="cpu", team=ALONE):
    """How many steps take about so many minutes here, by timing a model that is then thrown away.

    The first process of a team times its own part of a step; the little time that adding up takes does not count.
    """
    config = replace(config, batch_size=len(team.rows(config.batch_size)))
    with torch.random.fork_rng():
        trainer = Trainer(model_config, config, tokens, device)
        trainer.train_step()
        first_s = trainer.seconds  # the head start, and a step
        trainer.loss_steps, trainer.seconds = 0, 0.0
        while trainer.seconds < MEASURED_S:
            trainer.train_step()
    step_s = trainer.seconds / trainer.loss_steps
    return max(1, round((60 * minutes - first_s) / step_s) + 1)
