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

from playwright.sync_api import Page, expect, sync_playwright

from tests.support.browser import DESKTOP, PHONE, Person, chromium
from tests.support.platform import Platform
from tests.support.postgres_cluster import Cluster
from tools.sample import Sample, fill

DOCS = Path(__file__).parent.parent / "docs"
IMAGES, TOUR = DOCS / "images", DOCS / "pictures.md"
QUALITY = 80
"""Of WebP: letters are as sharp as in a PNG, at a third of its size."""
SCHEMES = ("light", "dark")
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


def open_palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("textbox", name="Stacks, runs, pages").fill("net")
    expect(page.get_by_text("network").first).to_be_visible()


def open_confirm(page: Page) -> None:
    page.get_by_role("button", name="Confirm", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()


def lose_session(page: Page) -> None:
    page.context.request.post("/logout")
    page.evaluate("new BroadcastChannel('gantry.session').postMessage('look')")
    expect(page.get_by_role("dialog")).to_be_visible()


def pictures(sample: Sample) -> list[Picture]:
    """All of them, in the order in which somebody meets them."""
    at = sample.address_of
    return [
        Picture("sign-in", "The way in.", "/sign-in", signed_in=False),
        Picture("overview", "What needs somebody.", "/"),
        Picture("stacks", "Every stack, by what people look for.", "/stacks"),
        Picture("stacks-nothing-found", "A list without a hit.", "/stacks?q=nothing+like+this"),
        Picture("palette", "Ctrl-K: anything by a few letters.", "/stacks", open_palette),
        Picture("run", "A plan, resource by resource.", at("kubernetes") + "/changes"),
        Picture("run-confirm", "What will happen, before it does.", at("kubernetes"), open_confirm),
        Picture("run-log", "A log for each phase.", at("network")),
        Picture("run-long-log", "A long one, in its colours.", at("load test")),
        Picture("run-failed", "A plan that failed, and why.", at("billing")),
        Picture("run-waiting", "A run that waits, and for what.", at("search")),
        Picture("run-unknown", "A worker died while it applied.", at("ledger")),
        Picture("session-ended", "A page outlives its session.", at("kubernetes"), lose_session),
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
    """Wait until nothing is on its way any more, and the mouse is out of the picture."""
    expect(page.get_by_label("Loading", exact=True)).to_have_count(0)
    page.mouse.move(0, 0)
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


def main(only: list[str]) -> None:
    """Take the pictures whose names begin with one of the words; all, if there is none."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with installation() as platform, sync_playwright() as playwright:
        server = platform.start()
        sample = fill(platform, server)
        browser = chromium(playwright)
        for scheme in SCHEMES:
            for size, viewport in SIZES.items():
                looks = {"color_scheme": scheme, "viewport": viewport, "reduced_motion": "reduce"}
                for picture in pictures(sample):
                    if only and not picture.name.startswith(tuple(only)):
                        continue
                    person = Person(browser, server.address, **looks)
                    if picture.signed_in:
                        person.sign_in()
                    page = person.open(picture.address)
                    expect(page.get_by_role("heading", level=1)).to_have_count(1)
                    settled(page)
                    picture.before(page)
                    settled(page)
                    take(page, IMAGES / f"{picture.name}-{scheme}-{size}.webp")
                    person.context.close()
                    if person.faults:
                        sys.exit(f"pictures: {picture.name} did what no page may: {person.faults}")
        browser.close()
        write_tour(pictures(sample))
    sizes = [image.stat().st_size for image in IMAGES.glob("*.webp")]
    print(f"{len(sizes)} pictures, {sum(sizes) / 1e6:.1f} MB, in {IMAGES}")


if __name__ == "__main__":
    main(sys.argv[1:])
