"""What may be put in front of Git, and what is refused before Git exists."""

from __future__ import annotations

import subprocess

import pytest
from gantry.infra.git_urls import (
    check_branch,
    check_sha,
    is_public,
    normalise,
    parse,
)
from gantry.ports.sources import BadRepository
from hypothesis import example, given, settings
from hypothesis import strategies as st


def strictly(url):
    return parse(url, allow_file=False, allow_private=False)


def loosely(url):
    return parse(url, allow_file=True, allow_private=True)


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port"),
    [
        ("https://github.com/acme/network.git", "https", "github.com", 443),
        ("https://git.acme.example:8443/a/b", "https", "git.acme.example", 8443),
        ("https://acme@dev.azure.com/acme/p/_git/r", "https", "dev.azure.com", 443),
        ("https://gist.github.com/0123abc.git", "https", "gist.github.com", 443),
        ("https://host.example/~me/a%20b.git", "https", "host.example", 443),
        ("ssh://git@github.com/acme/network.git", "ssh", "github.com", 22),
        ("ssh://git@github.com:2222/acme/network.git", "ssh", "github.com", 2222),
        ("git@github.com:acme/network.git", "ssh", "github.com", 22),
        ("https://[2606:4700::6810:1]/a/b", "https", "2606:4700::6810:1", 443),
        ("https://8.8.8.8/a/b", "https", "8.8.8.8", 443),
    ],
)
def test_ordinary_addresses_are_accepted_as_they_are(url, scheme, host, port):
    address = strictly(url)

    assert (address.scheme, address.host, address.port) == (scheme, host, port)
    assert address.url == url


def test_messages_show_an_address_without_its_user():
    assert strictly("https://acme@dev.azure.com/a/b").shown == "https://dev.azure.com/a/b"
    assert strictly("git@github.com:a/b").shown == "github.com:a/b"


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        (" HTTPS://GitHub.com:443/Acme/Net.git/\n", "https://github.com/Acme/Net.git"),
        ("git@GitHub.com:acme/net", "git@github.com:acme/net"),
        ("ssh://git@host.example:22/a", "ssh://git@host.example/a"),
        ("https://[2606:4700:0:0::1]/a", "https://[2606:4700::1]/a"),
        ("file:///srv/git/a.git/", "file:///srv/git/a.git"),
    ],
)
def test_an_address_has_one_normal_form(given_url, expected):
    assert normalise(given_url) == expected
    assert normalise(expected) == expected


@pytest.mark.parametrize(
    "url",
    [
        # options
        "--upload-pack=touch /tmp/x",
        "--upload-pack=touch%20/tmp/x",
        "-oProxyCommand=touch",
        "https://-oProxyCommand=x/a",
        "ssh://-oProxyCommand=touch%20x/a",
        "ssh://%2doProxyCommand=x/a",
        "ssh://-oProxyCommand=x@host.example/a",
        "ssh://git@-host.example/a",
        "-oProxyCommand=x@host.example:a",
        "git@-oProxyCommand=x:a",
        "git@host.example:--upload-pack=x",
        "git@host.example:-x/y",
        # other transports
        "ext::sh -c touch% /tmp/x",
        "ext::sh",
        "git@ext::sh",
        "fd::17",
        "https::https://host.example/a",
        "git://host.example/a",
        "ftp://host.example/a",
        "rsync://host.example/a",
        "javascript://host.example/a",
        "git+ssh://host.example/a",
        "data://host.example/a",
        # local
        "/etc",
        "./repo",
        "../repo",
        "repo",
        "C:\\repo",
        "C:/repo",
        "host.example:a/b",
        "~/repo",
        # malformed
        "",
        "https://",
        "https:///a",
        "https://host.example",
        "https://host.example/",
        "https://host.example//",
        "https://@host.example/a",
        "https://a@b@host.example/a",
        "https://host.example:/a",
        "https://host.example:0/a",
        "https://host.example:65536/a",
        "https://host.example:44x/a",
        "https://host.example:443:80/a",
        "https://host..example/a",
        "https://host.example./a",
        "https://host_.-/a",
        "https://" + "a" * 64 + ".example/a",
        "https://" + "a." * 130 + "example/a",
        "https://host.example\\@evil.example/a",
        "https://host.example/a\\b",
        "https://host.example/a?b=c",
        "https://host.example/a#b",
        "https://host.example/a%",
        "https://host.example/a%zz",
        "https://host.example/" + "a" * 2100,
        "https://[::1/a",
        "https://[not-an-ip]/a",
        "https://[fe80::1%25eth0]/a",
        "https://[fe80::1%eth0]/a",
        # characters
        "https://host.example/a b",
        "https://host.example/a\nb",
        "https://host.example/a\n",
        "https://host.example/a\rb",
        "https://host.example/a\tb",
        "https://host.example/a\0b",
        "https://host.example/a%0ab",
        "https://host.example/a%0D%0Ab",
        "https://host.example/a%00b",
        "https://host.example/a%7f",
        "https://hóst.example/a",
        "https://host.example/\u202eä",
        "https://host。example/a",
        "https://\ud800.example/a",
    ],
)
def test_addresses_that_are_not_plainly_repositories_are_refused_by_any_setting(url):
    with pytest.raises(BadRepository):
        loosely(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/a",
        "https://127.1.2.3:8443/a",
        "https://0.0.0.0/a",
        "https://10.1.2.3/a",
        "https://172.16.0.1/a",
        "https://192.168.1.1/a",
        "https://100.64.0.1/a",
        "https://169.254.169.254/latest/meta-data",
        "https://100.100.100.200/a",
        "https://192.0.0.192/a",
        "https://168.63.129.16/a",
        "https://224.0.0.1/a",
        "https://255.255.255.255/a",
        "https://[::1]/a",
        "https://[::]/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://[::ffff:a9fe:a9fe]/a",
        "https://[::127.0.0.1]/a",
        "https://[64:ff9b::7f00:1]/a",
        "https://[2002:7f00:1::]/a",
        "https://[2001::1]/a",
        "https://[fe80::1]/a",
        "https://[fd00:ec2::254]/a",
        "https://[fec0::1]/a",
        "https://[ff02::1]/a",
        "https://localhost/a",
        "https://LOCALHOST/a",
        "https://git.localhost/a",
        "ssh://git@127.0.0.1/a",
        "git@127.0.0.1:a",
        "git@localhost:a",
        "ssh://git@[::1]/a",
    ],
)
def test_private_addresses_need_a_setting(url):
    with pytest.raises(BadRepository, match="private network"):
        strictly(url)

    assert loosely(url).host


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "127.0.0.1.1",
        "a.127",
        "1.2.3.0x4",
    ],
)
def test_numbers_that_only_some_programs_read_as_addresses_are_refused_by_any_setting(host):
    with pytest.raises(BadRepository, match="four decimal numbers"):
        loosely(f"https://{host}/a")


def test_files_need_a_setting_and_an_absolute_path():
    with pytest.raises(BadRepository, match="not allowed on this installation"):
        parse("file:///srv/a", allow_file=False, allow_private=True)
    for url in ("file://host/srv/a", "file://localhost/srv/a", "file://u@/srv/a", "file:/srv/a"):
        with pytest.raises(BadRepository):
            loosely(url)

    assert parse("file:///srv/a", allow_file=True, allow_private=False).url == "file:///srv/a"


def test_unencrypted_http_needs_a_setting():
    with pytest.raises(BadRepository, match="Use https"):
        strictly("http://host.example/a")

    assert loosely("http://host.example/a").port == 80


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@host.example/a",
        "https://user:hunter2@127.0.0.1/a",
        "https://user:hunter2@host.example/a b",
        "https://:hunter2@host.example/a",
        "ssh://user:hunter2@host.example/a",
        "user:hunter2@host.example:a",
        "ftp://user:hunter2@host.example/a",
        "https://user:hunter2@@host.example/a",
        "https://user:hunter2/@host.example/a",
        "https://hunter2!@host.example/a",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(url):
    with pytest.raises(BadRepository) as refused:
        strictly(url)

    assert "hunter2" not in refused.value.message + refused.value.detail


@pytest.mark.parametrize(
    "branch", ["main", "feature/x-1", "v1.0", "été", "a@b", "re#1", "x" * 255, "a;b", "$(x)", "+a"]
)
def test_names_git_allows_are_branches(branch):
    check_branch(branch)


@pytest.mark.parametrize(
    "branch",
    [
        "", "@", "-", "--upload-pack=touch /tmp/x", "--upload-pack=touch", "a b", "a\nb", "a\n",
        "\0", "a\x7f", "a..b", "a/", "/a", "a//b", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "a~1",
        "a^", "a^{}", "a:b", "a?b", "a*", "a[b", "a\\b", "a@{1}", "main:refs/heads/x", "x" * 256,
        "é" * 128, "a\u202eb", "a\u2028b", "a\x85b", "a\ud800",
    ],
)  # fmt: skip
def test_names_that_are_not_branches_are_refused(branch):
    with pytest.raises(BadRepository):
        check_branch(branch)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab/.@{}-~^:?*[\\ \t#lock+", max_size=12))
@example("a.lock")
def test_git_agrees_on_every_name_that_is_accepted(branch):
    try:
        check_branch(branch)
    except BadRepository:
        return
    asked = subprocess.run(["git", "check-ref-format", f"refs/heads/{branch}"], check=False)
    assert asked.returncode == 0


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=40), st.sampled_from(["", "https://", "ssh://", "file://", "git@", "ext::"])
)
def test_whatever_is_accepted_starts_with_what_it_says_and_holds_one_line(text, start):
    try:
        address = loosely(start + text)
    except BadRepository:
        return
    assert address.url.isascii()
    assert address.url.isprintable()
    assert " " not in address.url
    assert not address.url.startswith("-")
    assert (
        "@" in address.url if "://" not in address.url else address.url.startswith(address.scheme)
    )


def test_a_sha_is_full_and_in_lower_case():
    check_sha("0123456789abcdef" * 2 + "01234567")
    check_sha("0123456789abcdef" * 4)
    for text in (
        "",
        "a" * 39,
        "a" * 41,
        "A" * 40,
        "g" * 40,
        "a" * 40 + "\n",
        "-" + "a" * 39,
        "HEAD",
    ):
        with pytest.raises(BadRepository):
            check_sha(text)


def test_public_addresses_are_public_also_through_nat64():
    for address in ("8.8.8.8", "140.82.121.4", "2606:4700::6810:1", "64:ff9b::808:808"):
        assert is_public(address)
