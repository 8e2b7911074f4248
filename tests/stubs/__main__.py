import sys

import stubs

stubs.install()

from ipse.cli import main  # noqa: E402

sys.exit(main())
