"""Looks at a page in a real browser."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
PROGRAM = next(filter(None, map(shutil.which, NAMES)), None)
needs_browser = pytest.mark.skipif(
    PROGRAM is None, reason=f"no browser: none of {', '.join(NAMES)} is on PATH"
)
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
)
# What stands in the figures: texts that lie on each other, and how small the text is.
TEXTS = """() => [...document.querySelectorAll("svg")].map(svg => {
  const texts = [...svg.querySelectorAll("text")];
  const boxes = texts.map(text => text.getBoundingClientRect());
  const overlaps = [];
  boxes.forEach((a, i) => boxes.slice(0, i).forEach((b, j) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > 3)
      overlaps.push(texts[j].textContent + " / " + texts[i].textContent);
  }));
  return {overlaps, height: Math.min(...boxes.map(box => box.height)),
          left: Math.min(...boxes.map(box => box.left)),
          right: Math.max(...boxes.map(box => box.right)),
          colour: getComputedStyle(texts[0]).fill};
})"""


class Look(NamedTuple):
    """What a browser makes of a page."""

    requests: list[str]  # addresses
    complaints: list[str]  # of the console, and errors of the page
    width: int  # of the page, whatever that of the window
    images: int
    named: int  # images with an accessible name in which a number stands
    texts: list[dict]  # of each image, as in TEXTS
    ink: str
    paper: str


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=PROGRAM, args=list(QUIET))
        yield opened
        opened.close()


def look(opened: Browser, file: Path, width: int, scheme: str) -> Look:
    page = opened.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(file.as_uri())
    body = "getComputedStyle(document.body)"
    seen = Look(
        requests=requests,
        complaints=complaints,
        width=page.evaluate("document.documentElement.scrollWidth"),
        images=page.locator("svg").count(),
        named=page.get_by_role("img", name=re.compile(r"\w.*\d")).count(),
        texts=page.evaluate(TEXTS),
        ink=page.evaluate(f"{body}.color"),
        paper=page.evaluate(f"{body}.backgroundColor"),
    )
    page.close()
    return seen
