"""TinyGPT: build, train, sample and measure a small GPT on real text, on your own laptop.

A ladder, each file standing on those before it:
config, corpora, bpe, tokenizer, tokens, norm, attention, model, numpy_model, evaluation, baselines, sampling, optim,
bigrams, storage, checkpoint, logs, distributed, training, pipeline, report, plots, commands, cli.
"""
