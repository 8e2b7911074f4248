"""Peers that fit a network; PyTorch is imported where they run, so that its memory is theirs alone."""

from bench.cases import Array, Case


def zs_n2n(case: Case, seed: int) -> Array:
    """Zero-Shot Noise2Noise; it needs no noise level."""
    from bench.peers import zs_n2n as own

    return own.restore(case.damaged, seed=seed)


def deepinv_dip(case: Case, seed: int) -> Array:
    """deepinv's DeepImagePrior, as its documentation runs it."""
    from bench.peers import deepinv_dip as own

    return own.restore(case.damaged, known=case.options.get("mask"), seed=seed)
