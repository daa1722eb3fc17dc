"""`python -m gridgov` is the command line."""

import sys

from gridgov.cli import main

sys.exit(main())
