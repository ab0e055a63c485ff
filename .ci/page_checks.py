"""What pages in headless Chromium are held to, those of reports and of boards."""

import sys
from pathlib import Path

import axe_playwright_python

FLAGS = ["--no-sandbox", "--disable-gpu"]

_AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe*.js")).read_text()

_VIOLATIONS = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter((it) => ["serious", "critical"].includes(it.impact))
  .map((it) => `${it.id}: ${it.nodes.length} × ${it.nodes[0].html.slice(0, 160)} ${it.nodes[0].failureSummary}`)"""

# What reaches beyond the page, but for what lies in a scroller of its own.
_BEYOND = """(scrollers) => [...document.querySelectorAll("body *")].filter((it) => {
  if (it.closest(`${scrollers}, .hidden, .skip, svg`) && !it.matches(scrollers)) return false;
  const box = it.getBoundingClientRect();
  return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
}).map((it) => `${it.tagName}.${it.className}`).slice(0, 5)"""


class Checks:
    """Counts checks, and names those that don't hold."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def __call__(self, holds, what):
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        if not holds:
            print(f"FAILED: {what}", flush=True)

    def page(self, page, where, scrollers):
        """A page as it lies: it doesn't scroll sideways, and has no serious fault for those who don't see it, or see little."""
        inside = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        self(inside, f"{where}: the page scrolls sideways: {beyond(page, scrollers)}")
        page.evaluate(_AXE)
        faults = page.evaluate(_VIOLATIONS)
        self(not faults, f"{where}: " + "\n  ".join(faults))

    def end(self):
        """Says how many held, and ends the program."""
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(self.failed > 0)


def beyond(page, scrollers):
    """The elements that reach beyond the page, but for those within these, which scroll by themselves."""
    return page.evaluate(_BEYOND, scrollers)
