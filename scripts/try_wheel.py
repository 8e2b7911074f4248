"""Try an installed wheel: it has every file of the source, and its command restores a picture.

python scripts/try_wheel.py WHEEL      with the Python of the environment in which it is installed
"""

import json
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

import ipse

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "ipse"


def missing(wheel: Path) -> set[str]:
    """Files of the source that the wheel lacks."""
    there = {name.removeprefix("ipse/") for name in zipfile.ZipFile(wheel).namelist()}
    source = (path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(SOURCE).as_posix() for path in source} - there


def run(*words: str, folder: Path) -> str:
    """What the installed command prints."""
    command = [str(Path(sys.executable).parent / "ipse"), *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def restored(folder: Path) -> float:
    """Restore a noisy square in ``folder``; the share of the squared error that is left."""
    clean = np.full((48, 48), 96.0)
    clean[12:36, 12:36] = 160
    noisy = clean + np.random.default_rng(0).normal(0, 20, clean.shape)
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / "noisy.png")
    run("denoise", "noisy.png", "-o", "out.png", "--sigma", "20", "--preset", "fast", "-q", folder=folder)
    receipt = json.loads((folder / "out.png.ipse.json").read_text(encoding="utf-8"))
    if receipt["versions"]["ipse"] != version("ipse"):
        raise SystemExit(f"the receipt names version {receipt['versions']['ipse']}, not {version('ipse')}")
    out = np.asarray(Image.open(folder / "out.png"), float)
    return float(np.square(out - clean).mean() / np.square(noisy - clean).mean())


def main() -> int:
    """Stop with a line where the wheel is not whole."""
    home = Path(ipse.__file__)
    if SOURCE in home.parents:
        raise SystemExit(f"ipse is imported from the source ({home}), not from the wheel: unset PYTHONPATH")
    if lost := missing(Path(sys.argv[1])):
        raise SystemExit(f"the wheel lacks {', '.join(sorted(lost))}")
    with tempfile.TemporaryDirectory() as folder:
        said = run("--version", folder=Path(folder)).strip()
        share = restored(Path(folder))
    if said != f"ipse {version('ipse')}" or share > 0.3:
        raise SystemExit(
            f"the wheel prints {said!r} and leaves {share:.2f} of the squared error; expected 0.3 at most"
        )
    print(
        f"{Path(sys.argv[1]).name}: {said}, whole, and restores a picture ({share:.2f} of the error is left)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
