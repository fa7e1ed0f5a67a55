"""A part of a source is unpacked, and nothing else of it."""

import asyncio
import io
import tarfile

import pytest
from gantry_worker.runtimes import process
from gantry_worker.runtimes.choice import Choice
from gantry_worker.sparse import Sparse
from gantry_worker.unpacking import unpack
from gantry_worker.workspace import BadWorkspace, Workspace

TREE = (
    "README",
    "-odd",
    "infra/main.tf",
    "infra/deep/er.tf",
    "infrastructure/other.tf",
    "modules/a/a.tf",
    "modules/b/b.tf",
    "docs/page.md",
)


@pytest.fixture
def workspace(tmp_path):
    made = Workspace(tmp_path / "runs" / "mine")
    made.make()
    return made


def packed(workspace, *, prefix="", directories=True, links=()):
    archive = workspace.incoming / "source.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in TREE:
            if directories and "/" in name:
                made = tarfile.TarInfo(prefix + name.rpartition("/")[0])
                made.type, made.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(made)
            info = tarfile.TarInfo(prefix + name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
        for name, target in links:
            info = tarfile.TarInfo(prefix + name)
            info.type, info.linkname = tarfile.LNKTYPE, prefix + target
            tar.addfile(info)
    return archive


async def unpacked(workspace, archive, paths, root=""):
    part = Sparse(paths, root)
    choice = Choice("process", False, process.for_run)
    stop = asyncio.Event()
    await unpack(archive, workspace.source, workspace, choice, stop, checked=True, part=part)
    files = (path for path in workspace.source.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(workspace.source)) for path in files), part.missing


@pytest.mark.parametrize("prefix", ["", "./"])
@pytest.mark.parametrize("directories", [True, False])
@pytest.mark.parametrize(
    ("paths", "root", "found", "missing"),
    [
        (["modules/a"], "infra", ["infra/deep/er.tf", "infra/main.tf", "modules/a/a.tf"], []),
        (["modules/a/"], "", ["-odd", "README", "modules/a/a.tf"], []),
        (["docs/page.md", "none"], "infra/deep", ["docs/page.md", "infra/deep/er.tf"], ["none"]),
        (["infra/deep", "infra", "README"], "infra", ["README", *TREE[3:1:-1]], []),
    ],
)
async def test_the_paths_and_the_project_root_are_there_and_nothing_else(
    workspace, prefix, directories, paths, root, found, missing
):
    archive = packed(workspace, prefix=prefix, directories=directories)

    assert await unpacked(workspace, archive, paths, root) == (sorted(found), missing)


async def test_a_file_with_two_names_comes_with_the_one_that_holds_it(workspace):
    archive = packed(workspace, links=[("infra/same.md", "docs/page.md")])

    files, _ = await unpacked(workspace, archive, ["infra/same.md"], "modules/a")

    assert files == ["docs/page.md", "infra/same.md", "modules/a/a.tf"]


async def test_a_tree_without_any_of_it_is_refused_instead_of_unpacked_whole(workspace):
    with pytest.raises(BadWorkspace, match="none of the paths"):
        await unpacked(workspace, packed(workspace), ["nowhere"], "nothing")

    assert list(workspace.source.iterdir()) == []


async def test_what_leads_out_is_refused_also_where_it_is_not_wanted(workspace):
    archive = packed(workspace, prefix="../")

    with pytest.raises(BadWorkspace, match="leads out"):
        await unpacked(workspace, archive, ["modules"], "infra")
