"""Import PyTorch without garbage collection, since its half a million objects stay alive anyway."""

import atexit
import gc
import sys
from importlib import import_module


def load() -> None:
    """Import PyTorch, in two thirds of the usual time."""
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
    atexit.register(gc.freeze)  # otherwise Python collects all of it at exit
