"""Log lines as JSON, for programs that collect them; names of files and tokens are never in them."""

import json
import logging
import sys
from datetime import UTC, datetime

FIELDS = ("job", "task", "state", "seconds")  # what a line may say of a job


class Line(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        body = {"time": when, "level": record.levelname.lower(), "logger": record.name}
        body |= {"message": record.getMessage()}
        body |= {name: vars(record)[name] for name in FIELDS if name in vars(record)}
        if record.exc_info:
            body["trace"] = self.formatException(record.exc_info)
        return json.dumps(body)


def as_json() -> None:
    """Log to standard error as JSON, including the beginning and end of each job."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("ipse.web").setLevel(logging.INFO)
