"""The site as a reader has it: built without a warning, no link dead, and read in a real browser.

It needs the extra `docs`, and a Chromium on PATH for the browser. HCSRT_SITE names the folder of a site that is built
already, and HCSRT_SCREENSHOTS the folder for screenshots, which is one beside the site otherwise.
"""

import functools
import importlib
import os
import pkgutil
import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest

import hcsrt
from hcsrt import _addresses, _codes, _hresults, emulator, faults
from hcsrt.documents import answers, builders
from hcsrt.documents._names import FAMILY_OF
from hcsrt.errors import explain

from ..helpers.browser import CHROMIUM

DOCS = Path(__file__).resolve().parents[2] / "docs"
PHONE = {"width": 360, "height": 740}
ROOT = "http://site/"
DESKTOP = {"width": 1280, "height": 900}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("sphinx") is None, reason="needs the extra docs"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    if given := os.environ.get("HCSRT_SITE"):
        return Path(given)
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-P", "-m", "sphinx", "-W", "--keep-going", "-q", str(DOCS), str(folder)]
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The address at which the site is served, on the loopback."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=site)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name == "id" and value:
                assert value not in self.anchors, f"two things are called {value}"
                self.anchors.add(value)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    return {
        path.relative_to(site).as_posix(): Page(path.read_text("utf-8"))
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
    }


def test_no_link_is_dead(site: Path, pages: dict[str, Page]) -> None:
    dead: list[str] = []
    internal: set[tuple[str, str]] = set()
    external: set[str] = set()
    for name, page in pages.items():
        for link in page.links:
            target, anchor = urldefrag(urljoin(f"{ROOT}{name}", link))
            if not target.startswith(ROOT):
                external.add(target)
                continue
            path = unquote(urlsplit(target).path.removeprefix("/")) or "index.html"
            internal.add((path, anchor))
            if not (site / path).is_file():
                dead.append(f"{name}: {link}")
            elif anchor and path in pages and unquote(anchor) not in pages[path].anchors:
                dead.append(f"{name}: {link} (no such anchor)")
    print(f"{len(pages)} pages, {len(internal)} targets on the site, {len(external)} elsewhere")
    assert dead == []
    assert len(internal) > 500
    assert [link for link in external if not link.startswith("https://")] == []


def test_a_docstring_leads_to_its_functions_of_hcs(pages: dict[str, Page]) -> None:
    functions = {anchor for anchor in pages["reference/functions.html"].anchors if anchor.startswith("Hcs")}
    assert len(functions) >= 60
    for name, least in (("python", 40), ("asyncio", 5)):
        linked = {urldefrag(link) for link in pages[f"reference/{name}.html"].links}
        assert len([link for link in linked if link.url == "functions.html" and link.fragment in functions]) >= least


def test_each_code_is_told_where_hcsrt_says(pages: dict[str, Page], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_addresses, "address", {"Documentation": "https://hcsrt.invalid"}.get)
    codes = set(_codes.MEANINGS)
    codes |= {code ^ 0x40000000 for code in codes if code >> 16 in (0x8037, 0xC037)}
    codes |= {code for code in vars(_hresults).values() if isinstance(code, int)}
    assert len(codes) > 150
    for code in sorted(codes):
        page, anchor = urldefrag(_addresses.page_of_error(explain(code).symbol) or "")
        assert page == "https://hcsrt.invalid/reference/errors.html"
        assert anchor in pages["reference/errors.html"].anchors, hex(code)


def test_an_example_in_a_docstring_is_code(site: Path) -> None:
    # What is only indented there would be a quotation here.
    quoting = [path.name for path in site.rglob("*.html") if "<blockquote" in path.read_text("utf-8")]
    assert quoting == []


def test_a_contestant_keeps_its_underscores(site: Path) -> None:
    page = (site / "explanation/performance.html").read_text("utf-8")
    assert "ctypes, __del__" in page
    assert "<strong>del" not in page


def test_every_page_can_be_reached_from_the_first(pages: dict[str, Page]) -> None:
    reached: set[str] = set()
    left = ["index.html"]
    while left:
        name = left.pop()
        if name in reached or name not in pages:
            continue
        reached.add(name)
        left += [urldefrag(urljoin(f"{ROOT}{name}", link)).url.removeprefix(ROOT) for link in pages[name].links]
    assert set(pages) - reached == set()


# The modules whose public names the reference tells, each as a name that can be looked up.
REFERENCE = {
    "hcsrt",
    "hcsrt.aio",
    "hcsrt.aio.service",
    "hcsrt.doctor",
    "hcsrt.documents",
    "hcsrt.emulator",
    "hcsrt.errors",
    "hcsrt.faults",
    "hcsrt.operations",
    "hcsrt.service",
}
# What other pages tell of, by what they call it.
ELSEWHERE = {
    "hcsrt.check_host": ("how-to/check-host.md", "python -m hcsrt.check_host"),
    "hcsrt.cli": ("reference/command-line.md", "hcsrt run"),
    "hcsrt.engine": ("reference/cython.md", "from hcsrt.engine cimport"),
}


def test_every_public_name_has_its_place(site: Path) -> None:
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    named = {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}
    for module in map(importlib.import_module, REFERENCE):
        # A compiled module has no __all__, and what it imports is not its own.
        own = {name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
        public = set(getattr(module, "__all__", None) or {name for name in own if name[0] != "_"})
        assert len(public) > 2
        for name in sorted(public):
            if module is not hcsrt and getattr(hcsrt, name, None) is getattr(module, name):
                continue  # that of hcsrt
            if module is emulator and getattr(faults, name, None) is getattr(module, name):
                continue  # that of hcsrt.faults
            assert f"{module.__name__}.{name}" in named
    # Its __all__ leaves them out, since they take time to import.
    late = {*FAMILY_OF, *answers.__all__, *builders.__all__}
    assert {f"hcsrt.documents.{name}" for name in late} <= named


def test_every_public_module_has_its_place() -> None:
    found = {module.name for module in pkgutil.iter_modules(hcsrt.__path__, "hcsrt.") if "._" not in module.name}
    assert found > ELSEWHERE.keys()
    for page, call in ELSEWHERE.values():
        assert call in (DOCS / page).read_text("utf-8")
    for name in sorted(found - REFERENCE - ELSEWHERE.keys()):
        # It has the sources of names of `hcsrt`.
        assert set(importlib.import_module(name).__all__) <= set(hcsrt.__all__), name


def test_no_title_names_a_version_that_nobody_has_released(pages: dict[str, Page], site: Path) -> None:
    titles = {re.findall("<title>(.*?)</title>", (site / name).read_text("utf-8"), re.DOTALL)[0] for name in pages}
    assert len(titles) > 30
    assert [title for title in titles if hcsrt.__version__ in title] == []


def test_what_nobody_has_seen_has_one_name() -> None:
    title = (DOCS / "unverified.md").read_text("utf-8").partition("\n")[0].removeprefix("# ")
    assert f"[{title}](unverified.md)" in (DOCS / "index.md").read_text("utf-8")


# In the browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("needs a Chromium on PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def screenshots(site: Path) -> Path:
    folder = Path(os.environ.get("HCSRT_SCREENSHOTS") or site.parent / "screenshots")
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def opened(browser: Any, viewport: dict[str, int], scheme: str = "light") -> Iterator[Any]:
    """A page of the browser, on which an error of a script or a missing file fails the test."""
    failures: list[str] = []
    with browser.new_page(viewport=viewport, color_scheme=scheme) as tab:
        tab.on("pageerror", lambda error: failures.append(str(error)))
        tab.on("response", lambda response: response.status < 400 or failures.append(response.url))
        yield tab
    assert failures == []


# Whether a thing is in the upper half of what a reader sees.
IN_SIGHT = """id => {
    const top = document.getElementById(id).getBoundingClientRect().top;
    return 0 <= top && top < innerHeight / 2;
}"""


@pytest.mark.parametrize(
    ("words", "page", "anchor"),
    [
        ("0x80370102", "reference/errors.html", "hcs-e-hyperv-not-installed"),
        ("0xC0370102", "reference/errors.html", "hcs-e-hyperv-not-installed"),
        ("-2143878910", "reference/errors.html", "hcs-e-hyperv-not-installed"),
        ("2151088386", "reference/errors.html", "hcs-e-hyperv-not-installed"),
        ("HCS_E_HYPERV_NOT_INSTALLED", "reference/errors.html", "hcs-e-hyperv-not-installed"),
        ("ERROR_VMCOMPUTE_HYPERV_NOT_INSTALLED", "reference/errors.html", "hcs-e-hyperv-not-installed"),
        ("E_OUTOFMEMORY", "reference/errors.html", "e-outofmemory"),
        ("kick_off", "reference/python.html", "hcsrt.operations.kick_off"),
        ("scratch", "glossary.html", "term-scratch"),
        ("HcsSaveComputeSystem", "reference/functions.html", "HcsSaveComputeSystem"),
    ],
)
def test_the_search_leads_there(
    browser: Any, address: str, screenshots: Path, words: str, page: str, anchor: str
) -> None:
    with opened(browser, DESKTOP) as tab:
        tab.goto(address)
        tab.fill(".sidebar-search", words)
        tab.press(".sidebar-search", "Enter")
        tab.wait_for_selector("#search-results .search li a")
        tab.wait_for_function("document.querySelector('#search-results .search-summary')?.innerText.includes('found')")
        if words == "0x80370102":
            tab.screenshot(path=screenshots / "search.png")
        with tab.expect_navigation():
            tab.click("#search-results .search li a")
        assert urlsplit(tab.url).path == f"/{page}"
        # The reader is taken to the place, not only to the page; the browser scrolls smoothly.
        tab.wait_for_function(IN_SIGHT, arg=anchor, timeout=10_000)
        if words == "0x80370102":
            tab.wait_for_timeout(1000)
            tab.screenshot(path=screenshots / "error.png")


def names_of_pages(site: Path) -> list[str]:
    return [path.relative_to(site).as_posix() for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]


# What sticks out of the page, for which a reader would have to scroll sideways; only a block of code may do so.
OVERFLOW = """() => [...document.querySelectorAll('.mobile-header *, .content *')]
    .filter(element => element.getBoundingClientRect().right > innerWidth && !element.parentElement.closest('pre'))
    .slice(0, 3).map(element => element.outerHTML.slice(0, 200))"""

# The text whose contrast with what is behind it is less than that which people with weak eyes need.
PALE = """() => {
    const numbers = color => color.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const color = numbers(getComputedStyle(element).backgroundColor);
            if (color.length === 3 || color[3] === 1) return color;
        }
        return [255, 255, 255];
    };
    const found = {};
    const walker = document.createTreeWalker(document.querySelector('article'), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement;
        if (!node.data.trim() || !element.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
        const [a, b] = [light(numbers(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
        const contrast = (a + 0.05) / (b + 0.05);
        const name = `${element.tagName} ${element.className}`;
        if (contrast < 4.5) found[name] ??= `${contrast.toFixed(2)}: ${node.data.trim().slice(0, 40)}`;
    }
    return found;
}"""


def test_what_is_too_wide_or_too_pale_is_found(browser: Any, address: str) -> None:
    with opened(browser, PHONE) as tab:
        tab.goto(address)
        bad = """<div class="wide" style="width: 500px">wide</div><span class="pale" style="color: #aaa">pale</span>
            <div style="overflow: auto"><p style="width: 500px">scrolls</p></div>"""
        tab.evaluate("bad => document.querySelector('article p').insertAdjacentHTML('beforeend', bad)", bad)
        wide, scrolling = tab.evaluate(OVERFLOW)
        assert wide.startswith('<div class="wide"')
        assert scrolling.startswith("<p")
        assert list(tab.evaluate(PALE)) == ["SPAN pale"]


# The pages whose screenshots are kept.
SHOWN = {
    "explanation/performance.html",
    "index.html",
    "reference/errors.html",
    "reference/functions.html",
    "reference/python.html",
    "unverified.html",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_reads_well_on_a_phone(
    browser: Any, address: str, site: Path, screenshots: Path, scheme: str
) -> None:
    wrong: list[str] = []
    with opened(browser, PHONE, scheme) as tab:
        for name in names_of_pages(site):
            tab.goto(address + name)
            wrong += [f"{name} is too wide: {what}" for what in tab.evaluate(OVERFLOW)]
            wrong += [f"{name} is pale: {what} {text}" for what, text in tab.evaluate(PALE).items()]
            if name in SHOWN:
                tab.screenshot(path=screenshots / f"phone-{scheme}-{Path(name).stem}.png", full_page=True)
    assert wrong == []


def test_no_table_scrolls_on_a_desktop(browser: Any, address: str, site: Path) -> None:
    scrolls = "() => [...document.querySelectorAll('.table-wrapper')].filter(e => e.scrollWidth > e.clientWidth).length"
    with opened(browser, DESKTOP) as tab:
        tables = 0
        for name in names_of_pages(site):
            tab.goto(address + name)
            assert (name, tab.evaluate(scrolls)) == (name, 0)
            tables += tab.locator(".table-wrapper").count()
    assert tables > 50


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_page_shows_its_picture(browser: Any, address: str, screenshots: Path, scheme: str) -> None:
    with opened(browser, DESKTOP, scheme) as tab:
        tab.goto(address)
        shown = tab.locator("article img:visible")
        assert shown.count() == 1
        assert shown.evaluate("picture => picture.naturalWidth") > 0
        tab.screenshot(path=screenshots / f"first-{scheme}.png")
        for name in ("reference/python", "reference/cython", "explanation/performance", "glossary", "how-to/run"):
            tab.goto(f"{address}{name}.html")
            tab.screenshot(path=screenshots / f"{scheme}-{Path(name).stem}.png")


@pytest.mark.parametrize("name", ["index.html", "explanation/performance.html"])
def test_a_picture_follows_the_switch_of_the_page(browser: Any, address: str, name: str) -> None:
    seen: dict[tuple[str, str], bytes] = {}
    for system in ("light", "dark"):
        with opened(browser, DESKTOP, system) as tab:
            tab.goto(address + name)
            for switched in ("auto", "light", "dark"):
                tab.evaluate("theme => { document.body.dataset.theme = theme }", switched)
                seen[system, switched] = tab.locator("article img").first.screenshot()
    light, dark = seen["light", "auto"], seen["dark", "auto"]
    assert light != dark
    assert seen["light", "light"] == seen["dark", "light"] == light
    assert seen["light", "dark"] == seen["dark", "dark"] == dark


def test_a_block_of_code_can_be_copied(browser: Any, address: str) -> None:
    with opened(browser, DESKTOP) as tab:
        tab.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        tab.goto(address)
        tab.hover("article .highlight-python")
        tab.click("article .highlight-python button.copybtn")
        copied = tab.evaluate("navigator.clipboard.readText()")
    (program,) = re.findall(r"^```python\n(.*?)^```$", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert copied.strip() == program.strip()
