"""What a tokenizer can learn from and how much: the same demands of bpe.py and of the library's."""

from tinygpt.config import InputError, require, require_whole

N_BASE = 257  # tokens before the first merge: the end of text and the bytes


def require_text(text):
    """Raise InputError unless `text` is a str that UTF-8 can write."""
    require(isinstance(text, str), f"text must be a str, not {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        found = f"half a character, U+{ord(text[error.start]):04X} (a lone surrogate), at position {error.start}"
        mend = "text.encode('utf-8', 'replace').decode() puts ? in its place"
        raise InputError(f"the text holds {found}, which UTF-8 cannot write; {mend}") from None


def require_several(texts):
    require(not isinstance(texts, str | bytes), "texts must be several texts; put a single one into a list: [text]")


def require_vocab_size(vocab_size, min_frequency):
    require_whole(vocab_size=vocab_size, min_frequency=min_frequency)
    need = f"the 256 bytes and the end of text alone are {N_BASE} tokens"
    require(vocab_size >= N_BASE, f"vocab_size={vocab_size} is too small: {need}; the course uses 2048")


def require_full(found, vocab_size, min_frequency):
    """Raise InputError where the pairs ran out at `found` tokens."""
    cause = f"no further pair occurs min_frequency={min_frequency} times"
    cure = f"ask for {found} or fewer, or bring more text"
    require(found == vocab_size, f"vocab_size={vocab_size}, but this text supports {found} tokens: {cause}; {cure}")
