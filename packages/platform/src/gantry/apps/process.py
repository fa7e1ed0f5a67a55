"""What every process does first and last: logging, signals, one line for a bad setting."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from gantry.apps.settings import MisconfiguredError, Settings, load_settings
from gantry.infra.schema import DatabaseUnusable
from gantry.kernel.errors import UserError

log = structlog.get_logger()

Main = Callable[[], Coroutine[Any, Any, None]]


def configure_logging(level: str) -> None:
    """JSON lines on standard error, or readable ones on a terminal."""
    pretty = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # Libraries log through the standard module: warnings and worse only.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s %(message)s")


def run(main: Main) -> None:
    """Run a process' main until it ends, SIGTERM or SIGINT; a second signal ends it at once."""
    try:
        asyncio.run(_until_told(main()))
    except (MisconfiguredError, DatabaseUnusable, UserError) as error:
        sys.exit(f"gantry: {error}")


async def _until_told(main: Coroutine[Any, Any, None]) -> None:
    loop, work = asyncio.get_running_loop(), asyncio.ensure_future(main)

    def told() -> None:
        log.info("told to end")
        work.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    try:
        await work
    except asyncio.CancelledError:
        if not work.cancelled():
            raise


def settings_or_exit() -> Settings:
    """The settings, with logging set up by them; exits with one line when they do not add up."""
    try:
        settings = load_settings()
    except MisconfiguredError as error:
        sys.exit(f"gantry: {error}")
    configure_logging(settings.log_level)
    return settings
