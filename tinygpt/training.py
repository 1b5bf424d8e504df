"""Training: one loop. Draw a batch, measure the loss, step; now and then evaluate and save."""

import math
import time
from dataclasses import replace

import torch
from torch.nn.utils import clip_grad_norm_
from tqdm import tqdm

from tinygpt.atomic import remove_unfinished
from tinygpt.bigrams import learn_bigrams
from tinygpt.checkpoint import LAST, MODEL, own_weights, restore_weights
from tinygpt.config import InputError
from tinygpt.device import choose_precision, keep_freed_memory
from tinygpt.distributed import ALONE
from tinygpt.evaluation import evaluate
from tinygpt.interruption import interruption
from tinygpt.logs import Log, Row
from tinygpt.model import TinyGPT
from tinygpt.optim import learning_rate_factor, make_optimizers, set_learning_rates
from tinygpt.tokens import Batches

EVALUATED_TOKENS = 2**17  # while training; of a longer validation text a sample is read
SHORT_EPOCH_STEPS = 20  # an epoch below this ends without a row of its own
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
        for name, state in self.optimizer_states():
            tensors |= {f"{name}.{key}": value for key, value in state.items()}
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
            for name, state in self.optimizer_states():
                state.update((key, t.to(self.device)) for key, t in below(f"{name}.", tensors).items())
            torch.set_rng_state(tensors["generator.cpu"])
            if self.device.type == "cuda" and "generator.cuda" in tensors:
                torch.cuda.set_rng_state(tensors["generator.cuda"], self.device)
            for name, kind in NUMBERS.items():
                setattr(self, name, kind(numbers[name]))
        except (KeyError, ValueError) as error:
            reason = error if isinstance(error, InputError) else repr(error)
            raise InputError(f"{run.folder / LAST} is damaged ({reason}); train again with --force") from None

    def optimizer_states(self):
        """The state of every parameter, with a name that depends on the settings only."""
        for i, optimizer in enumerate(self.optimizers):
            for j, p in enumerate(p for group in optimizer.param_groups for p in group["params"]):
                yield f"optimizer.{i}.{j}", optimizer.state[p]


def below(prefix, tensors):
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def is_done(run):
    """Whether a run's last checkpoint is that of its last step."""
    if not (run.folder / LAST).is_file():
        return False
    run.verify(LAST)
    _, numbers = run.load_tensors(LAST)
    return numbers.get("step") == str(run.train_config.steps)


def train(run, device="cpu", resume=False, on_begin=None, on_row=None, on_step=None, show_progress=None, team=ALONE):
    """Train the model of a run folder; True when it is done, False when the user interrupted it.

    With resume it goes on from the last checkpoint, to the last bit as if it had never stopped; a run that is done
    stays as it is. Every evaluation and every end of an epoch writes a row of the log and the last checkpoint, and
    the weights where they are the best so far. on_begin: called with the number of steps taken already, once all that
    is there has been read. on_row: called with each Row. on_step: called with the Trainer and the loss of each step.
    show_progress: None shows the bar on a terminal only. team: the processes that share the work, all of which call
    this; only the first evaluates, writes and calls back. Raises TrainingDiverged when the loss is not finite: the
    last good weights are kept.
    """
    tokens = run.tokens()
    validation = tokens["validation"].sample(EVALUATED_TOKENS)
    devices = [] if torch.device(device).type != "cuda" else [device]
    with torch.random.fork_rng(devices), interruption(team.signals, team.is_first) as interrupted:
        trainer = Trainer(run.model_config, run.train_config, tokens, device, team)
        if resume:
            run.model()  # the best weights may stay the best: they must be there, whole, and this run's
            trainer.restore(run)
            if trainer.step == trainer.config.steps:
                return True
        team.wait()  # nothing is written before all have read
        if not team.is_first:
            return follow(trainer, interrupted)
        remove_unfinished(run.folder)
        with Log(run.folder, trainer.step if resume else None) as log, progress_bar(trainer, show_progress) as bar:
            if on_begin:
                on_begin(trainer.step)
            run.unsign(MODEL, LAST)  # from here on their content changes
            try:
                loop(trainer, run, validation, log, bar, interrupted, on_row, on_step)
            finally:
                run.sign(MODEL, LAST)
        team.wait()  # nobody leaves before all is written: the end of one may end the others
    return trainer.step == trainer.config.steps


def follow(trainer, interrupted):
    """What every process but the first does: its part of each step, and nothing else."""
    while trainer.step < trainer.config.steps and not trainer.team.any(interrupted.is_set()):
        trainer.train_step()
    trainer.team.wait()
    return trainer.step == trainer.config.steps


def loop(trainer, run, validation, log, bar, interrupted, on_row=None, on_step=None):
    def look_up():
        row = trainer.evaluate(validation)
        log.write(row)
        if row.bits_per_byte < trainer.best:
            trainer.best = row.bits_per_byte
            run.save_weights(MODEL, trainer.model, step=str(row.step), bits_per_byte=repr(row.bits_per_byte))
        trainer.save(run)
        if on_row:
            on_row(row)

    epoch_ends, evaluations = stops(trainer.config, trainer.batches)
    if trainer.best == math.inf:  # nothing has been evaluated yet
        look_up()
    while trainer.step < trainer.config.steps and not trainer.team.any(interrupted.is_set()):
        loss = trainer.train_step()
        show(bar, trainer, loss)
        if on_step:
            on_step(trainer, loss)
        if trainer.step in epoch_ends and trainer.config.keep_epochs:
            run.save_weights(f"checkpoints/epoch_{epoch_ends[trainer.step]:04}.safetensors", trainer.model)
        if trainer.step in evaluations or trainer.step in epoch_ends:
            look_up()
    if trainer.step < trainer.config.steps:
        trainer.save(run)


def stops(config, batches):
    """After which steps an epoch has ended, as {step: epoch}, and after which we evaluate."""
    evaluations = {round(config.steps * i / config.evaluations) for i in range(1, config.evaluations + 1)}
    windows, batch = batches.windows_per_epoch, batches.batch_size  # whole numbers: a quotient would be rounded
    if windows < SHORT_EPOCH_STEPS * batch and not config.keep_epochs:
        return {}, evaluations
    n_epochs = config.steps * batch // windows
    return {-(-epoch * windows // batch): epoch for epoch in range(1, n_epochs + 1)}, evaluations


def progress_bar(trainer, shown):
    disable = None if shown is None else not shown  # None: tqdm asks whether stderr is a terminal
    return tqdm(total=trainer.config.steps, initial=trainer.step, unit="step", disable=disable, dynamic_ncols=True)


def show(bar, trainer, loss):
    if not bar.disable:
        bits_per_byte = loss / math.log(2) / trainer.bytes_per_token
        speed = trainer.loss_steps * trainer.batches.tokens_per_step / trainer.seconds
        bar.set_postfix_str(f"loss {loss:.2f}, bits/byte {bits_per_byte:.2f}, {speed:,.0f} tokens/s", refresh=False)
    bar.update()


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
