"""Where models go: what else can open a trained run."""
