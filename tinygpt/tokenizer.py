"""The course's tokenizer: byte-level BPE by the `tokenizers` library, in Rust and on all cores, with the ids of bpe.py.

A tokenizer is its list of merges: vocabulary, bytes and digest are derived from it, after training as after loading.
"""

import hashlib
import json
import operator
from functools import cached_property
from itertools import chain
from pathlib import Path

from tokenizers import ByteLevelBPETokenizer

from tinygpt.atomic import write_atomically
from tinygpt.bpe import ALPHABET, from_printable
from tinygpt.config import END_OF_TEXT, require
from tinygpt.learnable import require_full, require_several, require_text, require_vocab_size
from tinygpt.reading import load_json, parse, read_text

FILES = ("vocab.json", "merges.txt")
COURSE_VOCAB_SIZE = 2048
HEADER = "#version: 0.2"  # the first line of every merges.txt
CURE = "copy the folder anew, or train the tokenizer again"


class Tokenizer:
    """Text to token ids and back; id 0, `end_of_text`, separates documents and is never made from a user's text.

    backend: the library's own tokenizer. It is not told that `<|endoftext|>` is special: nothing that is typed can
    then become the control token.
    """

    end_of_text = 0

    def __init__(self, merges):
        """merges: pairs of tokens in printable stand-ins, such as ("Ġ", "t"), in the order learned."""
        self.merges = [tuple(pair) for pair in merges]
        self.tokens = [END_OF_TEXT, *ALPHABET, *(left + right for left, right in self.merges)]
        self.vocab = {token: id for id, token in enumerate(self.tokens)}
        self.backend = ByteLevelBPETokenizer(self.vocab, self.merges)
        self._bytes = [b"", *map(from_printable, self.tokens[1:])]

    @classmethod
    def train(cls, texts, vocab_size=None, min_frequency=2):
        """Learn from an iterable of documents, which may exceed memory.

        vocab_size: None stands for 2048, or what the text supports where that is less. Raises InputError where
        there is no text, or too little for the size that was asked for.
        """
        asked, vocab_size = vocab_size, COURSE_VOCAB_SIZE if vocab_size is None else vocab_size
        require_vocab_size(vocab_size, min_frequency)
        require_several(texts)
        texts = (text for text in map(checked, texts) if text)
        first = next(texts, None)
        require(first is not None, "there is no text to learn from: all documents are empty, or there are none")
        learner = ByteLevelBPETokenizer()
        learner.train_from_iterator(
            chain([first], texts),
            vocab_size=vocab_size,
            min_frequency=min_frequency,
            show_progress=False,
            special_tokens=[END_OF_TEXT],
        )
        if asked is not None:
            require_full(learner.get_vocab_size(), vocab_size, min_frequency)
        return cls(json.loads(learner.to_str())["model"]["merges"])

    @classmethod
    def load(cls, folder):
        """The tokenizer that `save` wrote; InputError where a file is missing, damaged or not the other's partner."""
        vocab_path, merges_path = (Path(folder, name) for name in FILES)
        vocab = found(vocab_path, load_json)
        lines = found(merges_path, read_text).splitlines()
        require(lines[:1] == [HEADER], f"{merges_path} is damaged: its first line is not {HEADER!r}; {CURE}")
        merges = [line.split(" ") for line in lines[1:]]
        known = {*ALPHABET}
        for number, pair in enumerate(merges, start=2):
            token = "".join(pair)
            fits = len(pair) == 2 and known.issuperset(pair) and token not in known
            require(fits, f"{merges_path} is damaged: line {number} does not merge two tokens known by then; {CURE}")
            known.add(token)
        tokenizer = cls(merges)
        require(
            vocab == tokenizer.vocab,
            f"{vocab_path} does not belong to {merges_path.name}: its tokens are not those of the merges; {CURE}",
        )
        return tokenizer

    def save(self, folder):
        """Write `vocab.json` and `merges.txt`, each under a temporary name first: half a file is never seen."""
        for name, content in self.files.items():
            write_atomically(Path(folder, name), content)

    @cached_property
    def files(self):
        """What `save` writes: the bytes of each file, the same as the library's own."""
        merges = [HEADER, *(f"{left} {right}" for left, right in self.merges)]
        return {
            FILES[0]: json.dumps(self.vocab, ensure_ascii=False, separators=(",", ":")).encode(),
            FILES[1]: "".join(line + "\n" for line in merges).encode(),
        }

    @cached_property
    def digest(self):
        """SHA-256, in hexadecimal, of `vocab.json` followed by `merges.txt`."""
        return hashlib.sha256(b"".join(self.files.values())).hexdigest()

    @property
    def vocab_size(self):
        return len(self.tokens)

    def encode(self, text, allow_special=False):
        """Token ids of a text. `<|endoftext|>` in it is plain text, or with `allow_special` the token `end_of_text`."""
        if not allow_special:
            return self.backend.encode(checked(text)).ids
        ids, *others = self.encode_batch(checked(text).split(END_OF_TEXT))
        for other in others:
            ids += [self.end_of_text, *other]
        return ids

    def encode_batch(self, texts):
        """The ids of each text, as `encode` gives them, on all cores."""
        require_several(texts)
        return [encoding.ids for encoding in self.backend.encode_batch([checked(text) for text in texts])]

    def decode(self, ids, skip_special=True):
        """The text of these ids; bytes that are not UTF-8, such as half a character, become U+FFFD.

        skip_special: leave `end_of_text` out, else it reads `<|endoftext|>`.
        """
        ids = [operator.index(id) for id in ids]
        for extreme in (min(ids), max(ids)) if ids else ():
            self.checked_id(extreme)
        if skip_special:
            ids = [id for id in ids if id != self.end_of_text]
        return self.backend.decode(ids)

    def token_bytes(self, id):
        """The bytes of one token, for streaming: a character may end in the next token. Of `end_of_text`: none."""
        return self._bytes[self.checked_id(id)]

    def checked_id(self, id):
        id = operator.index(id)
        known = f"this vocabulary has ids 0 to {self.vocab_size - 1}"
        require(0 <= id < self.vocab_size, f"token id {id} is unknown: {known}")
        return id


def checked(text):
    require_text(text)
    return text


def found(path, read):
    """What `read` finds in one of a tokenizer's files."""
    return parse(path, read, f"there is no tokenizer in {path.parent}: {path.name} is missing", f"; {CURE}")
