"""Tokens on disk, and the batches that training draws from them.

A token file holds the documents of one split, each preceded by the end-of-text token, and one more at the end:
`<|endoftext|> doc <|endoftext|> doc <|endoftext|>`. It is mapped, not read, so that a corpus may exceed memory.
"""

import json
import mmap
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from tinygpt.config import InputError, require
from tinygpt.corpora import SPLITS, split_of
from tinygpt.reading import load_json

CHUNK = 1000  # documents encoded at a time
PIECE = 2**20  # tokens looked at at a time
DTYPES = {"uint16": np.uint16, "uint32": np.uint32}


@dataclass(frozen=True)
class TokenFile:
    """The tokens of one split.

    ids: (N,) the stream of tokens. starts: (documents,) where each document's leading end-of-text token stands.
    document_bytes: (documents,) UTF-8 bytes of each document's text.
    """

    ids: np.ndarray
    starts: np.ndarray
    document_bytes: np.ndarray

    @property
    def n_documents(self):
        return len(self.starts)

    @property
    def n_bytes(self):
        return int(self.document_bytes.sum())

    @property
    def ends(self):
        """(documents,) where the end-of-text token after each document stands."""
        return np.append(self.starts, len(self.ids) - 1)[1:]

    def largest(self):
        """The largest of the tokens."""
        pieces = (self.ids[start : start + PIECE] for start in range(0, len(self.ids), PIECE))
        largest = max(int(piece.max()) for piece in pieces)
        let_go(self.ids)
        return largest

    def sample(self, max_tokens):
        """Documents spread evenly over the file, in memory, at least one and about max_tokens; all where they fit."""
        if len(self.ids) <= max_tokens:
            return self
        n = max(1, self.n_documents * max_tokens // len(self.ids))
        chosen = np.arange(n) * self.n_documents // n  # (n,)
        starts, ends = self.starts[chosen], self.ends[chosen]
        ids = np.concatenate([*(self.ids[a:b] for a, b in zip(starts, ends, strict=True)), self.ids[-1:]])
        return TokenFile(ids, np.cumsum(ends - starts) - (ends - starts), self.document_bytes[chosen])

    def first(self, n):
        """The first n documents."""
        return TokenFile(self.ids[: self.ends[n - 1] + 1], self.starts[:n], self.document_bytes[:n])

    def texts(self, tokenizer):
        """The documents' texts, one at a time."""
        for number, (start, end) in enumerate(zip(self.starts, self.ends, strict=True), 1):
            yield tokenizer.decode(self.ids[start + 1 : end].tolist())
            if number % CHUNK == 0:
                let_go(self.ids)


def let_go(ids):
    """Take what was read of mapped tokens out of our memory: else the whole file would gather there in time."""
    mapping = getattr(ids, "_mmap", None)
    if hasattr(mapping, "madvise"):
        mapping.madvise(mmap.MADV_DONTNEED)


def token_file(documents, encode, end_of_text, dtype=np.uint16):
    """A token file in memory. documents: texts; encode: text -> ids."""
    encoded = [[end_of_text, *encode(text)] for text in documents]
    starts = np.cumsum([0] + [len(ids) for ids in encoded])[:-1]
    stream = np.array([i for ids in encoded for i in ids] + [end_of_text], dtype=dtype)
    return TokenFile(stream, starts, np.array([len(text.encode()) for text in documents]))


def write_tokens(corpus, tokenizer, folder):
    """Encode a corpus into one token file per split, one pass, a chunk of documents at a time."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    dtype = np.uint16 if tokenizer.vocab_size <= 2**16 else np.uint32
    position = dict.fromkeys(SPLITS, 0)
    with ExitStack() as stack:
        streams = {s: stack.enter_context(open(folder / f"{s}.ids", "wb")) for s in SPLITS}
        indices = {s: stack.enter_context(open(folder / f"{s}.documents", "wb")) for s in SPLITS}
        for documents in chunks(corpus.documents(), CHUNK):
            encoded = tokenizer.encode_batch([document.text for document in documents])
            for document, ids in zip(documents, encoded, strict=True):
                split = split_of(document.id)
                streams[split].write(np.array([tokenizer.end_of_text, *ids], dtype=dtype))
                indices[split].write(np.array([position[split], len(document.text.encode())], dtype=np.int64))
                position[split] += 1 + len(ids)
        for stream in streams.values():
            stream.write(np.array([tokenizer.end_of_text], dtype=dtype))
    (folder / "tokens.json").write_text(json.dumps({"dtype": np.dtype(dtype).name}))
    return open_tokens(folder)


def chunks(items, size):
    items = iter(items)
    while chunk := list(islice(items, size)):
        yield chunk


def open_tokens(folder):
    """The token files that `write_tokens` left in a folder, by split."""
    folder = Path(folder)
    try:
        dtype = DTYPES[load_json(folder / "tokens.json")["dtype"]]
        return {split: open_split(folder, split, dtype) for split in SPLITS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} is damaged ({error!r}); bring the token files back, or start the run anew"
        ) from None


def open_split(folder, split, dtype):
    ids, path = np.memmap(folder / f"{split}.ids", dtype=dtype, mode="r"), folder / f"{split}.documents"
    require(path.stat().st_size <= 16 * len(ids), f"{path.name} names more documents than there are tokens")
    starts, document_bytes = np.fromfile(path, dtype=np.int64).reshape(-1, 2).T
    n_tokens = np.diff(starts, append=len(ids) - 1)  # (documents,) each with its end-of-text token
    fits = (n_tokens >= 1) & (n_tokens - 1 <= document_bytes)  # a token has a byte at least
    require(not starts[:1].any() and fits.all(), f"{path.name} does not fit {split}.ids")
    return TokenFile(ids, starts, document_bytes)


class Batches:
    """Batches of an endless stream of epochs, each all documents in a new order, cut into windows.

    batches[step] depends on the seed and on the step only, so that a resumed run sees what it would have seen.
    rows: which of a batch's rows are given, for one of several processes that share them; None: all.
    """

    def __init__(self, tokens, batch_size, context_length, seed=0, rows=None):
        self.tokens, self.batch_size, self.context_length, self.seed = tokens, batch_size, context_length, seed
        self.rows = range(batch_size) if rows is None else rows
        self.windows_per_epoch = (len(tokens.ids) - 1) // context_length
        require(
            self.windows_per_epoch > 0 and tokens.n_documents > 0,
            f"the training text has {len(tokens.ids)} tokens, which is less than one window of {context_length} + 1: "
            "bring more text or choose a shorter --context-length",
        )
        self.orders = {}

    @property
    def tokens_per_step(self):
        return self.batch_size * self.context_length

    @property
    def steps_per_epoch(self):
        return self.windows_per_epoch / self.batch_size

    def __getitem__(self, step):
        """Inputs and targets (B, T) each: targets[b, t] is the token that follows inputs[b, t]."""
        windows = np.stack([self.window(step * self.batch_size + row) for row in self.rows])  # (B, T + 1)
        let_go(self.tokens.ids)
        windows = torch.from_numpy(windows)
        return windows[:, :-1], windows[:, 1:]

    def window(self, number):
        """The tokens (T + 1,) of a window, counted through all epochs."""
        epoch, place = divmod(number, self.windows_per_epoch)
        starts, ends, offsets = self.epoch_order(epoch)
        begin, end = place * self.context_length, (place + 1) * self.context_length + 1
        first, last = np.searchsorted(offsets, [begin, end - 1], side="right") - 1
        pieces = [self.tokens.ids[starts[i] : ends[i]] for i in range(first, min(last + 1, len(starts)))]
        pieces.append(self.tokens.ids[-1:])  # the stream's last token, where a window reaches that far
        begin -= offsets[first]
        return np.concatenate(pieces)[begin : begin + self.context_length + 1].astype(np.int64)

    def epoch_order(self, epoch):
        """Where the documents of a shuffled epoch start and end in the file, and their offsets in the epoch."""
        if epoch not in self.orders:
            order = np.random.default_rng([self.seed, epoch]).permutation(self.tokens.n_documents)
            starts, ends = self.tokens.starts[order], self.tokens.ends[order]
            previous = {e: o for e, o in self.orders.items() if e == epoch - 1}  # a batch may span two epochs
            self.orders = {**previous, epoch: (starts, ends, np.append(0, np.cumsum(ends - starts)))}
        return self.orders[epoch]
