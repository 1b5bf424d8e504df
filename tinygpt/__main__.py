"""`python -m tinygpt` is `tinygpt`; torchrun starts it so."""

import os
import sys

from tinygpt.cli import main

code = main()
if "TORCHELASTIC_RUN_ID" in os.environ:
    # At once, all being written: gloo's threads may let go of what they sent later than Python ends, which aborts a
    # process whose work is done; see github.com/pytorch/pytorch/pull/179291.
    os._exit(code)
sys.exit(code)
