"""`python -m tinygpt` is `tinygpt`."""

import sys

from tinygpt.cli import main

sys.exit(main())
