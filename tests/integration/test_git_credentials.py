"""What lets into private repositories, and for which of them."""

from __future__ import annotations

import pytest
from gantry.infra.git_access import Password, SshKey
from gantry.infra.git_credentials import credentials


@pytest.fixture
def passwords(tmp_path):
    path = tmp_path / "credentials"
    path.write_text(
        "# who may read what\n"
        "https://bot:of-the-host@git.example.com\n"
        "https://team:of%20the%2Fteam@git.example.com/team\n"
        "https://one:of-one@git.example.com/team/one.git\n"
        "https://other:of-the-port@git.example.com:8443\n"
        "\n"
        "not a credential\n"
        "http://plain:never@git.example.com\n"
    )
    return path


@pytest.mark.parametrize(
    ("url", "user", "word"),
    [
        ("https://git.example.com/anything", "bot", "of-the-host"),
        ("https://GIT.example.com/team/two", "team", "of the/team"),
        ("https://git.example.com/team/two.git", "team", "of the/team"),
        ("https://git.example.com/team/one", "one", "of-one"),
        ("https://git.example.com/team/one.git", "one", "of-one"),
        ("https://git.example.com/teammate/x", "bot", "of-the-host"),
        ("https://git.example.com:443/x", "bot", "of-the-host"),
        ("https://git.example.com:8443/x", "other", "of-the-port"),
    ],
)
def test_the_longest_path_that_fits_gives_the_password(passwords, url, user, word):
    found = credentials(passwords, None, None)(url)
    assert isinstance(found, Password)
    assert (found.user, found.secret.reveal()) == (user, word)


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example.com/team/one",
        "https://git.example.com.evil.example/x",
        "http://git.example.com/x",
        "ssh://git@git.example.com/x",
        "file:///srv/x",
    ],
)
def test_no_password_goes_to_another_host_or_in_the_clear(passwords, url):
    assert credentials(passwords, None, None)(url) is None


def test_a_key_is_for_ssh_alone(tmp_path, passwords):
    find = credentials(passwords, tmp_path / "key", tmp_path / "hosts")
    assert find("ssh://git@git.example.com/x") == SshKey(tmp_path / "key", tmp_path / "hosts")
    assert isinstance(find("https://git.example.com/x"), Password)


def test_a_file_that_is_changed_counts_at_once_and_one_that_is_gone_opens_nothing(passwords):
    find = credentials(passwords, None, None)
    passwords.write_text("https://new:word@git.example.com\n")
    assert find("https://git.example.com/x").user == "new"
    passwords.unlink()
    assert find("https://git.example.com/x") is None
