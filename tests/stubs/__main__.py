import sys

import stubs

stubs.install()

from ipse.cli import main  # noqa: E402 - the stub task must be there first

sys.exit(main())
