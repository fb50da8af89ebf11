"""Events for programs: JSON lines on stdout (`--json`), and log lines on stderr (`-v`)."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from engine.session import Notice


def print_json(value: object) -> None:
    """One JSON line on stdout."""
    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")


class Events:
    """JSON lines on stdout, each at once. When nobody reads them any more, the work goes on without."""

    def __init__(self) -> None:
        self._heard = True

    def hear(self, notice: Notice) -> None:
        """A notice as `{"event", "at", "source", "run_id", "step", …}`; shared steps name their key as the source."""
        step = {"step": notice.step} if notice.step else {}
        run = notice.run
        self.tell(notice.name, {"source": run.source, "run_id": run.run_id, **step, **notice.detail})

    def tell(self, event: str, fields: Mapping[str, Any]) -> None:
        """Write one event."""
        from engine.report import timestamp

        if not self._heard:
            return
        try:
            print_json({"event": event, "at": timestamp(time.time()), **fields})
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            self._heard = False


class Log:
    """Notices as log lines on stderr, by structlog: event names as they are, run and step bound."""

    def __init__(self) -> None:
        import structlog

        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=16),
            ],
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
        self._log = structlog.get_logger()

    def hear(self, notice: Notice) -> None:
        """Log a notice."""
        step = {"step": notice.step} if notice.step else {}
        self._log.info(notice.name, run=notice.run.source, **step, **notice.detail)
