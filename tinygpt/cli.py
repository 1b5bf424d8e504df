"""The command line: what can be asked for. What is then done stands in commands.py."""

import argparse
import os
import sys
from contextlib import suppress

from tinygpt.config import OPTIMIZERS, PRECISIONS, PRESETS, InputError
from tinygpt.share import FORMATS

FAILED, WRONG_CALL = 1, 2
OUT_OF_MEMORY = ("out of memory", "can't allocate memory")  # how torch says so
EPILOG = "Exit codes: 0 done, 1 the work failed, 2 the call was wrong."


class Parser(argparse.ArgumentParser):
    def error(self, message):
        if os.environ.get("TORCHELASTIC_RUN_ID") and os.environ["RANK"] != "0":
            self.exit(WRONG_CALL)  # the first process says the same
        self.exit(fail(WRONG_CALL, f"{message}; see: {self.prog} --help"))


def main(argv=None):
    """Do what the arguments say; returns the exit code."""
    open_streams()
    try:
        try:
            return work(argv)
        finally:
            sys.stdout.flush()  # now, while a full disk or a closed pipe can still be told
    except InputError as error:
        return fail(WRONG_CALL, error)
    except BrokenPipeError:
        return FAILED  # whoever read our output has closed it
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return fail(WRONG_CALL, f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        return fail(FAILED, "interrupted")
    except (MemoryError, RuntimeError) as error:
        from tinygpt.distributed import ProcessLost
        from tinygpt.trainer import TrainingDiverged

        if isinstance(error, ProcessLost):
            return fail(FAILED, f"{error}; mend what it says above, then go on with --resume")
        if isinstance(error, TrainingDiverged):
            advice = "the best weights so far are kept; start anew with lower learning rates"
            return fail(FAILED, f"{error}: training has diverged; {advice}")
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in OUT_OF_MEMORY):
            raise
        return fail(FAILED, "out of memory; choose a smaller model, --context-length or --batch-size")
    finally:
        close_broken_streams()


def work(argv):
    parser = make_parser()
    options, rest = parser.parse_known_args(argv)
    if options.command == "lab":
        options.jupyter = rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    # A thread that waits for the other should soon go to sleep: by default it spins so long that training is five
    # times slower as soon as another program wants a core. To be set before torch is loaded, hence no import above.
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")
    from tinygpt import commands

    return getattr(commands, options.command)(options) or 0


def open_streams():
    """Make sure that there is something to print to, and that no character stops us: some terminals lack most."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by our caller
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        if hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="backslashreplace")


def close_broken_streams():
    """Close what can't be written to any more; at its end Python would complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):
                stream.close()


def fail(code, error):
    print(f"tinygpt: {' '.join(str(error).split())}", file=sys.stderr)
    return code


def make_parser():
    parser = Parser(
        prog="tinygpt", description="Build, train, sample and measure a small GPT on your own laptop.", epilog=EPILOG
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)

    def command(name, text, *groups):
        sub = commands.add_parser(name, help=text, description=f"{text}.", epilog=EPILOG)
        for add_options in groups:
            add_options(sub)
        return sub

    command("run", "Corpus, tokenizer, a minute of training, figures and samples", corpus_options, training_options)

    corpus = command("corpus", "Write a corpus as one readable text file", corpus_options)
    corpus.add_argument("--to", default="data/clean_corpus.txt", metavar="FILE", help="default: %(default)s")
    corpus.add_argument("--force", action="store_true", help="replace the file when it is there")

    tokenizer = command("tokenizer", "Train a tokenizer on the training text of a corpus", corpus_options, vocab_option)
    tokenizer.add_argument("--out", required=True, metavar="DIR", help="where vocab.json and merges.txt go")
    tokenizer.add_argument("--force", action="store_true", help="replace a tokenizer that is there")

    command("train", "Train a model and keep it in a run folder", corpus_options, training_options)

    generate = command("generate", "Write text with a trained model", run_option, device_option)
    generate.add_argument("--prompt", default="", metavar="TEXT", help="how the text begins; default: a new document")
    generate.add_argument("--temperature", type=float, help="0 is greedy; default: 0.8")
    generate.add_argument("--top-k", type=int, help="keep the K likeliest tokens, 0 all; default: 0")
    generate.add_argument("--top-p", type=float, help="keep the likeliest tokens up to this probability; default: 0.95")
    generate.add_argument("--tokens", type=int, dest="max_tokens", metavar="N", help="at most; default: 200")
    generate.add_argument("--count", type=int, default=1, help="how many texts; default: 1")
    generate.add_argument("--seed", type=int, default=0, help="equal seeds write equal texts; default: 0")

    evaluate = command("evaluate", "Measure a trained model on held-out text", run_option, device_option)
    evaluate.add_argument("--split", default="validation", help="validation (default), test or train")
    evaluate.add_argument("--baselines", action="store_true", help="measure the baselines too")
    evaluate.add_argument("--json", action="store_true", help="print JSON")

    export = command("export", "Write a trained model for other tools", run_option)
    export.add_argument("--format", required=True, help=" or ".join(FORMATS))
    export.add_argument("--to", required=True, metavar="PATH", help="where to: a folder or a file that is new")
    export.add_argument("--weights", metavar="KIND", help="of a page: float16 (default), int8 (half as large), float32")

    demo = command("demo", "A page in the browser on which to write with a trained model", run_option)
    demo.add_argument("--port", type=int, metavar="P", help="on 127.0.0.1; default: the first from 7860 that is free")
    demo.add_argument("--no-browser", action="store_false", dest="browser", help="print the address, open nothing")

    lab = command("lab", "JupyterLab on your own copies of the lessons; further options go to jupyter lab")
    lab.add_argument("--fresh", nargs="+", default=(), metavar="NN", help="start these lessons again; keeps the old")

    command("info", "Versions, device, and the size of a corpus and its splits", corpus_options)
    return parser


def corpus_options(parser):
    parser.add_argument("--corpus", metavar="hpo|PATH|pubmed:QUERY", help="default: hpo, the built-in one")
    parser.add_argument("--documents", metavar="CUT", help="how plain text is cut: blank-lines, file or auto (default)")


def run_option(parser):
    parser.add_argument("--run", default="runs/default", metavar="DIR", help="the run folder; default: %(default)s")


def device_option(parser):
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or mps")


def vocab_option(parser):
    parser.add_argument("--vocab-size", type=int, metavar="V", help="default: 2048, or what the text supports")


def training_options(parser):
    parser.add_argument("--out", metavar="runs/NAME", help="default: runs/default, then runs/default-2, ...")
    go_on = parser.add_mutually_exclusive_group()
    go_on.add_argument("--resume", action="store_true", help="go on where the run stopped, with its own settings")
    go_on.add_argument("--force", action="store_true", help="replace a run that is there")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, metavar="M", help="turned into steps once; default: 1")
    length.add_argument("--steps", type=int, metavar="N")
    length.add_argument("--epochs", type=float, metavar="N")
    device_option(parser)
    settings = parser.add_argument_group("settings of the model and its training")
    settings.add_argument("--preset", help=f"{' or '.join(PRESETS)}; default: modern")
    vocab_option(settings)
    settings.add_argument("--tokenizer", metavar="DIR", help="use this tokenizer, do not train one")
    for name in ("context_length", "d_model", "n_heads", "n_layers"):
        settings.add_argument(f"--{name.replace('_', '-')}", type=int, metavar="N")
    settings.add_argument("--dropout", type=float, metavar="P")
    settings.add_argument("--batch-size", type=int, metavar="N")
    settings.add_argument("--optimizer", help=" or ".join(OPTIMIZERS))
    settings.add_argument("--precision", help=f"{', '.join(PRECISIONS)}; default: auto")
    for name in ("matrix_lr", "embedding_lr", "head_lr", "lr", "weight_decay", "clip"):
        settings.add_argument(f"--{name.replace('_', '-')}", type=float, metavar="X")
    settings.add_argument("--bigram-steps", type=int, metavar="N", help="of the head start; 0: none")
    settings.add_argument("--evaluations", type=int, metavar="N", help="how often to look up while training")
    settings.add_argument("--keep-epochs", action="store_true", default=None, help="keep the weights of every epoch")
    settings.add_argument("--seed", type=int, metavar="S")
