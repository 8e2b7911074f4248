"""A peer, as data: what it does, on which tasks, and what it needs."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pkgutil import resolve_name

from bench.cases import Array, Case

SOURCES = {"bm3d": "bm3d (its licence is non-commercial)", "pywt": "PyWavelets"}


@dataclass(frozen=True)
class Peer:
    """A method that is not ours."""

    restore: Callable[[Case, int], Array]
    tasks: tuple[str, ...] = ("denoise", "dejpeg")
    needs: tuple[str, ...] = ()  #: "module" or "module:name", imported before the clock starts
    random: bool = False  #: whether its result hangs on a seed

    @property
    def lacking(self) -> str | None:
        """What to install before it can run; None where it can."""
        for need in self.needs:
            top = need.replace(":", ".").partition(".")[0]
            if find_spec(top) is None:
                return f"pip install {SOURCES.get(top, top)}"
        return None

    def load(self) -> None:
        """Import what it needs; names too, for scikit-image imports a module when its name is first used."""
        for need in self.needs:
            resolve_name(need)
