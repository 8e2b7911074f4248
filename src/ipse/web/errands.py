"""Short tasks that run in a worker process: measure, check, analyse, make a mask, plan, pick."""

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
from ipse.pictures.views import UPRIGHT, upright_size
from ipse.runs.describe import about_damage, about_file
from ipse.runs.receipt import Receipt, beside, sha256
from ipse.runs.report import pixels_sha256
from ipse.runs.snapshots import SUFFIX, Trajectory
from ipse.runs.trial import crop, hole
from ipse.settings import Settings
from ipse.web.channel import Channel
from ipse.web.form import EITHER
from ipse.web.hostile import check_single, weighed
from ipse.web.kernels import as_picture
from ipse.web.pieces import cropped
from ipse.web.places import STORED, THUMB, VIEW
from ipse.web.views import THUMB_SIDE, write_views

LOOK = 3 << 16  # number of samples from the middle that are analysed for noise: 256² pixels of RGB
SUFFIXES = {form.name: form.suffixes[0] for form in FORMATS}


def weigh(order: dict[str, Any], channel: Channel) -> None:
    """Return the decoded size of an upload in bytes; reject malicious files by their headers."""
    path = Path(order["path"])
    check_single(path, order["name"])
    channel.send("done", weight=weighed(path, order["name"]))


def look(order: dict[str, Any], channel: Channel) -> None:
    """Read an upload and rename it by its format; report what it is and what damage was found, then draw its views."""
    folder, path = Path(order["folder"]), Path(order["path"])
    uploaded = path.read_bytes()
    data = as_picture(uploaded, order["name"])
    picture = read(_Named(data, order["name"]))
    if data is not uploaded:
        write_bytes(path, data, overwrite=True)
    place = folder / f"{STORED}{SUFFIXES.get(picture.format or '', '.png')}"
    path.replace(place)
    side = max(64, int((LOOK / picture.channels) ** 0.5))
    # decodes it, so that what cannot be decoded is refused; a JPEG's coefficients take longer to read than its pixels
    middle = crop(replace(picture, jpeg=None), side)
    height, width = upright_size(picture)
    about = about_file(picture) | {"width": width, "height": height}
    channel.send("read", file=place.name, about=about)
    channel.send("found", found=about_damage(picture, middle))
    write_views(folder, picture)
    channel.send("done")


class _Named(io.BytesIO):
    """Read a file; error messages use the user's name for it."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def mask(order: dict[str, Any], channel: Channel) -> None:
    """Convert a painted or uploaded mask to the mask of a picture, in which white marks the pixels to fill.

    A painted mask refers to the upright view, in any size; the file that is written refers to the stored pixels.
    """
    picture, folder = read(Path(order["picture"])), Path(order["folder"])
    path = Path(order["path"])
    if order["painted"]:
        holes, said = painted(read(path), picture), "white marks the pixels to fill, as painted"
    else:
        found = read_mask(path, picture, polarity=order["polarity"])
        holes, said = ~found.known, found.said
    write_mask(holes, said, picture, folder, channel)


def search(order: dict[str, Any], channel: Channel) -> None:
    """Find scratches or dust in a picture, as ``inpaint --find`` does, and write them as its mask."""
    from ipse.noise.damage import find

    picture = read(Path(order["picture"]))
    holes = find(picture.pixels, order["what"])
    if not holes.any():
        channel.send("done", file=None)
        return
    said = f"{order['what']} found: {100 * float(holes.mean()):.2g} % of the picture"
    write_mask(holes, said, picture, Path(order["folder"]), channel)


def write_mask(holes: NDArray[np.bool_], said: str, picture: Picture, folder: Path, channel: Channel) -> None:
    """Write a mask (H, W) of a picture, and its views, and report it."""
    made = from_array(np.where(holes, np.uint8(255), np.uint8(0)), name="the mask")
    made = replace(
        made, metadata=Metadata(exif=oriented(picture.orientation))
    )  # in the orientation of the stored picture
    place = folder / f"{STORED}.png"
    write_bytes(place, encode(made, format="PNG"), overwrite=True)
    image = Image.fromarray(np.asarray(made.samples))
    if picture.orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[picture.orientation])
    image.save(folder / VIEW, "PNG", compress_level=1)
    image.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.BOX)
    image.save(folder / THUMB, "PNG", compress_level=1)
    channel.send("done", file=place.name, said=said, share=float(holes.mean()))


def painted(drawn: Picture, picture: Picture) -> NDArray[np.bool_]:
    """Return the painted mask (H, W), resized to the picture and rotated to the orientation of the stored pixels."""
    height, width = upright_size(picture)
    plane = Image.fromarray(drawn.pixels.mean(axis=0)).resize((width, height), Image.Resampling.BILINEAR)
    values = stored(np.asarray(plane, np.float32), picture.orientation)
    if values.shape != picture.size:
        raise PictureError(f"the mask has shape {values.shape}, the picture {picture.size}: paint it again")
    return np.ascontiguousarray(values >= 0.5)


def plan(order: dict[str, Any], channel: Channel) -> None:
    """Report the time and memory that a job would take."""
    from ipse.runs.plan import plan as measured

    picture, settings = read(Path(order["source"])), Settings(**order["settings"])
    options = {
        key: Path(value["file"]) if isinstance(value, dict) else value
        for key, value in order["options"].items()
    }
    own = {one.name for one in tasks.options(order["task"])}
    if own >= EITHER and not EITHER & options.keys():  # the mask has not been painted yet
        options = {key: value for key, value in options.items() if key != "polarity"}
        options["mask"] = hole(picture)
    if order["region"] is not None:
        picture, options = cropped(picture, tuple(order["region"]), order["task"], settings, options)
        settings = replace(settings, tile=0)
    made = measured(picture, order["task"], settings, options)
    channel.send("done", plan=asdict(made) | {"fits": made.fits})


def pick(order: dict[str, Any], channel: Channel) -> None:
    """Write another point of a trajectory in the result's format, with a receipt."""
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
