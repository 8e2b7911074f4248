"""A run of a batch: it notes the hash of its output, so that nobody takes that for a stranger's."""

from pathlib import Path

from ipse.errors import OutputError
from ipse.pictures import Picture, write_bytes
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

    def written(self, picture: Picture, *, unchanged: bool) -> bytes:
        """Note, then write."""
        data = self.output(picture, unchanged=unchanged)
        assert self.job.target is not None
        self.note.parent.mkdir(exist_ok=True)  # another run of the same batch may have ended, and removed it
        noted = sha256(data).encode()
        write_bytes(self.note, noted, overwrite=True, sync="none")  # it is for kills, not for power cuts
        try:
            write_bytes(self.job.target, data, overwrite=self.job.overwrite, sync="content")
        except OutputError:  # but where another run of the same batch has just written the same
            if digest_of(self.job.target) != sha256(data):
                raise
        return data
