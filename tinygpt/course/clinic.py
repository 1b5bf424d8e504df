"""The clinic of lesson 04: five runs, each really trained, each with one thing wrong, known by a letter only."""

from dataclasses import dataclass

import torch

from tinygpt.config import TrainConfig, require
from tinygpt.evaluation import evaluate
from tinygpt.model import TinyGPT
from tinygpt.optim import learning_rate_factor

SEED = 1
BATCH_SIZE = 8
DOCUMENTS = 40  # of the validation text, for a look now and then
LOOKS = 6
DIAGNOSES = (
    "rate too high",
    "rate too low",
    "no warm-up",
    "targets leaked",
    "dead gradients",
    "gradients added up",
    "learned by heart",
)


@dataclass(frozen=True)
class Patient:
    """How a run is trained. warmup, decay: shares of the steps."""

    diagnosis: str
    file: str = ""  # what had been done, told afterwards
    rate: float = 0.01
    warmup: float = 1 / 6
    decay: float = 0.5

    def rates(self, steps):
        schedule = TrainConfig(steps=steps, warmup=self.warmup, decay=self.decay)
        return [self.rate * learning_rate_factor(step, schedule) for step in range(steps)]


PATIENTS = {
    "A": Patient("no warm-up", "rate 0.06 from the very first step", rate=0.06, warmup=0.0),
    "B": Patient("dead gradients", "the optimizer still holds the weights of an older model"),
    "C": Patient("rate too high", "rate 0.6, after a long warm-up", rate=0.6, warmup=0.5, decay=0.0),
    "D": Patient("targets leaked", "the targets are the inputs, not shifted"),
    "E": Patient("rate too low", "rate 0.0001", rate=1e-4),
}
COMPARED = {
    "A treated": Patient("healthy", rate=0.06, warmup=1 / 3),
    "healthy": Patient("healthy"),
    "no zero_grad": Patient("gradients added up"),
}


def sick_run(letter, train_loop, get_batch, tokens, config, steps):
    """Train a patient with the learner's own loop and batches.

    letter: "A" to "E", or a run that they are compared with. tokens: the token files by split. Returns the losses (nats
    per token) of training, a list, and of the validation text, {steps taken: loss}.
    """
    patients = PATIENTS | COMPARED
    require(letter in patients, f"there is no patient {letter!r}; there are {', '.join(patients)}")
    patient = patients[letter]
    torch.manual_seed(SEED)
    model = TinyGPT(config)
    trained = TinyGPT(config) if patient.diagnosis == "dead gradients" else model
    optimizer = torch.optim.AdamW(trained.parameters(), betas=(0.9, 0.99), weight_decay=0.1)
    if patient.diagnosis == "gradients added up":
        model.zero_grad = optimizer.zero_grad = lambda *args, **options: None
    batches = [get_batch(tokens["train"].ids, BATCH_SIZE, config.context_length) for _ in range(steps)]
    if patient.diagnosis == "targets leaked":
        batches = [(inputs, inputs) for inputs, _ in batches]
    rates = patient.rates(steps)
    validation = tokens["validation"].first(min(DOCUMENTS, tokens["validation"].n_documents))
    losses, looks = [], {0: float(evaluate(model, validation).nats_per_token)}
    ends = sorted({round(steps * look / LOOKS) for look in range(1, LOOKS + 1)})
    for begin, end in zip([0, *ends], ends, strict=False):
        losses += train_loop(model, optimizer, batches[begin:end], rates[begin:end])
        looks[end] = float(evaluate(model, validation).nats_per_token)
    return losses, looks


def files():
    """Print what had been done to each patient."""
    for letter, patient in PATIENTS.items():
        print(f"{letter}  {patient.diagnosis:15} {patient.file}")
