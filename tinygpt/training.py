"""Training: one loop. Take a step; now and then evaluate and save."""

import math

import torch
from tqdm import tqdm

from tinygpt.atomic import remove_unfinished
from tinygpt.checkpoint import LAST, MODEL
from tinygpt.distributed import ALONE
from tinygpt.interruption import interruption
from tinygpt.logs import Log
from tinygpt.trainer import Trainer

EVALUATED_TOKENS = 2**17  # while training; of a longer validation text a sample is read
SHORT_EPOCH_STEPS = 20  # an epoch below this ends without a row of its own


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
