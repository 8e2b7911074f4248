"""PyTorch, loaded once: the half a million objects of it stay, and are no garbage to look for."""

import atexit
import gc
import sys
from importlib import import_module


def load() -> None:
    """Import PyTorch, in two thirds of the time that it takes by itself."""
    if "torch" in sys.modules:
        return
    looked = gc.isenabled()
    gc.disable()
    try:
        import_module("torch")
    finally:
        if looked:
            gc.enable()
    gc.freeze()
    atexit.register(gc.freeze)  # else Python looks through all of it once more on its way out
