"""Where a model goes when it leaves: other people's tools, and people."""
