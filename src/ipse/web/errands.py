"""Short pieces of work on pictures, in a process of their own: weigh, check, look, mask, plan, pick."""

import io
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ipse import tasks
from ipse.errors import PictureError
from ipse.pictures import FORMATS, Metadata, Picture, encode, from_array, read, read_mask, write_bytes
from ipse.pictures.mask import stored
from ipse.pictures.metadata import oriented
from ipse.runs.describe import about_damage, about_file
from ipse.runs.receipt import Receipt, beside, sha256
from ipse.runs.report import pixels_sha256
from ipse.runs.snapshots import SUFFIX, Trajectory
from ipse.runs.trial import crop, hole
from ipse.settings import Settings
from ipse.web.channel import Channel
from ipse.web.hostile import check_single, weighed
from ipse.web.pieces import cropped
from ipse.web.places import STORED, VIEW
from ipse.web.views import UPRIGHT, upright_size, view

LOOK = 3 << 20  # samples of the middle in which noise is looked for: 1024² pixels of RGB
SUFFIXES = {form.name: form.suffixes[0] for form in FORMATS}


def weigh(order: dict[str, Any], channel: Channel) -> None:
    """Say how many bytes an upload has decoded; refuse by its header what is made to harm."""
    path = Path(order["path"])
    check_single(path, order["name"])
    channel.send("done", weight=weighed(path, order["name"]))


def look(order: dict[str, Any], channel: Channel) -> None:
    """Read an upload; give it the name of its format; say what it is, then what is wrong with it."""
    folder, path = Path(order["folder"]), Path(order["path"])
    picture = read(_Named(path.read_bytes(), order["name"]))
    place = folder / f"{STORED}{SUFFIXES.get(picture.format or '', '.png')}"
    path.replace(place)
    write_bytes(folder / VIEW, view(picture), overwrite=True)
    height, width = upright_size(picture)
    about = about_file(picture) | {"width": width, "height": height}
    channel.send("read", file=place.name, about=about)
    side = max(64, int((LOOK / picture.channels) ** 0.5))
    channel.send("done", found=about_damage(crop(picture, side)))


class _Named(io.BytesIO):
    """A file that errors call by what the user calls it."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def mask(order: dict[str, Any], channel: Channel) -> None:
    """Turn what was painted, or a mask from elsewhere, into the mask of a picture: white is what to fill.

    A painted mask is of the upright view, in any size; the file that is written is of the stored pixels.
    """
    picture, folder = read(Path(order["picture"])), Path(order["folder"])
    path = Path(order["path"])
    if order["painted"]:
        holes, said = painted(read(path), picture), "white marks the pixels to fill, as painted"
    else:
        found = read_mask(path, picture, polarity=order["polarity"])
        holes, said = ~found.known, found.said
    made = from_array(np.where(holes, np.uint8(255), np.uint8(0)), name="the mask")
    made = replace(
        made, metadata=Metadata(exif=oriented(picture.orientation))
    )  # it lies as the picture is stored
    place = folder / f"{STORED}.png"
    write_bytes(place, encode(made, format="PNG"), overwrite=True)
    image = Image.fromarray(np.asarray(made.samples))
    if picture.orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[picture.orientation])
    image.save(folder / VIEW, "PNG", compress_level=1)
    channel.send("done", file=place.name, said=said, share=float(holes.mean()))


def painted(drawn: Picture, picture: Picture) -> NDArray[np.bool_]:
    """Return what was painted, (H, W) of the stored pixels: enlarged to the picture, then turned as it is stored."""
    height, width = upright_size(picture)
    plane = Image.fromarray(drawn.pixels.mean(axis=0)).resize((width, height), Image.Resampling.BILINEAR)
    values = stored(np.asarray(plane, np.float32), picture.orientation)
    if values.shape != picture.size:
        raise PictureError(f"the mask has shape {values.shape}, the picture {picture.size}: paint it again")
    return np.ascontiguousarray(values >= 0.5)


def plan(order: dict[str, Any], channel: Channel) -> None:
    """Say what a job would take."""
    from ipse.runs.plan import plan as measured

    picture, settings = read(Path(order["source"])), Settings(**order["settings"])
    options = {
        key: Path(value["file"]) if isinstance(value, dict) else value
        for key, value in order["options"].items()
    }
    needed = any(one.required and one.name == "mask" for one in tasks.options(order["task"]))
    if needed and "mask" not in options:  # it is still to be painted
        options = {key: value for key, value in options.items() if key != "polarity"}
        options["mask"] = hole(picture)
    if order["region"] is not None:
        picture, options = cropped(picture, tuple(order["region"]), order["task"], settings, options)
        settings = replace(settings, tile=0)
    made = measured(picture, order["task"], settings, options)
    channel.send("done", plan=asdict(made) | {"fits": made.fits})


def pick(order: dict[str, Any], channel: Channel) -> None:
    """Write another point of a trajectory as a file like the result, with a receipt that says which."""
    result, target = Path(order["result"]), Path(order["target"])
    points = Trajectory.read(result.with_name(result.name + SUFFIX))
    original = read(Path(order["source"]))
    made = original.like(points.pixels(order["step"]), keep=points.keep)
    form = read(result).format or "PNG"
    data = encode(made, format=form)
    said = replace(
        Receipt.from_json(beside(result).read_bytes()),
        strength=points.strength_of(order["step"]),
        step=0 if points.mixed else order["step"],
        score=None,
        output=str(target.absolute()),
        output_sha256=sha256(data),
        pixels_sha256=pixels_sha256(made),
    )
    write_bytes(beside(target), said.to_json().encode(), overwrite=True)
    write_bytes(target, data, overwrite=True)
    channel.send("done")
