"""A run folder: one model with everything needed to use it, check it and train it further.

Tensors are safetensors, the rest is JSON: loading a stranger's folder runs none of its code. Every file is written
under a temporary name and renamed, so that a kill at any moment leaves whole files only.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from tinygpt.config import InputError, ModelConfig, TrainConfig, from_json, is_whole, require
from tinygpt.corpora import SPLITS
from tinygpt.model import TinyGPT
from tinygpt.reading import load_json
from tinygpt.storage import file_digest, load_tensors, save_tensors, write_json
from tinygpt.tokenizer import Tokenizer
from tinygpt.tokens import open_tokens

FORMAT = 1
CONFIG, MODEL, METRICS = "config.json", "model.safetensors", "metrics.json"
LAST = "checkpoints/last/training.safetensors"
SAMPLES = "samples.txt"


@dataclass(frozen=True)
class Run:
    """A run folder whose config.json has been read and checked."""

    folder: Path
    config: dict

    @property
    def model_config(self):
        return from_json(ModelConfig, self.config["model"])

    @property
    def train_config(self):
        return from_json(TrainConfig, self.config["training"])

    @property
    def n_processes(self):
        """How many processes train it together."""
        return self.config.get("processes", 1)

    def tokenizer(self):
        self.verify("tokenizer/")
        tokenizer, vocab_size = Tokenizer.load(self.folder / "tokenizer"), self.model_config.vocab_size
        require(
            tokenizer.vocab_size == vocab_size,
            f"{self.folder} holds a tokenizer of {tokenizer.vocab_size} tokens and a model of {vocab_size}; "
            "they don't belong together",
        )
        return tokenizer

    def tokens(self):
        """The token files of the run's corpus, by split."""
        self.verify("tokens/")
        tokens, vocab_size = open_tokens(self.folder / "tokens"), self.model_config.vocab_size
        for split, file in tokens.items():
            largest = file.largest()
            require(largest < vocab_size, f"{self.folder / 'tokens'} is damaged: {split}.ids holds the token {largest}")
        return tokens

    def model(self, device="cpu"):
        """The model with the best validation weights, ready to be used."""
        self.verify(MODEL)
        weights, _ = self.load_tensors(MODEL)
        with torch.device("meta"):  # takes no memory, whatever sizes config.json names
            restore_weights(TinyGPT(self.model_config), weights, self.folder / MODEL, assign=True)
        return restore_weights(TinyGPT(self.model_config), weights, self.folder / MODEL).to(device).eval()

    def verify(self, prefix):
        """Stop at the first of our own files whose content is not what config.json says."""
        for name, digest in self.config["digests"].items():
            path = self.folder / name
            if name.startswith(prefix):
                require(path.is_file(), f"{path} is missing: the run is damaged; bring the file back or train again")
                require(
                    file_digest(path) == digest,
                    f"{path} is not the file this run wrote: damaged, or of another run; bring it back or train again",
                )

    def save_tensors(self, name, tensors, **metadata):
        save_tensors(self.folder / name, tensors, {"run_id": self.config["run_id"], **metadata})

    def load_tensors(self, name):
        """Tensors and metadata of one of the run's own files."""
        tensors, metadata = load_tensors(self.folder / name)
        require(
            metadata.get("run_id") == self.config["run_id"],
            f"{self.folder / name} belongs to another run than {self.folder / CONFIG}; bring the right one back",
        )
        return tensors, metadata

    def save_weights(self, name, model, **metadata):
        self.save_tensors(name, own_weights(model), **metadata)

    def sign(self, *names):
        """Tell config.json what files of ours hold, where they are there."""
        there = [name for name in names if (self.folder / name).is_file()]
        self.config["digests"] |= {name: file_digest(self.folder / name) for name in there}
        write_json(self.folder / CONFIG, self.config)

    def unsign(self, *names):
        """The content of files is about to change: config.json no longer vouches for them."""
        for name in names:
            self.config["digests"].pop(name, None)
        write_json(self.folder / CONFIG, self.config)


def open_run(folder):
    """The run in a folder; an InputError says what is missing or wrong."""
    folder = Path(folder)
    where = "" if folder.is_absolute() else f" in {Path.cwd()}"
    require(folder.is_dir(), f"there is no run folder {folder}{where}; make one with: tinygpt run --out {folder}")
    require((folder / CONFIG).is_file(), f"{folder} is not a run folder: it has no {CONFIG}")
    try:
        config = load_json(folder / CONFIG)
        found = config["format"]
        if found == FORMAT:
            require_settings(Run(folder, config))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = error if isinstance(error, InputError) else repr(error)
        problem = f"{folder / CONFIG} is damaged ({reason})"
        raise InputError(f"{problem}; bring it back or train again with --force") from None
    require(
        found == FORMAT,
        f"{folder} was written by another version of tinygpt (format {found!r}, this one reads {FORMAT}); "
        "use the version named in its config.json, or train again",
    )
    return Run(folder, config)


def require_settings(run):
    """Touch everything that is read later, so that what is missing, or of another kind, is noticed now."""
    _ = run.model_config, run.train_config
    corpus, made_with = run.config["corpus"], run.config["versions"]
    texts = [run.config["run_id"], corpus["spec"], *run.config["digests"].values(), *corpus.get("cleaning", ())]
    texts += [corpus.get(name, "") for name in ("source", "version", "licence", "citation")]
    texts += [made_with[name] for name in ("tinygpt", "torch", "tokenizers")]
    numbers = [corpus["splits"][split][unit] for split in SPLITS for unit in ("documents", "bytes", "tokens")]
    for text in texts:
        require(isinstance(text, str), f"{text!r:.80} should be a text")
    for number in [*numbers, made_with["threads"], run.n_processes]:
        require(is_whole(number) and 0 <= number < 2**63, f"{number!r:.80} should be a whole number")


def own_weights(model):
    """The weights of a model by name; a tied head is left out, since it is the embedding."""
    weights = model.state_dict()
    if model.config.tied:
        del weights["head.weight"]
    return weights


def restore_weights(model, weights, source, assign=False):
    """Load weights into a model; an InputError names the file they came from when they do not fit.

    assign: take the tensors themselves in place of the model's own.
    """
    if model.config.tied and "token_embedding.weight" in weights:
        weights = {**weights, "head.weight": weights["token_embedding.weight"]}
    try:
        model.load_state_dict(weights, assign=assign)
    except RuntimeError as error:
        problem = " ".join(str(error).split())[:200]
        raise InputError(f"{source} does not fit the model in config.json: {problem}") from None
    return model
