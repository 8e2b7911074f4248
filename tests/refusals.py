"""What the tests of files share: two pictures, and a refusal in one line that names what it refuses."""

import numpy as np
import pytest

from ipse.errors import IpseError
from ipse.pictures import from_array

PICTURE = from_array((np.add.outer(np.arange(60), np.arange(80)) % 251).astype(np.uint8))
RGB = from_array(np.random.default_rng(3).integers(0, 255, (60, 80, 3), dtype=np.uint8))


def refused(error: type[IpseError], name: object, *words: str) -> pytest.RaisesExc[IpseError]:
    def one_line(caught: IpseError) -> bool:
        text = str(caught)
        return "\n" not in text and str(name) in text and all(word in text for word in words)

    return pytest.RaisesExc(error, check=one_line)
