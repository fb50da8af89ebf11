"""`python -m workflows.cli`: the same as `headway`."""

import sys

from workflows.cli import main

sys.exit(main())
