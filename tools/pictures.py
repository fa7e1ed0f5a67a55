"""`make pictures`: an installation with something on every page, and a picture of each of them.

    make pictures                   all of them, into docs/images
    make pictures ONLY="run stack"  those whose names begin so

Everything that is seen has happened: stacks are made by the API, runs are performed by workers.
"""

from __future__ import annotations

import base64
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, StorageState, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.support.browser import DESKTOP, PHONE, Person, chromium
from tests.support.platform import Platform
from tests.support.postgres_cluster import Cluster
from tests.support.receiver import Receiver
from tools.poses import (
    ask_to_delete,
    ask_to_delete_user,
    ask_to_end_sign_on,
    choose_saml,
    choose_stacks,
    compare_states,
    configure_a_run,
    edit_space,
    give_role,
    invite_somebody,
    lose_session,
    make_oidc_key,
    open_confirm,
    open_delivery,
    open_entry,
    open_filter,
    open_palette,
    open_stacks_deliveries,
    open_views,
    save_view,
    see_configuration,
    show_values,
    type_labels,
    type_name,
    walk_wizard,
)
from tools.sample import Sample, fill, name_account

DOCS = Path(__file__).parent.parent / "docs"
IMAGES, TOUR = DOCS / "images", DOCS / "pictures.md"
QUALITY = 50
"""Of WebP: letters are sharp, and all pictures together stay below 10 MB."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {"desktop": DESKTOP, "phone": PHONE}


@dataclass(frozen=True)
class Picture:
    """A page by its name and address, and what is done there before the picture is taken."""

    name: str
    words: str
    """What is seen on it."""
    address: str
    before: Callable[[Page], None] = lambda page: None
    signed_in: bool = True
    own_session: bool = False
    """Whether what is done there ends it."""


def beginnings() -> dict[bool, list[Picture]]:
    """What somebody meets before there is anything: while the account has no name, and after."""
    return {
        False: [
            Picture("sign-in", "The way in.", "/sign-in", signed_in=False),
            Picture("sign-in-key", "An API key's way in.", "/apikeytoken", signed_in=False),
            Picture("setup", "What the installation stands on, and its name.", "/setup", type_name),
        ],
        True: [
            Picture("launchpad", "From here to the first apply.", "/launchpad"),
            Picture("overview-empty", "An overview of nothing yet.", "/"),
            Picture("workers-empty", "No worker yet, and what to do.", "/workers"),
            Picture("sign-on-new", "What to tell an identity provider.", "/account/sign-on"),
            Picture("sign-on-saml", "One of SAML.", "/account/sign-on", choose_saml),
        ],
    }


def pictures(sample: Sample) -> list[Picture]:
    """All of them, in the order in which somebody meets them."""
    return [
        Picture("overview", "What needs somebody.", "/"),
        *of_stacks(),
        *of_the_wizard(sample),
        *of_a_stack(sample),
        *of_runs(sample),
        *of_access(sample),
        *of_the_rest(sample),
    ]


def of_stacks() -> list[Picture]:
    return [
        Picture("stacks", "Every stack, by what people look for.", "/stacks"),
        Picture("stacks-filter", "A filter, with what it would leave.", "/stacks", open_filter),
        Picture("stacks-chosen", "Something for several at once.", "/stacks", choose_stacks),
        Picture("stacks-views", "Views that somebody keeps.", "/stacks", open_views),
        Picture("stacks-save-view", "What is seen, kept for later.", "/stacks", save_view),
        Picture("stacks-nothing-found", "A list without a hit.", "/stacks?q=nothing+like+this"),
        Picture("palette", "Ctrl-K: anything by a few letters.", "/stacks", open_palette),
    ]


def of_the_wizard(sample: Sample) -> list[Picture]:
    url = sample.code("network")
    titles = (
        "A new stack: its code, looked at while it is typed.",
        "Its tool, and where its state is.",
        "Its name, and how it behaves.",
        "All of it, before anything is made.",
    )
    return [
        Picture(f"new-stack-{number}", title, "/new/stack", walk_wizard(url, number))
        for number, title in enumerate(titles, 1)
    ]


def of_a_stack(sample: Sample) -> list[Picture]:
    def at(tab: str = "") -> str:
        return sample.page_of("kubernetes", tab)

    return [
        Picture("stack", "A stack and its runs.", at()),
        Picture("stack-locked", "One that somebody has locked.", sample.page_of("identity")),
        Picture("stack-tasks", "Commands by hand.", sample.page_of("load test", "tasks")),
        Picture("stack-environment", "What its runs are given.", at("environment"), show_values),
        Picture("stack-state", "Every state there was.", at("state")),
        Picture("stack-state-compared", "What changed in between.", at("state"), compare_states),
        Picture("stack-outputs", "What it gives to others.", at("outputs")),
        Picture(
            "stack-webhooks",
            "What is called when its runs move.",
            at("webhooks"),
            open_stacks_deliveries,
        ),
        Picture("stack-settings", "How it is set.", at("settings")),
        Picture("stack-danger", "What cannot be undone.", sample.page_of("network", "danger")),
        Picture(
            "stack-delete",
            "What is lost with it.",
            sample.page_of("network", "danger"),
            ask_to_delete,
        ),
        Picture(
            "stack-run-configured",
            "A configuration for one run.",
            sample.page_of("network"),
            configure_a_run,
        ),
    ]


def of_runs(sample: Sample) -> list[Picture]:
    at = sample.address_of
    return [
        Picture("run", "A plan, resource by resource.", at("kubernetes") + "/changes"),
        Picture("run-confirm", "What will happen, before it does.", at("kubernetes"), open_confirm),
        Picture("run-log", "A log for each phase.", at("network")),
        Picture("run-outputs", "What came out of it.", at("network") + "/outputs"),
        Picture("run-details", "With what it ran.", at("network") + "/details"),
        Picture(
            "run-configuration",
            "What it was made with, and whose word each thing was.",
            at("kubernetes") + "/details",
            see_configuration,
        ),
        Picture("run-long-log", "A long one, in its colours.", at("load test")),
        Picture("run-failed", "A plan that failed, and why.", at("billing")),
        Picture("run-waiting", "A run that waits, and for what.", at("search")),
        Picture("run-unknown", "A worker died while it applied.", at("ledger")),
    ]


def of_access(sample: Sample) -> list[Picture]:
    role = f"/access/roles/{sample.roles['deployer']}"
    space, inner = (f"/spaces/{sample.spaces[name]}" for name in ("shop", "staging"))
    context = f"/context/{sample.contexts['aws']}"
    people, who = "/access", sample.people
    return [
        Picture("spaces", "The tree that everything hangs on.", "/spaces"),
        Picture("space", "One space, and who has roles there.", space),
        Picture("space-edit", "A space is moved.", inner, edit_space),
        Picture("roles", "Sets of actions with a name.", "/access/roles"),
        Picture("role", "What one allows, and who has it.", role),
        Picture("role-edit", "A role is composed of actions.", f"{role}/edit"),
        Picture("role-give", "A role is given.", role, give_role),
        Picture("users", "Everybody who may enter.", "/access/users"),
        Picture("user-invite", "Somebody is invited.", "/access/users", invite_somebody),
        Picture("user", "One of them, and what they may do.", f"{people}/users/{who['ada']}"),
        Picture(
            "user-delete",
            "What is lost with them.",
            f"{people}/users/{who['grace']}",
            ask_to_delete_user,
        ),
        Picture("groups", "Groups of the identity provider.", f"{people}/groups"),
        Picture("group", "One of them.", f"{people}/groups/{who['Platform']}"),
        Picture("rights", "What somebody may do, and why.", "/account/rights"),
        Picture("contexts", "What several stacks are given alike.", "/contexts"),
        Picture("context", "Its variables, files and hooks.", context),
        Picture("new-context", "A label attaches it.", "/new/context", type_labels),
        Picture("audit", "What anybody did.", "/audit"),
        Picture("notifications", "What went wrong while nobody was looking.", "/notifications"),
        Picture("audit-entry", "One thing that somebody did.", "/audit", open_entry),
    ]


def of_the_rest(sample: Sample) -> list[Picture]:
    pool, hooks = sample.site.pool.id, "/integrations/webhooks"
    return [
        Picture("workers", "Pools, and how busy they are.", "/workers"),
        Picture("pool", "One of them: its workers and its queue.", f"/workers/{pool}"),
        Picture("pool-queue", "What waits, and for what.", f"/workers/{sample.idle_pool}"),
        Picture("new-pool", "A new one.", "/workers/new"),
        Picture("webhooks", "Addresses that are called.", hooks),
        Picture("new-webhook", "A new webhook.", f"{hooks}/new"),
        Picture(
            "webhook",
            "One of them, and what it was told.",
            f"{hooks}/{sample.webhook}",
        ),
        Picture(
            "webhook-delivery",
            "What was sent, and what came back.",
            f"{hooks}/{sample.webhook}",
            open_delivery,
        ),
        Picture("audit-webhook", "Where the audit trail is sent.", f"{hooks}/audit"),
        Picture("profile", "Who is signed in.", "/account"),
        Picture("api-keys", "Keys for programs.", "/access/api-keys"),
        Picture("api-key-new", "One without a secret.", "/access/api-keys", make_oidc_key),
        Picture(
            "api-key",
            "What one trusts, and what it may do.",
            f"/access/api-keys/{sample.people['key']}",
        ),
        Picture("sessions", "Who is signed in where.", "/account/sessions"),
        Picture("sign-on", "Who vouches for people.", "/account/sign-on"),
        Picture("sign-on-delete", "Whom that shuts out.", "/account/sign-on", ask_to_end_sign_on),
        Picture(
            "sign-in-provider",
            "The way in over a provider.",
            "/sign-in?problem=NOT_INVITED",
            signed_in=False,
        ),
        Picture("cli-login", "The command line asks to be let in.", "/cli_login?key=a&port=4711"),
        Picture("health", "What the installation stands on.", "/account/health"),
        Picture("help-errors", "Every error by its code.", "/help/errors"),
        Picture("help-error", "What one means, and what to do.", "/help/errors/STACK_LOCKED"),
        Picture(
            "session-ended",
            "A page outlives its session.",
            sample.address_of("kubernetes"),
            lose_session,
            own_session=True,
        ),
    ]


@contextmanager
def installation() -> Iterator[Platform]:
    """A platform whose leases are short: what a dead worker leaves behind is there sooner."""
    cluster = Cluster()
    place = Path(tempfile.mkdtemp(prefix="gantry-pictures-"))
    platform = Platform(place, cluster.database(), GANTRY_LEASE_SECONDS="5")
    try:
        yield platform
    finally:
        platform.stop()
        cluster.stop()
        shutil.rmtree(place, ignore_errors=True)


def settled(page: Page) -> None:
    """Wait until nothing is on its way any more."""
    expect(page.get_by_label("Loading", exact=True)).to_have_count(0)
    # Two frames: what has just come is drawn.
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    page.wait_for_timeout(400)  # logs and transitions come to rest; a picture is no test


def take(page: Page, path: Path) -> None:
    """Write what the browser shows."""
    session = page.context.new_cdp_session(page)
    shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    session.detach()
    path.write_bytes(base64.b64decode(shot["data"]))


def write_tour(all_of_them: list[Picture]) -> None:
    """The page of the docs that shows them."""
    parts = ["# Pictures", "What `make pictures` takes, of an installation that it makes for that."]
    for picture in all_of_them:
        parts += [f"## {picture.words.rstrip('.')}", in_both_themes(picture)]
    TOUR.write_text("\n\n".join(parts) + "\n")


def in_both_themes(picture: Picture) -> str:
    """Markup that shows the picture in the theme of the reader."""
    source, where = f"images/{picture.name}", "(prefers-color-scheme: dark)"
    return (
        f'<picture><source media="{where}" srcset="{source}-dark-desktop.webp">'
        f'<img alt="{picture.words}" src="{source}-light-desktop.webp"></picture>'
        f' <picture><source media="{where}" srcset="{source}-dark-phone.webp">'
        f'<img alt="The same on a phone." width="240" src="{source}-light-phone.webp"></picture>'
    )


class Studio:
    """Takes pictures of one installation."""

    def __init__(self, browser: Browser, address: str, only: list[str]) -> None:
        self._browser, self._address, self._only = browser, address, tuple(only)
        self._session: StorageState | None = None
        self.faults: list[str] = []
        """What pages did that no page may; the other pictures are taken all the same."""

    def take(self, wanted: list[Picture]) -> None:
        """Take those of them that are asked for, in every size and both themes."""
        for picture in wanted:
            if self._only and not picture.name.startswith(self._only):
                continue
            for size, viewport in SIZES.items():
                try:
                    self._take(picture, size, viewport)
                except (PlaywrightError, AssertionError) as error:
                    self.faults.append(f"{picture.name} on a {size}: {error}")

    def _take(self, picture: Picture, size: str, viewport: dict[str, int]) -> None:
        looks = {"color_scheme": SCHEMES[0], "viewport": viewport, "reduced_motion": "reduce"}
        # One session for nearly all: the page of sessions is to look as it does for a person.
        shared = self._session if picture.signed_in and not picture.own_session else None
        person = Person(self._browser, self._address, storage_state=shared, **looks)
        if picture.signed_in and shared is None:
            person.sign_in()
            if not picture.own_session:
                self._session = person.context.storage_state()
        page = person.open(picture.address)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        settled(page)
        picture.before(page)
        page.mouse.move(0, 0)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            settled(page)
            take(page, IMAGES / f"{picture.name}-{scheme}-{size}.webp")
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > viewport["width"]:
            self.faults.append(f"{picture.name} needs {needed} px on a {size}")
        person.context.close()
        self.faults += [f"{picture.name} on a {size}: {fault}" for fault in person.faults]


def main(only: list[str]) -> None:
    """Take the pictures whose names begin with one of the words; all, if there is none."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with installation() as platform, Receiver() as hooks, sync_playwright() as playwright:
        server = platform.start()
        browser = chromium(playwright)
        studio = Studio(browser, server.address, only)
        first = beginnings()
        studio.take(first[False])
        name_account(platform, server)
        studio.take(first[True])
        sample = fill(platform, server, f"http://localhost:{hooks.port}")
        # The overview counts workers, and those that were killed are missed only after a minute.
        studio.take(sorted(pictures(sample), key=lambda one: one.name == "overview"))
        browser.close()
        write_tour([*first[False], *first[True], *pictures(sample)])
    sizes = [image.stat().st_size for image in IMAGES.glob("*.webp")]
    print(f"{len(sizes)} pictures, {sum(sizes) / 1e6:.1f} MB, in {IMAGES}")
    if studio.faults:
        sys.exit("pictures: what no page may do:\n" + "\n".join(studio.faults))


if __name__ == "__main__":
    main(sys.argv[1:])
