"""While the database is away, callers are told to try again, and no bug is logged."""

from __future__ import annotations

import httpx2
import pytest
from gantry.api.app import application
from gantry.api.graphql.door import routes
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs


@pytest.fixture
async def cut_off(ada, monkeypatch):
    """An application whose database does not answer."""
    there = ada.app.state.house

    def away(*_):
        raise OperationalError("select 1", {}, Exception("the server closed the connection"))

    monkeypatch.setattr(there.db, "read", away)
    monkeypatch.setattr(there.db, "write", away)
    app = application(there, routes(there), away=(OperationalError,))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://gantry.test") as http:
        yield http


async def test_a_door_answers_503_with_a_sentence_and_when_to_come_back(cut_off, ada):
    with capture_logs() as logs:
        response = await cut_off.get("/plans/x", headers=ada.headers)

    assert response.status_code == 503
    assert response.json()["code"] == "DATABASE_UNAVAILABLE"
    assert response.headers["retry-after"] == "1"
    assert "closed the connection" not in response.text
    assert [(line["log_level"], line["event"]) for line in logs] == [("warning", "database away")]
