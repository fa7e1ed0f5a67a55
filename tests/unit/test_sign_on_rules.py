"""Where signing in may lead, and what may stand in the settings of a provider."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from gantry.domains.identity_providers import wanted
from gantry.domains.identity_providers.kinds import NameIdFormat
from gantry.domains.identity_providers.rules import is_browser, local_path
from gantry.domains.identity_providers.wanted import BadIdentityProvider
from hypothesis import example, given
from hypothesis import strategies as st


@given(st.text(alphabet="/\\.:@?#ab \t\n%é", max_size=20))
@example("//evil.example")
@example("/\\evil.example")
@example("https://evil.example")
@example("/\t/evil.example")
def test_wherever_somebody_wanted_to_go_it_is_here(text):
    path = local_path(text)

    # Browsers take a backslash for a slash, and leave out tabs and line breaks.
    seen = path.replace("\\", "/").translate(dict.fromkeys(map(ord, "\t\r\n")))
    assert urlsplit(urljoin("https://gantry.test/", seen)).netloc == "gantry.test"


@pytest.mark.parametrize("path", ["/", "/stack/one?tab=runs", "/stack/a/run/b#L7-L12"])
def test_a_path_of_ours_stays_as_it_is(path):
    assert local_path(path) == path


@pytest.mark.parametrize("token", ["", "short", "a" * 44, "é" * 43, "a" * 42 + "="])
def test_only_what_we_gave_a_browser_is_taken_for_it(token):
    assert not is_browser(token)


def test_a_mapping_may_name_attributes_by_addresses():
    found = wanted.saml(
        metadata="<a/>",
        dynamic=False,
        name_id_format=NameIdFormat.PERSISTENT,
        mappings=[("http://schemas.example/claims/groups", "Teams")],
    )

    assert found.settings["attributes"] == {"http://schemas.example/claims/groups": "Teams"}


@pytest.mark.parametrize("name", ["", "a/b", "-acme", "acme-", "a b", "é", "a" * 101])
def test_an_organization_is_a_name_that_github_could_have_given(name):
    with pytest.raises(BadIdentityProvider):
        wanted.github(client_id="a", client_secret="b", organization=name, address="https://x.y")
