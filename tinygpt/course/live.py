"""A training run to watch: curve, speed and time left in one place that is redrawn, in Jupyter and on Colab alike."""

import html
import io
import math
import time
from itertools import pairwise

from IPython.display import HTML, display
from matplotlib import rc_context

from tinygpt import plots
from tinygpt.course.lesson_model import load_or_train
from tinygpt.course.scoreboard import read
from tinygpt.logs import read_log
from tinygpt.picture import STYLE, Picture

EVERY_S = 2.0  # between two pictures: drawing one takes a tenth of a second
SMOOTHED = 25  # steps whose losses are averaged in the live curve
XZ = "xz, knowing the training text"  # lesson 00's strongest, the one to pass
XZ_BITS = 1.46  # what lesson 00 measures, for whoever has not run it
LOW, HIGH = 1.1, 2.0  # bits per byte: room for the lesson's run, so that the axis stands still while it is drawn
ESTIMATED = 10  # steps; after fewer we don't say how long the rest will take
RECORDED = {"60 s, 776 steps": 1.276, "300 s": 1.110}  # bits per byte of `tinygpt run --minutes`, from the README
FEW_STEPS = 20  # a row of the log about fewer steps than this says little about the training loss


def watch_training(again=False):
    """The Run of the lessons' model, trained before our eyes the first time, or with again=True; else its curve."""
    live = LiveRun()
    run = load_or_train(again=again, show_progress=False, watch={"on_step": live.on_step, "on_row": live.on_row})
    live.finish(run)
    return run


class LiveRun:
    """One output of a cell that a training keeps redrawing, and that ends as one picture of the whole run."""

    def __init__(self):
        self.training, self.validation = {}, {}  # {step: bits per byte}
        self.last = []  # losses of the last steps
        self.handle, self.drawn_at, self.began = None, -math.inf, None

    def on_row(self, row):
        self.validation[row.step] = row.bits_per_byte

    def on_step(self, trainer, loss):
        now = time.monotonic()
        self.began = self.began or (now, trainer.step)
        self.last = [*self.last, loss][-SMOOTHED:]
        self.training[trainer.step] = bits(sum(self.last) / len(self.last), trainer.bytes_per_token)
        if now - self.drawn_at >= EVERY_S:
            self.drawn_at = now
            picture = curves(self.training, self.validation, trainer.config.steps)
            self.show(picture, self.progress(trainer, now))

    def progress(self, trainer, now):
        """The bar, and how it goes, in a line."""
        began, first = self.began
        steps, speed = trainer.config.steps, trainer.loss_steps * trainer.batches.tokens_per_step / trainer.seconds
        left = (now - began) / max(1, trainer.step - first) * (steps - trainer.step)
        told = f"{clock(left)} left" if trainer.step - first >= ESTIMATED else "estimating the time left"
        return f'<progress value="{trainer.step}" max="{steps}" aria-label="training"></progress> ' + html.escape(
            f"step {trainer.step:,} of {steps:,} · {speed:,.0f} tokens/s · {told} · training text "
            f"{self.training[trainer.step]:.2f} bits per byte"
        )

    def finish(self, run):
        """The picture that stays: with the fine curve of the steps that were watched, and the log's for the others."""
        rows = read_log(run.folder)
        logged, validation = from_log(rows, run.tokens()["train"])
        watched = min(self.training, default=math.inf)
        training = {step: price for step, price in logged.items() if step < watched} | self.training
        seconds = sum((b.tokens - a.tokens) / b.tokens_per_s for a, b in pairwise(rows))
        self.show(
            curves(training, validation, rows[-1].step),
            f"{rows[-1].step:,} steps, {rows[-1].tokens:,} tokens: {clock(seconds)} minutes of training at "
            f"{rows[-1].tokens / seconds:,.0f} tokens/s, evaluations not counted. The validation text costs "
            f"{rows[-1].bits_per_byte:.3f} bits per byte; before the head start, above this picture, it "
            f"cost {rows[0].bits_per_byte:.2f}.",
        )

    def show(self, picture, line):
        page = HTML(f"{picture._repr_html_()}<div>{line}</div>")
        if self.handle:
            self.handle.update(page)
        else:
            self.handle = display(page, display_id=True)


def from_log(rows, tokens):
    """Bits per byte of training and validation text by step.

    A row's training loss is a mean over the steps since the row before: it belongs to the middle of them.
    """
    bytes_per_token = tokens.n_bytes / len(tokens.ids)
    training = {
        (a.step + b.step) / 2: bits(b.train_loss, bytes_per_token)
        for a, b in pairwise(rows)
        if b.step - a.step >= FEW_STEPS
    }
    return training, {row.step: row.bits_per_byte for row in rows}


class Steady(Picture):
    """A picture whose image has the same size whatever is drawn, so that one that is redrawn doesn't twitch."""

    def png(self):
        buffer = io.BytesIO()
        with rc_context(STYLE):
            self.figure.savefig(buffer, format="png", dpi=110, transparent=True)
        return buffer.getvalue()


def curves(training, validation, steps):
    """Both prices on axes that stand still. That of the untrained model would squeeze all others: it is left out."""
    validation = {step: price for step, price in validation.items() if step}
    told = [f"{name} text {list(data.values())[-1]:.2f}" for name, data in both(training, validation).items() if data]
    picture = plots.lines(
        both(training, validation),
        "step",
        "bits per byte",
        f"Bits per byte while training, so far or at the end: {', '.join(told)}.",
        title="What a byte costs, step by step",
        baselines={XZ: read().get(XZ, {"bits_per_byte": XZ_BITS})["bits_per_byte"]},
    )
    prices = [*training.values(), *validation.values()]
    axes = picture.figure.axes[0]
    axes.set(xlim=(0, 1.02 * steps), ylim=(min([LOW, *prices]), max([HIGH, *prices])))
    with rc_context(STYLE):
        axes.legend(loc="upper right")
    picture.figure.set_layout_engine("constrained")
    return Steady(picture.figure, picture.alt)


def both(training, validation):
    return {"training": training, "validation": validation}


def bits(nats_per_token, bytes_per_token):
    return nats_per_token / math.log(2) / bytes_per_token


def clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02}"
