"""A page on which visitors write with a model, by Gradio, on this machine only.

It asks nothing of the network: neither the page nor the server speaks to anything but 127.0.0.1.
"""

import logging
import os
import time
from contextlib import contextmanager, suppress

from tinygpt.config import InputError, SampleConfig, require
from tinygpt.share.shown import CSS, MOST_BITS, Coloured, escape
from tinygpt.share.target import require_extra
from tinygpt.share.writer import RANGES, Writer

HOST = "127.0.0.1"
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
}


def serve(run, port=None, browser=True):
    """Show the page until Ctrl-C; without a port, on the first from 7860 on that is free."""
    require(port is None or 0 < port < 2**16, f"port={port} is outside [1, 65535]")
    page = make_page(run)
    try:
        print(f"The demo is at {launch(page, port, browser)} (Ctrl-C ends it)", flush=True)
        while page.is_running:
            time.sleep(0.1)
    except KeyboardInterrupt:
        pass  # the way to end it
    finally:
        if page.is_running:
            page.server.force_exit = True  # uvicorn would wait for every page that is open,
            logging.getLogger("uvicorn.error").disabled = True  # and tell of each that it did not wait
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
    require_extra("gradio")
    import gradio as gr

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
        said = None
        with told():
            for text, place, status in writer.write(prompt, temperature, top_k, top_p, length, seed):
                # Said once: it would be said again over the word that the page itself says when it stops.
                said, news = status, gr.skip() if status == said else status
                yield text, news, writer.bars(place, temperature, top_k, top_p), place

    def read(prompt, *sliders):
        with told():
            place = writer.after(prompt)
            return writer.bars(place, *sliders), place

    def look(place, *sliders):
        with told():
            return writer.bars(place, *sliders)

    def block(value):
        return gr.HTML(value, apply_default_css=False, container=True, padding=True)

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
        # Said by the page itself: what the server would answer is cut off together with the text.
        stop.click(None, cancels=writing).then(None, None, status, js="() => 'Stopped.'")
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
