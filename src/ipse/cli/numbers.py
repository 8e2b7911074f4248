"""text ↦ number, refused by its own name: Typer's own words for a wrong number do not repeat it."""

from types import NoneType
from typing import Any, get_args

import typer


def whole(text: str) -> int:
    """Read a whole number.

    Raises:
        BadParameter: it is none.
    """
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None


def real(text: str) -> float:
    """Read a number.

    Raises:
        BadParameter: it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number") from None


def reading(kind: Any) -> dict[str, Any]:
    """Return what ``typer.Option`` is to be told of a type: how to read it, where it is a number."""
    plain = next((one for one in get_args(kind) if one is not NoneType), kind)
    parsers: dict[Any, Any] = {int: whole, float: real}
    return {"parser": parsers[plain], "metavar": f"<{plain.__name__}>"} if plain in parsers else {}
