"""{y₁, y₂, …} ↦ {x*₁, x*₂, …}: restore many pictures, each from itself alone, on one machine or many.

    for record in ipse.batch.restore_many(["in/"], task="denoise", output="out/"):
        print(record.state, record.output)

Folders and globs are expanded to errands. An errand is one restoration from file to file, and gives one record in the
manifest. A second run restores what the first one did not finish.
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
    """Import names on first use (PEP 562), so that the command starts without loading PyTorch and Dask."""
    if name not in _HOME:
        raise AttributeError(f"module 'ipse.batch' has no attribute {name!r}")
    return getattr(import_module(f"ipse.batch.{_HOME[name]}"), name)
