"""The rules for alerts: what they watch is there, and where they lead says what to do."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from gantry.apps import instrumentation, metering
from gantry.infra import meter

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"
METRIC = re.compile(r"\bgantry_[a-z_]+")
OF_ONE = ("_bucket", "_count", "_sum", "_total")
"""Endings that Prometheus gives to parts of a metric."""

(GROUP,) = yaml.safe_load((ROOT / "docs" / "alerts.yml").read_text())["groups"]


def metrics() -> set[str]:
    """Every metric that a process gives: counted by itself, or read from the database."""
    counted = {family.name for family in meter.Meter().registry.collect()}
    read = {
        node.value
        for module in (metering, instrumentation, meter)
        for node in ast.walk(ast.parse(Path(module.__file__ or "").read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {bare(name) for name in counted | read if METRIC.fullmatch(name)}


def bare(name: str) -> str:
    ending = next((ending for ending in OF_ONE if name.endswith(ending)), "")
    return name.removesuffix(ending)


@pytest.mark.parametrize("rule", GROUP["rules"], ids=lambda rule: rule["alert"])
def test_an_alert_watches_what_there_is_and_leads_to_a_section_on_it(rule: dict[str, Any]) -> None:
    watched = {bare(name) for name in METRIC.findall(rule["expr"])}

    assert watched
    assert watched <= metrics()
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_the_page_on_metrics_names_those_there_are() -> None:
    named = {bare(name) for name in METRIC.findall(OPERATIONS.read_text())}

    assert named == metrics()
