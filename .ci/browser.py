"""Holds a report's page in headless Chromium to what it should do: browser.py CHROMIUM REPORT OUT."""

import sys
from pathlib import Path

from page_checks import FLAGS, Checks, beyond
from playwright.sync_api import sync_playwright

chromium, report, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
check = Checks()

# What scrolls by itself.
SCROLLERS = ".scroll, pre, nav"


def look(page, width, scheme):
    """The page as it lies: nothing beyond its edge, no serious fault, a picture of it."""
    where = f"{width} px, {scheme}"
    page.goto((report / "index.html").as_uri())
    page.wait_for_load_state("load")
    for figure in page.locator("figure").all():
        figure.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    check.page(page, where, SCROLLERS)
    outside = beyond(page, SCROLLERS)
    check(not outside, f"{where}: beyond the edge: {outside}")
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=out / f"page-{width}-{scheme}.png", full_page=True)
    page.screenshot(path=out / f"top-{width}-{scheme}.png")


def order(page):
    """What was run, claims, figures, tables."""
    ids = page.evaluate('[...document.querySelectorAll("main > section")].map((it) => it.id)')
    expected = [name for name in ["run", "claims", "problems", "figures", "results", "checklist", "provenance"] if name in ids]
    check(ids == expected and "run" in ids, f"the sections are {ids}")


def use_figures(page):
    """Values under the pointer and by the keyboard, a legend that hides, a range that is dragged."""
    surfaces = page.locator(".wide .surface")
    tips = 0
    for surface in surfaces.all():
        surface.scroll_into_view_if_needed()
        box = surface.bounding_box()
        for across in (0.5, 0.3, 0.7, 0.1, 0.9):
            for up in (0.5, 0.3, 0.7, 0.9, 0.1):
                page.mouse.move(box["x"] + across * box["width"], box["y"] + up * box["height"])
            if page.locator(".wide .tip:visible").count():
                tips += 1
                break
    check(tips >= 0.6 * surfaces.count(), f"{tips} of {surfaces.count()} panels say a value under the pointer")
    if page.locator(".wide .tip:visible").count():
        page.screenshot(path=out / "tip.png")
    surface = surfaces.first
    surface.scroll_into_view_if_needed()
    surface.focus()
    page.keyboard.press("ArrowRight")
    first = page.locator(".wide .tip:visible").first.inner_text()
    page.keyboard.press("ArrowRight")
    second = page.locator(".wide .tip:visible").first.inner_text()
    check(first and first != second, f"the arrows read values: {first!r}, {second!r}")
    box = surface.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=4)
    page.mouse.up()
    check(page.locator("svg.zoomed").count() == 1, "dragging zooms")
    page.screenshot(path=out / "zoomed.png")
    page.locator(".reset:visible").first.click()
    check(page.locator("svg.zoomed").count() == 0, "all is shown again")
    entry = page.locator(".wide .entry[role=button]").first
    entry.scroll_into_view_if_needed()
    entry.click()
    hidden = page.locator(".wide .stretched.is-hidden, .wide .moved.is-hidden").count()
    check(entry.get_attribute("aria-pressed") == "false" and hidden > 0, "a legend's line hides its group")
    entry.focus()
    page.keyboard.press("Enter")
    hidden = page.locator(".wide .stretched.is-hidden, .wide .moved.is-hidden").count()
    check(entry.get_attribute("aria-pressed") == "true" and hidden == 0, "and shows it again, by the keyboard too")


def use_tables(page):
    """A table that is sorted, filtered and opened."""
    table = page.locator("[data-table=results]").first
    rows = table.locator("tbody tr:not(.seed)")
    last = table.locator("thead th").last
    last.locator(".sort").click()
    check(last.get_attribute("aria-sort") == "ascending", "a click sorts, and says so")
    values = [float(it) for it in rows.evaluate_all("(all) => all.map((row) => row.lastElementChild.dataset.value ?? NaN)")]
    check(all(not a > b for a, b in zip(values, values[1:])), f"rows are in order: {values}")
    last.locator(".sort").click()
    check(last.get_attribute("aria-sort") == "descending", "another click turns it round")
    opener = table.locator(".open").first
    opener.click()
    check(table.locator("tr.seed").count() > 0 and opener.get_attribute("aria-expanded") == "true", "a point opens to its runs")
    opener.click()
    check(table.locator("tr.seed").count() == 0, "and closes")
    name = last.get_attribute("data-name")
    middle = sorted(values)[len(values) // 2]
    table.locator("input").fill(f"{name} < {middle}")
    left = rows.locator("visible=true").count()
    check(left == sum(value < middle for value in values), f"{name} < {middle} leaves {left} of {values}")
    check(f"{left} of {len(values)}" in table.locator("output").inner_text(), "how many are left is said")
    table.locator("input").fill("no point is called so")
    check(rows.locator("visible=true").count() == 0, "words filter")
    table.locator("input").fill("")


def first_column(page):
    """On a narrow page the first column stays where it is."""
    scroller = page.locator("[data-table=results] .scroll").first
    scroller.scroll_into_view_if_needed()
    head = scroller.locator("tbody th").first
    before = head.bounding_box()["x"]
    scroller.evaluate("(it) => { it.scrollLeft = 200; }")
    check(abs(head.bounding_box()["x"] - before) < 2, "the first column stays")
    page.screenshot(path=out / "table-390.png")


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    errors = []
    for width, height in ((1440, 900), (390, 844)):
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("request", lambda request: errors.append(request.url) if not request.url.startswith("file:") else None)
            look(page, width, scheme)
            if (width, scheme) == (1440, "light"):
                order(page)
                use_figures(page)
                use_tables(page)
            if (width, scheme) == (390, "light"):
                first_column(page)
            page.close()
    check(not errors, f"errors of the script, or calls for the network: {errors}")
    size = (report / "index.html").stat().st_size
    check(size < 40 << 20, f"the page has {size} bytes")
    browser.close()
check.end()
