"""{y₁, y₂, …} ↦ {x*₁, x*₂, …}: many pictures, each restored from itself alone, on one machine or on many.

    for record in ipse.batch.restore_many(["in/"], task="denoise", output="out/"):
        print(record.state, record.output)

Folders and globs become errands; an errand is one fit, from file to file, and ends in one record of the manifest.
A second run finishes what the first has left.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipse.batch.blocks import restore_blocks
    from ipse.batch.errands import Errand
    from ipse.batch.many import restore_many
    from ipse.batch.records import Manifest, Record

__all__ = ["Errand", "Manifest", "Record", "restore_blocks", "restore_many"]

_HOME = {
    "Errand": "errands",
    "Manifest": "records",
    "Record": "records",
    "restore_blocks": "blocks",
    "restore_many": "many",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for (PEP 562): the command answers before PyTorch and Dask are there."""
    if name not in _HOME:
        raise AttributeError(f"module 'ipse.batch' has no attribute {name!r}")
    return getattr(import_module(f"ipse.batch.{_HOME[name]}"), name)
