"""seconds ≈ K · t + t₀: K tiles that miss anything, or all there are, and a fit of the whole made small."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ipse.pictures import Known
from ipse.pictures.large import Source
from ipse.pictures.large.mask import busiest, missing_in, tiles_with
from ipse.pictures.tiling import count, enlargement
from ipse.runs.job import Job
from ipse.runs.plan import SIDE, Plan, fits_the_whole, plan


def plan_in_windows(job: Job, source: Source, told: Mapping[str, Any], *, side: int) -> Plan:
    """Measure a tile, the one of which most is missing where a mask lies over the picture.

    Args:
        job: what is to be done.
        source: its picture.
        told: its options; what lies over the picture is settled.
        side: of a tile.
    """
    from ipse.streams.tiles import options_within

    size = source.size
    place, fitted = _planned(size, told, side)
    picture, options = source.crop(*place), options_within(told, size, *place)
    made = plan(picture, job.task, job.settings, options)
    seconds = made.seconds * fitted
    if fits_the_whole(job.task, told):
        deep = options | {"mask": np.ones(picture.size, np.bool_)}  # of which a plan takes a hole
        seconds += plan(picture, job.task, job.settings, deep).seconds
    band = 4 * source.channels * side * size[1] * enlargement(told) ** 2
    return replace(
        made,
        size=size,
        tiles=count(size, tile=side, factor=enlargement(told)),
        seconds=round(min(seconds, job.settings.seconds or float("inf")), 3),
        memory=made.memory + 2 * band,
    )


def _planned(size: tuple[int, int], told: Mapping[str, Any], side: int) -> tuple[tuple[slice, slice], int]:
    """The place of the tile that is measured, and how many are fitted."""
    known = told.get("mask")
    if not isinstance(known, Known):
        first = slice(0, min(side, size[0])), slice(0, min(side, size[1]))
        return first, count(size, tile=side, factor=enlargement(told))
    missing = missing_in(known)
    return busiest(missing, size, side, min(side, SIDE)), tiles_with(missing, size, side)
