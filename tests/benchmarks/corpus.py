"""The built-in corpus, its tokenizer of 2,048 tokens and its token files, in memory: what every benchmark reads."""

from tinygpt.corpora import SPLITS, open_corpus
from tinygpt.tokenizer import Tokenizer
from tinygpt.tokens import token_file


def read_corpus():
    """The training texts, and the tokens of each split."""
    texts = {split: [document.text for document in open_corpus("hpo").split(split)] for split in SPLITS}
    tokenizer = Tokenizer.train(texts["train"])
    end = tokenizer.end_of_text
    return texts["train"], {split: token_file(texts[split], tokenizer.encode, end) for split in SPLITS}
