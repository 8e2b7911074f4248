"""A method is a peer, or a preset of ipse: good; good:pilot is its pilot alone, good:network the network alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from bench.peers import PEERS
from bench.works import Work
from ipse.errors import OptionError, nearest
from ipse.settings import Preset, Settings

TASKS = {
    "poisson": "denoise",
    "camera": "denoise",
    "jpeg": "dejpeg",
    "real": "enhance",
    "mixed": "enhance",
    "blind": "deblur",
}
PARTS = ("pilot", "network")


@dataclass(frozen=True)
class Method:
    """Something that restores."""

    name: str

    @property
    def ours(self) -> bool:
        """Whether it is ipse."""
        return self.name not in PEERS

    @property
    def random(self) -> bool:
        """Whether its result hangs on a seed."""
        return self.ours or PEERS[self.name].random

    def fits(self, work: Work) -> bool:
        """Whether it can do this work at all."""
        return self.ours or TASKS.get(work.kind, work.kind) in PEERS[self.name].tasks

    def settings(self, seed: int) -> Settings:
        """What ipse is told."""
        preset, _, part = self.name.partition(":")
        return Settings(
            preset=preset,  # type: ignore[arg-type]  # Settings refuses what it does not know
            seed=seed,
            steps=0 if part == "pilot" else None,
            latent="noise" if part == "network" else None,
        )


def chosen(presets: str, peers: str, *, parts: bool = False) -> list[Method]:
    """The methods of two lists of names, joined by commas; "all" peers are those that are there, "none" is none.

    Raises:
        OptionError: a name is unknown, or the peer that it names is not installed.
    """
    ours = [name for name in presets.split(",") if name]
    for name in ours:
        if name not in get_args(Preset):
            raise OptionError(f"preset {name!r} is unknown: {nearest(name, get_args(Preset))}")
    if parts:
        ours = [each for name in ours for each in (*(f"{name}:{part}" for part in PARTS), name)]
    return [Method(name) for name in [*peers_of(peers), *ours]]


def peers_of(peers: str) -> Sequence[str]:
    """The names of the peers that were asked for."""
    if peers == "none":
        return []
    if peers == "all":
        return [name for name, peer in PEERS.items() if peer.lacking is None]
    names = peers.split(",")
    for name in names:
        if name not in PEERS:
            raise OptionError(f"peer {name!r} is unknown: {nearest(name, PEERS)}")
        if PEERS[name].lacking is not None:
            raise OptionError(f"peer {name!r} is not installed: {PEERS[name].lacking}")
    return names


def absent() -> dict[str, str]:
    """The peers that are not there, and how to get them."""
    return {name: peer.lacking for name, peer in PEERS.items() if peer.lacking is not None}
