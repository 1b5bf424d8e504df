"""Exercise decode_ids of lesson 01: the answer, what it is tried on, and what people get wrong."""

from tinygpt.course.judging import Exercise, Mistake

REPLACEMENT = "\ufffd"


def decode_ids(ids, vocab):
    return b"".join(vocab[id] for id in ids).decode("utf-8", errors="replace")


SMALL_VOCAB = [b"", b"a", b" b", b"\xc3", b"\xa9", b"\xf0\x9f", b"\x99\x82", b"\xff"]  # 3, 4: é; 5, 6: 🙂


def ids_to_decode():
    yield [1, 2], SMALL_VOCAB
    yield [3, 4], SMALL_VOCAB
    yield [1, 5, 6, 2], SMALL_VOCAB
    yield [1, 3], SMALL_VOCAB
    yield [7, 2], SMALL_VOCAB
    yield [4, 3, 5], SMALL_VOCAB
    yield [], SMALL_VOCAB
    yield [0, 1, 0], SMALL_VOCAB
    yield [2, 1, 2], SMALL_VOCAB


def look_at_text(got, expected, ids, vocab):
    if isinstance(got, bytes):
        return "Those are the bytes. One step is left: text, by .decode()."
    if not isinstance(got, str):
        return None if got is None else "Text is wanted, a str."
    if "\\x" in got:
        return "An undecodable byte is to be shown as U+FFFD, as errors='replace' does."
    if any("\ud800" <= character <= "\udfff" for character in got):
        return "That text holds half characters (lone surrogates) and can't even be printed. errors='replace' is safe."
    return None


DECODE_IDS = Exercise(
    name="decode_ids",
    reference=decode_ids,
    examples=ids_to_decode,
    explain=look_at_text,
    advice={"UnicodeDecodeError": "ids can end in half a character: tell decode what to do with it, errors=…"},
    hints=(
        "Collect the bytes of all tokens first; only then make text of them.",
        "b''.join(...) glues bytes together, .decode('utf-8', errors=...) makes text. Python's documentation of "
        "bytes.decode lists what errors can be.",
        "return b''.join(vocab[id] for id in ids).decode('utf-8', errors='replace')",
    ),
    mistakes=(
        Mistake(
            "You decoded each token by itself. A character may begin in one token and end in the next: glue the bytes "
            "together first, decode once.",
            lambda ids, vocab: "".join(vocab[id].decode(errors="replace") for id in ids),
        ),
        Mistake(
            "errors='ignore' drops broken bytes without a trace. Use 'replace', so that the damage can be seen.",
            lambda ids, vocab: b"".join(vocab[id] for id in ids).decode(errors="ignore"),
        ),
        Mistake(
            "One broken byte, and all of the text became U+FFFD. Only what is broken does: errors='replace'.",
            lambda ids, vocab: all_or_nothing(b"".join(vocab[id] for id in ids)),
        ),
        Mistake(
            "You decoded each token by itself and dropped what failed; a character may reach over two tokens. Glue the "
            "bytes first.",
            lambda ids, vocab: "".join(vocab[id].decode(errors="ignore") for id in ids),
        ),
        Mistake(
            "Latin-1 makes a character of every byte, so é, two bytes in UTF-8, becomes two. The text is UTF-8.",
            lambda ids, vocab: b"".join(vocab[id] for id in ids).decode("latin-1"),
        ),
        Mistake(
            "There are spaces between the tokens that nobody wrote: a token brings its own space along.",
            lambda ids, vocab: b" ".join(vocab[id] for id in ids).decode(errors="replace"),
        ),
        Mistake(
            "Broken bytes are marked with ?, which is a character that people write. errors='replace' in .decode gives "
            "U+FFFD.",
            lambda ids, vocab: decode_ids(ids, vocab).replace(REPLACEMENT, "?"),
        ),
        Mistake(
            "str() of bytes is how Python would write them in code, b'…'. Use .decode.",
            lambda ids, vocab: str(b"".join(vocab[id] for id in ids)),
        ),
    ),
)


def all_or_nothing(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return REPLACEMENT
