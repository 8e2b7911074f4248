"""``python -m ipse`` is the command."""

import sys

from ipse.cli import main

sys.exit(main())
