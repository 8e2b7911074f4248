"""``python -m ipse`` is the command."""

from ipse.cli import main

main()
