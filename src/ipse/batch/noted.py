"""A run of a batch: it notes the hash of its output, so that nobody takes that for a stranger's."""

from dataclasses import replace
from pathlib import Path

from ipse.errors import IpseError, OutputError
from ipse.pictures import write_bytes
from ipse.pictures.files import Content
from ipse.runs.job import Job
from ipse.runs.receipt import digest_of, sha256
from ipse.runs.run import Run


class Noted(Run):
    """A run that notes the hash of its output before it writes it.

    A kill between output and receipt would else leave a file that nobody could tell from a stranger's.
    """

    def __init__(self, job: Job, note: Path) -> None:
        super().__init__(job)
        self.note = note

    def deliver(self, output: Content, *others: Content) -> None:
        """Note, then write."""
        digest = sha256(output.data)
        self.note.parent.mkdir(exist_ok=True)  # another run of the same batch may have ended, and removed it
        write_bytes(self.note, digest.encode(), overwrite=True, sync=False)  # for kills, not for power cuts
        try:
            super().deliver(output, *others)
        except IpseError as error:
            if isinstance(error, OutputError) and digest_of(output.path) == digest:
                # Another run of the same batch has just written the same.
                return super().deliver(replace(output, overwrite=True), *others)
            self.note.unlink(missing_ok=True)
            raise
