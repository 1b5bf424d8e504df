"""A page on which visitors write with a model, by Gradio, on this machine only.

Every visitor's text is written by a decoder and drawn by a generator of its own; the weights are shared.
"""

import os
import reprlib
import time
from contextlib import contextmanager, suppress

import torch

from tinygpt.config import InputError, SampleConfig, require
from tinygpt.sampling import generate_ids, make_decoder, prompt_ids
from tinygpt.share.shown import CSS, MOST_BITS, Coloured, bars, escape, surprise_bits, tail_of

HOST = "127.0.0.1"
LONGEST_PROMPT = 10_000  # characters
RANGES = {  # smallest, largest, step
    "temperature": (0, 2, 0.05),
    "top_k": (0, 200, 1),
    "top_p": (0.01, 1, 0.01),
    "length": (1, 1000, 1),
    "seed": (0, 2**53 - 1, 1),  # what a browser's numbers count to
}
AT_ONCE, WAITING = 8, 64  # texts that are written at the same time; requests that may wait, the next is turned away
N_EXAMPLES = 4
STATUS = (
    '<div class="tinygpt"><p role="status">${value}</p><p>Surprise of a token: 0 <span class="scale"></span> '
    f"{MOST_BITS} bits and more. Rest on a token to read its own.</p></div>"
)
WARNING = "<strong>The model invents medicine.</strong> Its text is never for medical use."
# Said before Gradio is imported: nothing is told to anybody, nor kept about visitors.
QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "100",  # kept in memory, each with its time
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9),  # summed up after so many of them
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}


class Watched:
    """A decoder that remembers its latest scores."""

    def __init__(self, decoder):
        self.decoder, self.config, self.logits = decoder, decoder.config, None

    @property
    def length(self):
        return self.decoder.length

    def forget(self):
        self.decoder.forget()

    def __call__(self, ids):
        self.logits = torch.as_tensor(self.decoder(ids))  # (V,)
        return self.logits


class Writer:
    """What the page asks of a model; any number of visitors at once."""

    def __init__(self, model, tokenizer):
        self.model, self.tokenizer = model, tokenizer

    def write(self, prompt, temperature, top_k, top_p, length, seed):
        """A text as it grows: (coloured page, its end and the scores of what follows, status), a token at a time."""
        config = settings(temperature, top_k, top_p, length)
        generator = torch.Generator().manual_seed(number("seed", seed))
        ids = self.read(prompt)
        decoder = Watched(make_decoder(self.model))
        tokens = generate_ids(decoder, ids, config, self.tokenizer.end_of_text, generator)
        text = Coloured(self.tokenizer, prompt)
        for token in tokens:
            # A token is drawn from the scores that follow what was shown before.
            yield text.page, (tail_of(text.text), decoder.logits), "Writing …"
            text.add(token, surprise_bits(decoder.logits, token))
        text.end()
        yield text.page, (tail_of(text.text), decoder.logits), self.summary(text, config, len(ids))

    def summary(self, text, config, n_prompt):
        end = "" if text.n_tokens == config.max_tokens else " The model ended the text."
        context = self.model.config.context_length
        unread = f" Of the prompt's {n_prompt:,} tokens it read the last {context}." if n_prompt > context else ""
        mean = f", {text.bits / text.n_tokens:.1f} bits of surprise each" if text.n_tokens else ""
        return f"{text.n_tokens:,} tokens{mean}.{end}{unread}"

    def after(self, prompt):
        """The end of a prompt, and the scores of what follows it."""
        ids = self.read(prompt)[-self.model.config.context_length :]
        return tail_of(prompt), torch.as_tensor(make_decoder(self.model)(ids))

    def read(self, prompt):
        require(isinstance(prompt, str), "a prompt is text")
        advice = f"a prompt has at most {LONGEST_PROMPT:,}: shorten it"
        require(len(prompt) <= LONGEST_PROMPT, f"These are {len(prompt):,} characters; {advice}")
        return prompt_ids(self.tokenizer, prompt)

    def bars(self, place, temperature, top_k, top_p):
        """The next-token distribution at a place, as the settings leave it."""
        return bars(self.tokenizer, *place, settings(temperature, top_k, top_p))


def settings(temperature, top_k, top_p, length=1):
    return SampleConfig(
        number("temperature", temperature),
        number("top_k", top_k),
        number("top_p", top_p),
        number("length", length),
    )


def number(name, value):
    """A setting as it came over the wire, checked."""
    low, high, step = RANGES[name]
    whole = step == 1
    fits = isinstance(value, int | float) and low <= value <= high and (not whole or value == int(value))
    kind = "whole number" if whole else "number"
    require(fits, f"{name} = {reprlib.repr(value)} is no {kind} from {low} to {high}")
    return int(value) if whole else float(value)


def serve(run, port=None, browser=True, say=print):
    """Show the page until Ctrl-C; without a port, on the first from 7860 on that is free."""
    require(port is None or 0 < port < 2**16, f"port={port} is outside [1, 65535]")
    page = make_page(run)
    try:
        say(launch(page, port, browser))
        while page.is_running:
            time.sleep(0.1)
    except KeyboardInterrupt:
        pass  # the way to end it
    finally:
        page.close(verbose=False)


def launch(page, port=None, browser=False):
    """Start to serve the page in threads of this process; returns its address."""
    import gradio as gr

    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(filter(None, [os.environ.get("NO_PROXY"), HOST]))
    theme = gr.themes.Default(
        primary_hue="blue", font=("system-ui", "sans-serif"), font_mono=("ui-monospace", "monospace")
    ).set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        **dict.fromkeys(
            ("body_text_color_subdued", "block_label_text_color", "block_title_text_color"), "*neutral_700"
        ),
        **dict.fromkeys(("body_text_color_subdued_dark", "block_label_text_color_dark"), "*neutral_300"),
    )
    try:
        _, address, _ = page.launch(
            server_name=HOST,
            server_port=port,
            inbrowser=browser,
            share=False,
            prevent_thread_lock=True,
            quiet=True,
            footer_links=[],
            max_file_size="1kb",  # there is nothing to upload
            state_session_capacity=100,
            enable_monitoring=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            theme=theme,
            css=CSS,
        )
    except OSError:
        which = f"port {port} is taken" if port else "no port from 7860 on is free"
        raise InputError(f"{which}; choose another --port") from None
    return address


def make_page(run):
    """The page of a run's model, not served yet."""
    os.environ.update(QUIET)
    try:
        import gradio as gr
    except ImportError:
        raise InputError('the demo needs Gradio: python -m pip install "tinygpt[share]"') from None

    writer, prompts, default = Writer(run.model(), run.tokenizer()), examples(run), SampleConfig()
    first = prompts[0] if prompts else ""
    place = writer.after(first)

    @contextmanager
    def told():
        """What is wrong with a request is one line, for a visitor as for a program."""
        try:
            yield
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def write(prompt, temperature, top_k, top_p, length, seed):
        with told():
            for text, place, status in writer.write(prompt, temperature, top_k, top_p, length, seed):
                yield text, status, writer.bars(place, temperature, top_k, top_p), place

    def read(prompt, *sliders):
        with told():
            place = writer.after(prompt)
            return writer.bars(place, *sliders), place

    def look(place, *sliders):
        with told():
            return writer.bars(place, *sliders)

    def block(value, **more):
        return gr.HTML(value, apply_default_css=False, container=True, padding=True, **more)

    def slider(name, label, value=None):
        low, high, step = RANGES[name]
        return gr.Slider(low, high, getattr(default, name) if value is None else value, step=step, label=label)

    with gr.Blocks(title="TinyGPT", analytics_enabled=False) as page:
        gr.HTML(heading(run))
        with gr.Row():
            with gr.Column(scale=3):
                prompt = gr.Textbox(first, label="How the text begins", lines=1, max_lines=6, autofocus=True)
                if prompts:
                    gr.Examples([[example] for example in prompts], prompt, label="For example", cache_examples=False)
                with gr.Row():
                    go, stop = gr.Button("Write", variant="primary", min_width=100), gr.Button("Stop", min_width=100)
                written = block(Coloured(writer.tokenizer, first).page)
                status = gr.HTML("", html_template=STATUS)
            with gr.Column(scale=2):
                at = gr.State(place)
                following = block(writer.bars(place, default.temperature, default.top_k, default.top_p))
                with gr.Group():
                    temperature = slider("temperature", "Temperature (0: greedy)")
                    top_k = slider("top_k", "Top-k: the likeliest tokens (0: all)")
                    top_p = slider("top_p", "Top-p: their probability (1: all)")
                    length = slider("length", "Length: tokens at most", default.max_tokens)
                    seed = gr.Number(0, label="Seed (the same writes the same)", precision=0)
        sliders = [temperature, top_k, top_p]
        raw = {"preprocess": False, "show_progress": "hidden"}  # we check ourselves what came over the wire
        often = {**raw, "trigger_mode": "always_last"}
        writing = gr.on(
            [go.click, prompt.submit],
            write,
            [prompt, *sliders, length, seed],
            [written, status, following, at],
            api_name="write",
            **raw,
        )
        stop.click(lambda: "Stopped.", None, status, cancels=writing, show_progress="hidden", api_visibility="private")
        prompt.change(read, [prompt, *sliders], [following, at], api_name="next_token", **often)
        gr.on([slider.change for slider in sliders], look, [at, *sliders], following, api_visibility="private", **often)
    return page.queue(max_size=WAITING, default_concurrency_limit=AT_ONCE)


def heading(run):
    model, corpus = run.model_config, run.config["corpus"]
    about = " ".join(filter(None, (corpus["source"], corpus["version"])))
    return (
        f'<div class="tinygpt"><h1>TinyGPT</h1><p>{escape(run.folder.name)}: '
        f"{model.n_layers} layers, width {model.d_model}, "
        f"vocabulary {model.vocab_size:,}; trained on {escape(about)}.</p>"
        f'<p class="warning" role="note">{WARNING}</p></div>'
    )


def examples(run):
    """How documents begin that the model has not seen."""
    found = {}
    with suppress(InputError):  # a run folder that was passed on without its corpus
        texts, tokenizer = run.tokens()["validation"], run.tokenizer()
        for i in range(0, texts.n_documents, max(1, texts.n_documents // N_EXAMPLES)):
            begin = texts.starts[i] + 1
            line = tokenizer.decode(texts.ids[begin : min(begin + 20, texts.ends[i])].tolist()).partition("\n")[0]
            found[" ".join(line.split()[:3])] = None
    return [text for text in found if text][:N_EXAMPLES]
