"""Finding the tool of a run: cache, PATH, and a mirror whose signatures are real."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import tempfile
import threading
import zipfile
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from gantry_protocol.versions import BadConstraint
from gantry_worker.tools.binaries import UNSIGNED, Binary, NoSuchTool, find
from gantry_worker.tools.mirror import Mirror, mirror_for
from gantry_worker.tools.mirror import _system as system

pytestmark = pytest.mark.skipif(
    not (shutil.which("gpg") and shutil.which("gpgv")), reason="signatures need gpg and gpgv"
)


def script(version: str, *, also: str = "") -> bytes:
    """A tool that knows nothing but its version."""
    answer = json.dumps({"terraform_version": version})
    return f"#!/bin/sh\n{also}\n[ \"$*\" = 'version -json' ] && echo '{answer}'\n".encode()


def zipped(files: dict[str, bytes], *, mode: int = stat.S_IFREG | 0o755) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            writing.writestr(info, content)
    return archive.getvalue()


@dataclass
class Signer:
    """A publisher's key."""

    home: Path

    def gpg(self, *args: str, data: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", *args]
        return subprocess.run(command, input=data, check=True, capture_output=True).stdout

    def sign(self, data: bytes) -> bytes:
        return self.gpg("--detach-sign", data=data)

    def keyring(self, *, armoured: bool = False) -> Path:
        path = self.home / f"public-{armoured}"
        path.write_bytes(self.gpg(*(["--armor"] if armoured else []), "--export"))
        return path


@pytest.fixture(scope="module")
def signers():
    """Two publishers. Their homes are short-named: an agent's socket has to fit in 107 bytes."""
    made = []
    for name in ("us", "them"):
        signer = Signer(Path(tempfile.mkdtemp(prefix="gk-")))
        key = ["--passphrase", "", "--quick-gen-key", f"{name}@example.test", "ed25519", "sign"]
        signer.gpg(*key, "never")
        made.append(signer)
    yield made
    for signer in made:
        end = ["gpgconf", "--homedir", str(signer.home), "--kill", "gpg-agent"]
        subprocess.run(end, check=True)
        shutil.rmtree(signer.home)


@dataclass
class Site:
    """A mirror on this machine, and what was asked of it."""

    root: Path
    url: str
    signer: Signer
    asked: list[str] = field(default_factory=list)

    def publish(self, version: str, *, archive: bytes | None = None, name: str = "terraform"):
        folder = self.root / (version if name == "terraform" else f"v{version}")
        folder.mkdir(parents=True)
        archive = archive or zipped({name: script(version), "LICENSE.txt": b"free"})
        zip_name = f"{name}_{version}_{system()}.zip"
        (folder / zip_name).write_bytes(archive)
        sums = f"{'0' * 64}  {name}_{version}_plan9_mips.zip\n"
        sums += f"{hashlib.sha256(archive).hexdigest()}  {zip_name}\n"
        (folder / f"{name}_{version}_SHA256SUMS").write_text(sums)
        signature = self.signer.sign(sums.encode())
        ending = "sig" if name == "terraform" else "gpgsig"
        (folder / f"{name}_{version}_SHA256SUMS.{ending}").write_bytes(signature)
        index = self.root / "index.json"
        known = json.loads(index.read_text())["versions"] if index.exists() else {}
        index.write_text(json.dumps({"versions": known | {version: {}}}))
        return folder

    def mirror(self, **settings) -> Mirror:
        settings.setdefault("keyring", self.signer.keyring())
        return mirror_for("terraform", base=self.url, **settings)


@pytest.fixture
def site(tmp_path, signers):
    root = tmp_path / "site"
    root.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            site.asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root)))
    site = Site(root, f"http://127.0.0.1:{server.server_address[1]}", signers[0])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def search(tmp_path):
    """PATH, with one folder of our own before the shell's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return f"{folder}:/usr/bin:/bin"


def put(folder: Path, content: bytes, name: str = "terraform") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_bytes(content)
    file.chmod(0o755)
    return file


def on(search: str) -> Path:
    return Path(search.partition(":")[0])


def installed(cache: Path) -> list[str]:
    """What the cache holds, leaving out the files of locks."""
    files = (file for file in cache.rglob("*") if file.is_file() and file.suffix != ".lock")
    return sorted(str(file.relative_to(cache)) for file in files)


# ------------------------------------------------------------------ downloads


async def test_a_signed_version_is_downloaded_once_and_then_found_in_the_cache(site, cache, search):
    site.publish("1.5.7")

    found = await find("terraform", "1.5.7", cache=cache, mirror=site.mirror(), path=search)

    assert found == Binary(cache / "terraform/1.5.7/terraform", "1.5.7")
    assert subprocess.check_output([found.path, "version", "-json"]) != b""
    assert installed(cache) == ["terraform/1.5.7/terraform"]
    assert "/index.json" not in site.asked
    asked = list(site.asked)
    assert await find("terraform", "1.5.7", cache=cache, mirror=None, path=search) == found
    assert await find("terraform", "1.5.x", cache=cache, mirror=site.mirror(), path="") == found
    assert site.asked == asked


async def test_a_range_gets_the_newest_release_that_the_mirror_lists(site, cache, search):
    for version in ("1.5.6", "1.5.7", "1.6.0", "1.5.8-rc1"):
        site.publish(version)

    found = await find("terraform", "~> 1.5.0", cache=cache, mirror=site.mirror(), path=search)

    assert found.version == "1.5.7"


async def test_opentofu_is_found_in_its_publishers_layout(site, cache, search):
    site.publish("1.8.0", name="tofu")
    (site.root / "api.json").write_text('{"versions": [{"id": "1.8.0"}, {"id": "1.9.0-beta1"}]}')
    keyring = site.signer.keyring()
    mirror = mirror_for(
        "opentofu", base=f"{site.url}/", index=f"{site.url}/api.json", keyring=keyring
    )

    found = await find("opentofu", ">= 1.6", cache=cache, mirror=mirror, path=search)

    assert found == Binary(cache / "opentofu/1.8.0/tofu", "1.8.0")


async def test_a_key_may_be_in_the_armoured_form_that_publishers_offer(site, cache, search):
    site.publish("1.5.7")
    mirror = site.mirror(keyring=site.signer.keyring(armoured=True))

    found = await find("terraform", "1.5.7", cache=cache, mirror=mirror, path=search)

    assert found.version == "1.5.7"


async def test_runs_that_want_the_same_version_at_once_share_one_download(site, cache, search):
    site.publish("1.5.7")
    mirror = site.mirror()

    found = await asyncio.gather(
        *(find("terraform", "1.5.7", cache=cache, mirror=mirror, path=search) for _ in range(5))
    )

    assert {binary.path for binary in found} == {cache / "terraform/1.5.7/terraform"}
    assert len([path for path in site.asked if path.endswith(".zip")]) == 1


async def test_what_a_crashed_installation_left_is_cleared_away(site, cache, search):
    site.publish("1.5.7")
    put(cache / "terraform/.incoming-1.5.7", b"half a binary")
    (cache / "terraform/1.5.7").mkdir()
    (cache / "terraform/1.5.7/notes").write_text("no binary here")

    await find("terraform", "1.5.7", cache=cache, mirror=site.mirror(), path=search)

    assert installed(cache) == ["terraform/1.5.7/terraform"]


# ------------------------------------------------------------------ what is not believed


async def test_without_a_key_nothing_is_downloaded(site, cache, search):
    site.publish("1.5.7")

    with pytest.raises(NoSuchTool, match=r"no public key is configured.*allow unsigned"):
        await find("terraform", "1.5.7", cache=cache, mirror=site.mirror(keyring=None), path=search)

    assert site.asked == []
    assert installed(cache) == []


async def test_an_unsigned_download_is_used_only_while_that_is_allowed(site, cache, search):
    folder = site.publish("1.5.7")
    lax, strict = site.mirror(keyring=None, allow_unsigned=True), site.mirror()

    found = await find("terraform", "1.5.7", cache=cache, mirror=lax, path=search)

    assert found.version == "1.5.7"
    assert installed(cache) == [f"terraform/1.5.7/{UNSIGNED}", "terraform/1.5.7/terraform"]
    with pytest.raises(NoSuchTool, match=r"1\.5\.7 never had a signature checked"):
        await find("terraform", "1.5.7", cache=cache, mirror=None, path=search)

    assert await find("terraform", "1.5.7", cache=cache, mirror=strict, path=search) == found
    assert installed(cache) == ["terraform/1.5.7/terraform"]
    assert f"/{folder.name}/terraform_1.5.7_SHA256SUMS.sig" in site.asked


async def test_allowing_unsigned_downloads_does_not_excuse_a_bad_signature(site, cache, search):
    folder = site.publish("1.5.7")
    (folder / "terraform_1.5.7_SHA256SUMS.sig").write_bytes(b"")
    mirror = site.mirror(allow_unsigned=True)

    with pytest.raises(NoSuchTool, match="is not believed"):
        await find("terraform", "1.5.7", cache=cache, mirror=mirror, path=search)

    assert installed(cache) == []


def sums_of(folder: Path) -> Path:
    return folder / "terraform_1.5.7_SHA256SUMS"


def sign_with_another_key(folder: Path, other: Signer) -> None:
    (folder / "terraform_1.5.7_SHA256SUMS.sig").write_bytes(
        other.sign(sums_of(folder).read_bytes())
    )


def sign_with_both_keys(folder: Path, other: Signer) -> None:
    file = folder / "terraform_1.5.7_SHA256SUMS.sig"
    file.write_bytes(file.read_bytes() + other.sign(sums_of(folder).read_bytes()))


def change_the_sums(folder: Path, other: Signer) -> None:
    sums_of(folder).write_text(sums_of(folder).read_text() + "\n")


def remove_the_signature(folder: Path, other: Signer) -> None:
    (folder / "terraform_1.5.7_SHA256SUMS.sig").unlink()


def empty_the_signature(folder: Path, other: Signer) -> None:
    (folder / "terraform_1.5.7_SHA256SUMS.sig").write_bytes(b"")


def bloat_the_signature(folder: Path, other: Signer) -> None:
    (folder / "terraform_1.5.7_SHA256SUMS.sig").write_bytes(b"x" * 65_537)


def change_the_archive(folder: Path, other: Signer) -> None:
    (folder / f"terraform_1.5.7_{system()}.zip").write_bytes(zipped({"terraform": b"evil"}))


def remove_the_archive(folder: Path, other: Signer) -> None:
    (folder / f"terraform_1.5.7_{system()}.zip").unlink()


@pytest.mark.parametrize(
    ("spoil", "because"),
    [
        (sign_with_another_key, "SHA256SUMS is not believed.*made with another key"),
        (sign_with_both_keys, "SHA256SUMS is not believed.*made with another key"),
        (change_the_sums, "SHA256SUMS is not believed.*does not fit the file"),
        (remove_the_signature, r"SHA256SUMS\.sig answers 404"),
        (empty_the_signature, "SHA256SUMS is not believed"),
        (bloat_the_signature, "is larger than 65536 bytes"),
        (change_the_archive, "is not what the list of checksums names"),
        (remove_the_archive, r"\.zip answers 404"),
    ],
)
async def test_a_spoilt_release_is_refused_and_leaves_nothing(
    site, cache, search, signers, spoil, because
):
    spoil(site.publish("1.5.7"), signers[1])

    with pytest.raises(NoSuchTool, match=because):
        await find("terraform", "1.5.7", cache=cache, mirror=site.mirror(), path=search)

    assert installed(cache) == []


@pytest.mark.parametrize(
    ("archive", "because"),
    [
        (b"not a zip", "cannot be unpacked"),
        (zipped({"terraform": script("1.5.7")})[:-40], "cannot be unpacked"),
        (zipped({"LICENSE.txt": b""}), "has 0 files called 'terraform'"),
        (zipped({"../terraform": script("1.5.7")}), "has 0 files called 'terraform'"),
        (zipped({"terraform": b"/bin/true"}, mode=stat.S_IFLNK | 0o777), "is not a plain file"),
        (zipped({"terraform": script("1.5.6")}), "what it has as 1.5.7 says it is 1.5.6"),
        (zipped({"terraform": b"\x7fELF of some other machine"}), "does not tell its version"),
        (zipped({"terraform": script("1.5.7; rm")}), "does not tell its version"),
    ],
)
async def test_a_signed_archive_without_the_right_binary_is_refused(
    site, cache, search, archive, because
):
    site.publish("1.5.7", archive=archive)

    with pytest.raises(NoSuchTool, match=because):
        await find("terraform", "1.5.7", cache=cache, mirror=site.mirror(), path=search)

    assert installed(cache) == []


async def test_of_an_archive_only_the_binary_is_unpacked(site, cache, search):
    site.publish(
        "1.5.7", archive=zipped({"../../evil": b"x", "terraform": script("1.5.7"), "other": b"x"})
    )

    await find("terraform", "1.5.7", cache=cache, mirror=site.mirror(), path=search)

    assert installed(cache) == ["terraform/1.5.7/terraform"]
    assert not list(cache.parent.rglob("evil"))


async def test_a_version_that_is_not_made_for_this_machine_is_refused(site, cache, search):
    folder = site.publish("1.5.7")
    sums = f"{'0' * 64}  terraform_1.5.7_plan9_mips.zip\n"
    sums_of(folder).write_text(sums)
    (folder / "terraform_1.5.7_SHA256SUMS.sig").write_bytes(site.signer.sign(sums.encode()))

    with pytest.raises(NoSuchTool, match=f"1.5.7 exists, but not for {system()}"):
        await find("terraform", "1.5.7", cache=cache, mirror=site.mirror(), path=search)


@pytest.mark.parametrize("keys", ["missing", "damaged"])
async def test_a_key_that_cannot_be_used_is_named(site, cache, search, tmp_path, keys):
    site.publish("1.5.7")
    keyring = tmp_path / "key.asc"
    if keys == "damaged":
        keyring.write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n%%%%\n")

    with pytest.raises(NoSuchTool, match=r"the public key .*key\.asc (cannot be read|is damaged)"):
        await find(
            "terraform", "1.5.7", cache=cache, mirror=site.mirror(keyring=keyring), path=search
        )


# ------------------------------------------------------------------ PATH, cache, mirror: the order


async def test_a_constraint_is_met_from_the_cache_then_from_path_then_from_the_mirror(
    site, cache, search
):
    site.publish("1.5.9")
    wanted = partial(find, "terraform", "~> 1.5.0", cache=cache, mirror=site.mirror(), path=search)

    put(cache / "terraform/1.5.6", script("1.5.6"))
    on_path = put(on(search), script("1.5.8"))
    assert (await wanted()).version == "1.5.6"

    shutil.rmtree(cache)
    assert await wanted() == Binary(on_path, "1.5.8")
    assert site.asked == []

    on_path.unlink()
    assert (await wanted()).version == "1.5.9"


async def test_without_a_constraint_path_comes_first_and_the_newest_otherwise(site, cache, search):
    for version in ("1.9.0", "1.10.0"):
        site.publish(version)
    wanted = partial(find, "terraform", None, cache=cache, mirror=site.mirror(), path=search)

    put(cache / "terraform/1.6.0", script("1.6.0"))
    put(cache / "terraform/1.7.0", script("1.7.0"))
    on_path = put(on(search), script("0.13.0"))
    assert await wanted() == Binary(on_path, "0.13.0")

    on_path.unlink()
    assert (await wanted()).version == "1.7.0"
    assert site.asked == []

    shutil.rmtree(cache)
    assert (await wanted()).version == "1.10.0"


async def test_the_first_fitting_binary_on_path_is_taken_not_only_the_first(cache, tmp_path):
    put(tmp_path / "a", script("1.4.0"))
    second = put(tmp_path / "b", script("1.5.7"))
    path = f"{tmp_path}/a:{tmp_path}/none:{tmp_path}/b:/usr/bin:/bin"

    assert (await find("terraform", "1.5.x", cache=cache, mirror=None, path=path)).path == second


async def test_a_binary_in_the_working_directory_is_never_taken(cache, tmp_path, monkeypatch):
    put(tmp_path, script("1.5.7"))
    monkeypatch.chdir(tmp_path)

    for path in ("", ".", ":", "::bin"):
        with pytest.raises(NoSuchTool, match="PATH: has no 'terraform'"):
            await find("terraform", None, cache=cache, mirror=None, path=path)


async def test_a_binary_is_asked_its_version_once_until_it_changes(cache, search, tmp_path):
    count = tmp_path / "count"
    for version in ("1.5.7", "1.11.4"):
        put(on(search), script(version, also=f"echo asked >> {count}"))
        for _ in range(3):
            found = await find("terraform", None, cache=cache, mirror=None, path=search)
            assert found.version == version

    assert count.read_text().split() == ["asked", "asked"]


async def test_a_binary_is_asked_without_the_workers_own_environment(
    cache, search, tmp_path, monkeypatch
):
    monkeypatch.setenv("GANTRY_SECRET", "hush")
    monkeypatch.setenv("TF_CLI_ARGS", "-nonsense")
    put(on(search), script("1.5.7", also=f"env > {tmp_path}/env; pwd >> {tmp_path}/env"))

    await find("terraform", "1.5.7", cache=cache, mirror=None, path=search)

    seen = (tmp_path / "env").read_text()
    assert "hush" not in seen
    assert "TF_CLI_ARGS" not in seen
    assert "CHECKPOINT_DISABLE=1" in seen
    assert str(Path.cwd()) not in seen.splitlines()


async def test_the_real_terraform_tells_its_version(cache):
    path = os.environ["PATH"]
    if shutil.which("terraform", path=path) is None:
        pytest.skip("no terraform on this machine")

    found = await find("terraform", ">= 0.13", cache=cache, mirror=None, path=path)

    said = subprocess.check_output([found.path, "version"], text=True, env={"PATH": path})
    assert said.startswith(f"Terraform v{found.version}\n")


# ------------------------------------------------------------------ when there is none


async def test_the_refusal_names_every_place_and_what_it_said(site, cache, search):
    site.publish("1.9.0")
    put(cache / "terraform/1.4.0", script("1.4.0"))
    on_path = put(on(search), script("1.3.0"))

    with pytest.raises(NoSuchTool) as refusal:
        await find("terraform", "~> 1.5.0", cache=cache, mirror=site.mirror(), path=search)

    assert str(refusal.value).startswith(
        f"There is no terraform that satisfies '~> 1.5.0'. Cache {cache}/terraform: has 1.4.0. "
        f"PATH: {on_path} is 1.3.0"
    )
    assert str(refusal.value).endswith(
        f"Mirror {site.url}: lists 1 versions, none of which will do."
    )


async def test_a_machine_with_nothing_says_so(cache, search):
    with pytest.raises(NoSuchTool) as refusal:
        await find("opentofu", None, cache=cache, mirror=None, path=str(on(search)))

    assert str(refusal.value) == (
        "There is no opentofu of any version. PATH: has no 'tofu'. "
        f"Cache {cache}/opentofu: has none. Mirror: none is configured."
    )


async def test_a_folder_that_cannot_be_looked_into_does_not_end_the_search(tmp_path, search):
    put(on(search), script("1.5.7"))
    closed = "a" * 300  # longer than any file system takes
    path = f"/{closed}:{search}"

    found = await find("terraform", "1.5.7", cache=tmp_path / closed, mirror=None, path=path)

    assert found.version == "1.5.7"
    with pytest.raises(NoSuchTool, match=r"Cache .*/terraform: File name too long"):
        await find("terraform", "1.6.0", cache=tmp_path / closed, mirror=None, path=path)


@pytest.mark.parametrize("index", ["[]", "{}", "no json", '{"versions": [1]}', "[" * 100_000])
async def test_an_index_that_lists_nothing_readable_is_refused(site, cache, search, index):
    (site.root / "index.json").write_text(index)

    with pytest.raises(NoSuchTool, match=r"index\.json is not a list of versions"):
        await find("terraform", None, cache=cache, mirror=site.mirror(), path=str(on(search)))


async def test_a_mirror_that_does_not_answer_is_named_without_its_password(cache, search, signers):
    mirror = mirror_for(
        "terraform", base="http://me:hush@127.0.0.1:1/tf", keyring=signers[0].keyring()
    )

    with pytest.raises(NoSuchTool, match=r"http://127\.0\.0\.1:1/tf.*cannot be read") as refusal:
        await find("terraform", "1.5.7", cache=cache, mirror=mirror, path=str(on(search)))

    assert "hush" not in str(refusal.value)


async def test_a_cache_that_cannot_be_written_is_named(site, cache, search):
    site.publish("1.5.7")
    cache.write_text("a file where a folder should be")

    with pytest.raises(NoSuchTool, match="Not a directory"):
        await find("terraform", "1.5.7", cache=cache, mirror=site.mirror(), path=search)


async def test_a_constraint_that_cannot_be_read_is_refused_before_anything_is_tried(
    site, cache, search
):
    with pytest.raises(BadConstraint):
        await find("terraform", "latest", cache=cache, mirror=site.mirror(), path=search)

    assert site.asked == []
    assert not cache.exists()


def test_publishers_own_sites_are_the_default():
    assert mirror_for("terraform").base == "https://releases.hashicorp.com/terraform"
    assert mirror_for("terraform").index == "https://releases.hashicorp.com/terraform/index.json"
    assert mirror_for("opentofu").base == "https://github.com/opentofu/opentofu/releases/download"
    assert mirror_for("opentofu").index == "https://get.opentofu.org/tofu/api.json"
