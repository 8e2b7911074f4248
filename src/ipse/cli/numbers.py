"""text ↦ number, with error messages that quote the text, which Typer's do not."""

from types import NoneType
from typing import Any, get_args

import typer


def whole(text: str) -> int:
    """Parse a whole number.

    Raises:
        BadParameter: the text is not a whole number.
    """
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None


def real(text: str) -> float:
    """Parse a number.

    Raises:
        BadParameter: the text is not a number.
    """
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number") from None


def reading(kind: Any) -> dict[str, Any]:
    """Return the arguments of ``typer.Option`` for a type: a parser, if it is a number."""
    plain = next((one for one in get_args(kind) if one is not NoneType), kind)
    parsers: dict[Any, Any] = {int: whole, float: real}
    return {"parser": parsers[plain], "metavar": f"<{plain.__name__}>"} if plain in parsers else {}
