"""Holds the board of a real coordinator in headless Chromium to what it should do: board.py CHROMIUM BASIN OUT PORT.

Two ports from PORT on are taken: the coordinator's, and the board's."""

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from page_checks import FLAGS, Checks
from playwright.sync_api import TimeoutError as Late
from playwright.sync_api import sync_playwright

chromium, basin, out, port = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
coordinator, board = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
folder = Path(tempfile.mkdtemp())
check = Checks()

# A change is on the page so many seconds after it was acknowledged.
SOON = 2.0
# A filter of 100,000 tasks should take so many milliseconds; machines are noisy, so that only the other is a failure.
QUICK, TOO_SLOW = 100, 1000

# Nothing calls elsewhere, the browser neither.
QUIET = [*FLAGS, "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
# What scrolls by itself.
SCROLLERS = ".scroll, pre"

TINY = """
name = "tiny"

[[experiment]]
id = "fits"
kind = "fit-function"
function = "sin"
interval = [-3.0, 3.0]
points = 64
hidden = [16]
seeds = 6
epochs = 60_000
optimizer = "adam"
grid = { learning_rate = [1e-6, 1e-2] }

[[claim]]
text = "The tiny step leaves a larger loss"
check = { kind = "greater", y = "final_train_loss", a = { experiment = "fits", learning_rate = 1e-6 }, b = { experiment = "fits", learning_rate = 1e-2 } }

[[figure]]
kind = "curves"
experiment = "fits"
y = "train_loss"
"""

LONG = """
name = "long"

[[experiment]]
id = "fits"
kind = "fit-function"
function = "sin"
interval = [-3.0, 3.0]
points = 512
hidden = [64, 64]
seeds = 6
epochs = 900_000
optimizer = "adam"
learning_rate = 1e-3
"""

MANY = f"""
name = "many"

[[experiment]]
id = "fits"
kind = "fit-function"
function = "sin"
interval = [-3.0, 3.0]
points = 64
hidden = [8]
epochs = 10
optimizer = "adam"

[experiment.grid]
learning_rate = {[round(1e-4 * (at + 1), 7) for at in range(500)]}
weight_decay = {[round(1e-5 * (at + 1), 7) for at in range(200)]}
"""

# Heads of columns whose numbers stand elsewhere.
ALIGNED = """() => [...document.querySelectorAll("main td.number")].filter((it) => {
  const head = it.closest("table").tHead?.rows[0]?.cells[it.cellIndex];
  return head && getComputedStyle(head).textAlign !== getComputedStyle(it).textAlign;
}).map((it) => it.closest("table").tHead.rows[0].cells[it.cellIndex].textContent).slice(0, 5)"""


def tail(path):
    """The end of a log, for whoever reads why."""
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join(lines[-15:])


def call(*arguments, role="admin"):
    """What the program prints; it must succeed."""
    done = subprocess.run([basin, *arguments, *(["--coordinator", coordinator, "--token-file", folder / role] if role else [])], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"FAILED: basin {' '.join(map(str, arguments))} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def launch(text):
    """Launches a sweep; its id, and when that was acknowledged."""
    name = re.search(r'name = "(\w+)"', text)[1]
    (folder / f"{name}.toml").write_text(text)
    call("launch", f"{name}.toml")
    at = time.monotonic()
    return re.search(rf"\b{name}-[0-9a-z]+", call("list"))[0], at


@contextlib.contextmanager
def running(name, *arguments):
    """A program in the background, killed at the end."""
    with open(out / f"{name}.log", "ab") as log:
        process = subprocess.Popen([basin, *arguments], cwd=folder, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def serving(state):
    """A coordinator with its board, on an empty state."""
    arguments = ["serve", "--listen", f"127.0.0.1:{port}", "--board", f"127.0.0.1:{port + 1}", "--state", folder / state, "--tokens", folder / "tokens.toml"]
    with running(f"serve-{state}", *arguments) as process:
        for _ in range(300):
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"{board}/login", timeout=2).close()
                break
            if process.poll() is not None:
                break
            time.sleep(0.1)
        else:
            process.kill()
            process.wait()
        if process.poll() is not None:
            raise SystemExit(f"FAILED: the board did not start\n{tail(out / f'serve-{state}.log')}")
        yield


class Visitor:
    """A browser of its own, signed in with the token of a role; whatever goes elsewhere, and each error of a script, is kept."""

    def __init__(self, browser, role, width=1440, height=900, scheme="light"):
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.faults = []
        self.context.on("request", lambda request: self.faults.append(request.url) if not request.url.startswith((board, "data:", "blob:")) else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        # The browser itself says each refusal; what else is said there is a script's or the policy's.
        self.page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" and "Failed to load resource" not in message.text else None)
        self.page.goto(f"{board}/login")
        self.page.fill("input[name=token]", (folder / role).read_text().strip())
        self.page.press("input[name=token]", "Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def go(self, path):
        """Opens a page by its address."""
        self.page.goto(board + path)

    def waits(self, selector, seconds, what):
        """Whether something is on the page within so many seconds; counted as a check."""
        try:
            self.page.locator(selector).first.wait_for(state="visible", timeout=max(1, seconds * 1000))
            check(True, what)
            return True
        except Late:
            check(False, f"{what}: not within {seconds:.1f} s; the page says:\n{self.page.inner_text('main')[:1200]}")
            return False

    def leads_to(self, beginning):
        """Where the page's first link to such an address leads; `None`, and a failure, if there is none."""
        link = f'main a[href^="{beginning}"]'
        return self.page.locator(link).first.get_attribute("href") if self.waits(link, 15, f"a link to {beginning}") else None

    def end(self, what):
        """Closes it, and holds it to having stayed on this machine."""
        self.context.close()
        check(not self.faults, f"{what}: errors of scripts, or calls for elsewhere: {self.faults[:5]}")


OUTCOME = "main [role=status], main [role=alert], main .notice, main .outcome"

# What the page says after a steering that isn't offered was asked for all the same.
ASKED = """async ([url, outcome]) => {
  const answer = await fetch(url, { method: "POST" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...page.querySelectorAll(outcome)].map((it) => it.textContent.trim()).join("\\n");
}"""


def steer(page, sweep, what):
    """Presses the button of a steering, answers the question before it, and says what the page then says."""
    button = page.locator(f'form[action$="/{what}"] button, button[formaction$="/{what}"]').first
    if button.count() == 0:
        return page.evaluate(ASKED, [f"/sweeps/{sweep}/{what}", OUTCOME])
    button.evaluate("(it) => it.closest('details')?.setAttribute('open', '')")
    button.click()
    with contextlib.suppress(Late):
        page.locator("dialog[open] .danger").click(timeout=1000)
    outcome = page.locator(OUTCOME)
    outcome.first.wait_for(timeout=10_000)
    return "\n".join(outcome.all_inner_texts())


def watch(viewer, browser):
    """A sweep from its launch to its verdict, as whoever looks sees it."""
    page = viewer.page
    viewer.go("/")
    page.wait_for_timeout(1500)
    sweep, at = launch(TINY)
    viewer.waits(f'main a[href="/sweeps/{sweep}"]', SOON - (time.monotonic() - at), "a launched sweep is listed within 2 s")
    page.locator(f'main a[href="/sweeps/{sweep}"]').first.click()
    page.wait_for_url(f"**/sweeps/{sweep}")
    viewer.waits("h1", 5, "its page opens without a load")
    viewer.waits(".verdict:has-text('undecided')", 15, "a claim without runs is undecided")
    page.screenshot(path=out / "undecided.png", full_page=True)
    call("pause", sweep)
    at = time.monotonic()
    viewer.waits(".state:has-text('paused')", SOON - (time.monotonic() - at), "a pause is seen within 2 s")
    call("resume", sweep)
    before = page.locator("main progress").first.get_attribute("value")
    with running("worker", "worker", "--coordinator", coordinator, "--token-file", folder / "worker", "--threads", "1", "--cache", folder / "cache"):
        with contextlib.suppress(Late):
            page.wait_for_function("(before) => document.querySelector('main progress').getAttribute('value') !== before", arg=before, timeout=60_000)
        check(page.locator("main progress").first.get_attribute("value") != before, "progress moves while one looks")
        viewer.waits(".verdict:not(:has-text('undecided'))", 240, "the claim gets a verdict while one looks")
        page.screenshot(path=out / "verdict.png", full_page=True)
        viewer.waits("figure.chart[data-chart=curves] canvas", 20, "curves are drawn")
        use_curves(page)
        long, _ = launch(LONG)
        viewer.go(f"/sweeps/{long}/tasks")
        viewer.waits(".state:has-text('running')", 60, "a running task is seen")
        every_view(browser, sweep, long)
        steering(viewer, browser, long)
    return sweep


def use_curves(page):
    """Values under the pointer and by the keyboard, a legend that hides."""
    chart = page.locator("figure.chart[data-chart=curves]").first
    chart.scroll_into_view_if_needed()
    entry = chart.locator(".entry").first
    entry.focus()
    page.keyboard.press("Enter")
    check(entry.get_attribute("aria-pressed") == "false", "a legend's line hides by the keyboard")
    page.wait_for_timeout(4000)
    check(entry.get_attribute("aria-pressed") == "false", "and stays hidden over changes")
    entry.click()
    chart.locator(".lines").focus()
    page.keyboard.press("ArrowRight")
    first = chart.locator(".tip").inner_text()
    page.keyboard.press("ArrowRight")
    check(first and first != chart.locator(".tip").inner_text(), "the arrows read values")


def look(visitor, name, path):
    """A page as it lies: nothing beyond its edge, no serious fault, a picture of it."""
    page, where = visitor.page, f"{path}, {visitor.where}"
    visitor.go(path)
    page.wait_for_timeout(1200)
    check(page.locator("h1").count() == 1, f"{where}: one heading")
    for figure in page.locator("figure.chart").all():
        figure.scroll_into_view_if_needed()
        page.wait_for_timeout(800)
    problems = page.locator("figure.chart .problem").all_inner_texts()
    check(not problems, f"{where}: {problems}")
    check.page(page, where, SCROLLERS)
    cut = page.evaluate("[...document.querySelectorAll('.heads button')].filter((it) => it.scrollHeight > it.clientHeight + 1).map((it) => it.textContent)")
    check(not cut, f"{where}: names of axes are cut: {cut}")
    apart = page.evaluate(ALIGNED)
    check(not apart, f"{where}: heads of numbers aren't where the numbers are: {apart}")
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=out / f"{name}-{visitor.where.replace(' px, ', '-')}.png", full_page=True)


def every_view(browser, sweep, long):
    """Each page of the board in both widths and both themes."""
    of = f"/sweeps/{sweep}"
    for width, height in ((1440, 900), (390, 844)):
        for scheme in ("light", "dark"):
            visitor = Visitor(browser, "viewer", width, height, scheme)
            visitor.where = f"{width} px, {scheme}"
            visitor.go(f"{of}/tasks")
            task = visitor.leads_to(f"{of}/tasks/")
            visitor.go(f"/sweeps/{long}/tasks?where=state%20%3D%20'running'")
            live = visitor.leads_to(f"/sweeps/{long}/tasks/")
            views = {
                "sweeps": "/", "overview": of, "tasks": f"{of}/tasks", "task": task, "running-task": live, "failures": f"{of}/failures",
                "workers": "/workers", "latencies": "/latencies", "long": f"/sweeps/{long}", "wrong-filter": f"{of}/tasks?where=nonsense%20%3D",
                **{f"points-{view}": f"{of}/points?view={view}" for view in ("parallel", "against", "heat", "importances")},
            }
            for name, path in views.items():
                if path:
                    look(visitor, name, path)
            visitor.end(f"every view at {visitor.where}")
    anybody = browser.new_context()
    page = anybody.new_page()
    page.goto(f"{board}/sweeps/{sweep}")
    check(page.locator("input[name=token]").count() == 1 or sweep not in page.content(), "nothing is shown to who isn't signed in")
    anybody.close()


def steering(viewer, browser, sweep):
    """A viewer is refused what an admin may."""
    viewer.go(f"/sweeps/{sweep}")
    said = steer(viewer.page, sweep, "cancel")
    viewer.page.screenshot(path=out / "refused.png")
    check(said.strip(), "a refusal is said")
    check(not re.search(r"\bcancelled\b", call("list")), f"a viewer doesn't cancel: {said}")
    admin = Visitor(browser, "admin")
    admin.go(f"/sweeps/{sweep}")
    viewer.go(f"/sweeps/{sweep}")
    viewer.page.wait_for_timeout(1500)
    said = steer(admin.page, sweep, "cancel")
    at = time.monotonic()
    admin.page.screenshot(path=out / "cancelled.png")
    check(re.search(r"\bcancelled\b", call("list")), f"an admin cancels: {said}")
    viewer.waits(".state:has-text('cancelled')", max(0.5, SOON - (time.monotonic() - at)), "whoever looks sees it within 2 s")
    admin.end("the admin's page")


def says(page, count):
    """Whether a page says a count, however its digits are grouped."""
    return re.search(rf"(?<!\d){count}(?!\d)", re.sub(r"(?<=\d)[,\s\u00a0\u2009\u202f](?=\d{3}(?!\d))", "", page.inner_text("main")))


def filters(browser):
    """100,000 tasks, filtered: how long each filter takes, as the page measures it."""
    sweep, _ = launch(MANY)
    viewer = Visitor(browser, "viewer")
    page = viewer.page
    # Nobody works here; the first look reads all tasks' names.
    for _ in range(60):
        viewer.go(f"/sweeps/{sweep}/tasks")
        if says(page, 100_000):
            break
        page.wait_for_timeout(1000)
    check(says(page, 100_000), "the board knows 100,000 tasks")
    field = page.locator("form[data-auto] [name=where]")
    took = []
    wanted = [("learning_rate > 0.049", 2000), ("weight_decay = 0.00001", 500), ("state = 'queued' and learning_rate < 0.0003", 400), ("learning_rate * 2 > 0.0999 or weight_decay > 0.00199", None), ("", 100_000)]
    for filter, matches in wanted:
        before = page.evaluate("performance.getEntriesByName('board:filter').length")
        field.fill(filter)
        try:
            page.wait_for_function("(before) => performance.getEntriesByName('board:filter').length > before", arg=before, timeout=30_000)
        except Late:
            check(False, f"the filter {filter!r} is answered")
            continue
        milliseconds = page.evaluate("performance.getEntriesByName('board:filter').at(-1).duration")
        took.append(milliseconds)
        rows = page.locator("main tbody tr").count()
        print(f"{filter or 'no filter'!r}: {milliseconds:.0f} ms, {rows} rows", flush=True)
        check(0 < rows <= 100, f"{filter!r} shows {rows} rows")
        if matches:
            check(says(page, matches), f"{filter!r} leaves {matches}: {page.inner_text('main')[:300]}")
    field.fill("no_such_column = 1")
    viewer.waits("main [role=alert]:has-text('no_such_column')", 5, "a wrong filter is said beside it")
    check(page.evaluate("document.activeElement.name") == "where", "the field keeps the focus")
    page.screenshot(path=out / "many.png")
    if took:
        worst = max(took)
        print(f"100,000 tasks filtered: {sorted(took)[len(took) // 2]:.0f} ms in the middle, {worst:.0f} ms at worst, from the request to the screen, beside 150 ms of waiting for the next key" + ("" if worst < QUICK else f"; more than {QUICK} ms"), flush=True)
        check(worst < TOO_SLOW, f"a filter took {worst:.0f} ms")
    viewer.end("the table of 100,000 tasks")


try:
    for role in ("viewer", "worker", "admin"):
        made = call("token", "create", "--role", role, "--name", role, "--tokens", folder / "tokens.toml", role=None)
        (folder / role).write_text(re.search(r"basin_[A-Za-z0-9_-]+", made)[0])
        (folder / role).chmod(0o600)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        with serving("state"):
            viewer = Visitor(browser, "viewer")
            watch(viewer, browser)
            viewer.end("the viewer's page")
        with serving("many"):
            filters(browser)
        browser.close()
finally:
    shutil.rmtree(folder, ignore_errors=True)
check.end()
