"""What every process does first and last: logging, signals, one line for a bad setting."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Collection, Coroutine, MutableMapping
from typing import Any, TextIO

import structlog

from gantry.apps.listening import only
from gantry.apps.settings import MisconfiguredError, Settings, environment, load_settings
from gantry.apps.settings_rules import without_effect
from gantry.infra.schema import DatabaseUnusable
from gantry.kernel.errors import UserError
from gantry.ports.objects import Bucket

log = structlog.get_logger()

LEVELS = ("debug", "info", "warning", "error")

Main = Callable[[], Coroutine[Any, Any, None]]


def configure_logging(
    level: str, *, stream: TextIO | None = None, environment: str | None = None
) -> None:
    """JSON lines, or readable ones on a terminal; on standard error unless `stream` says.

    What libraries log takes the same form. `environment` is a word that every line carries.
    """
    to = stream or sys.stderr
    pretty = to.isatty()
    renderer = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    number = logging.getLevelNamesMapping()[level.upper()]

    def named(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if environment:
            event["environment"] = environment
        return event

    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        named,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*before, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(to),
    )
    # Libraries log through the standard module: warnings and worse only.
    handler = logging.StreamHandler(to)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *before],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def run(main: Main) -> None:
    """Run a process' main until it ends, SIGTERM or SIGINT; a second signal ends it at once.

    What nobody foresaw is logged as everything is, and ends the process with exit code 1.
    """
    try:
        asyncio.run(_until_told(main()))
    except (MisconfiguredError, DatabaseUnusable, UserError) as error:
        sys.exit(f"gantry: {error}")
    except OSError as error:
        sys.exit(
            f"gantry: {error.strerror or error}: {error.filename}"
            if error.filename
            else f"gantry: {error}"
        )
    except Exception:
        log.exception("the process ended by an error")
        sys.exit(1)


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
    except BaseExceptionGroup as several:
        raise only(several) from None


def settings_or_exit(*, buckets: Collection[Bucket] = tuple(Bucket)) -> Settings:
    """The settings, with logging set up by them; exits with one line when they do not add up.

    `buckets` are those that the process uses.
    """
    try:
        settings = load_settings(buckets=buckets)
    except MisconfiguredError as error:
        sys.exit(f"gantry: {error}")
    # Standard output, where containers' logs are collected from; nothing else is printed there.
    configure_logging(settings.log_level, stream=sys.stdout, environment=settings.environment)
    if ignored := without_effect(environment()):
        log.warning("variables without effect in this release", names=ignored)
    return settings
