"""Holds the dashboard and the alerts of deploy/monitoring to what they should be; see .ci/monitoring.

monitoring.py files RULES          the files themselves; writes every expression of the dashboard as a rule
monitoring.py wait URL SERIES N    until a series has this value
monitoring.py told URL SERIES...   until there is a series of each of these names, whatever its labels and value
monitoring.py scrape URL FILE      a page of metrics into a file
monitoring.py pages FILE...        whether pages have what the files name
"""

import json
import re
import sys
import time
import urllib.request
from pathlib import Path

import yaml

FOLDER = Path("deploy/monitoring")
DOCS = Path("docs/measuring.md")
# Grafana puts these in.
VARIABLES = {"$__rate_interval": "5m", "$job": ".*"}
# Units that Grafana knows, and words that are put behind a number.
UNITS = {"none", "s", "bytes", "percentunit", "cps"}
SELECTOR = re.compile(r"\b((?:basin|process)_[a-z_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
# What Prometheus itself adds to every series.
ADDED = {"job", "instance"}


def fail(what):
    sys.exit(f"FAILED: {what}")


def expect(condition, what):
    if not condition:
        fail(what)


def dashboard():
    return json.loads((FOLDER / "dashboard.json").read_text())


def alerts():
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions():
    """Every expression of the dashboard, with where it stands."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            yield panel["title"], expression


def check_dashboard():
    board = dashboard()
    expect(board["schemaVersion"] >= 36 and board["uid"] and board["id"] is None, "the dashboard isn't one that can be imported")
    variables = {variable["name"]: variable["type"] for variable in board["templating"]["list"]}
    expect(variables == {"datasource": "datasource", "job": "query"}, f"variables: {variables}")
    source = {"type": "prometheus", "uid": "${datasource}"}
    taken, ids, titles = set(), set(), set()
    for panel in board["panels"]:
        title = panel["title"]
        expect(title and title not in titles and panel["id"] not in ids, f"{title}: a title or an id that is there twice")
        titles.add(title)
        ids.add(panel["id"])
        place = panel["gridPos"]
        expect(place["x"] + place["w"] <= 24, f"{title} reaches beyond the edge")
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        expect(not cells & taken, f"{title} lies over another panel")
        taken |= cells
        if panel["type"] == "row":
            continue
        expect(len(panel["description"]) > 20, f"{title} has no description")
        unit = panel["fieldConfig"]["defaults"]["unit"]
        expect(unit in UNITS or unit.startswith("suffix:"), f"{title}: unit {unit}")
        expect(panel["datasource"] == source and panel["targets"], f"{title}: its source")
        for target in panel["targets"]:
            expect(target["datasource"] == source and target["legendFormat"], f"{title}: {target['expr']} has no source or no name")
            expect('job=~"$job"' in target["expr"], f"{title}: {target['expr']} mixes clusters")
    return len(titles)


def check_alerts():
    names = [rule["alert"] for rule in alerts()]
    expect(len(set(names)) == len(names), "an alert is there twice")
    for rule in alerts():
        expect(rule["labels"] in ({"severity": "critical"}, {"severity": "warning"}), f"{rule['alert']}: labels")
        expect({"summary", "description"} == set(rule["annotations"]), f"{rule['alert']}: annotations")
    stories = yaml.safe_load((FOLDER / "alerts.test.yaml").read_text())["tests"]
    told = {test["alertname"] for story in stories for test in story["alert_rule_test"] if test.get("exp_alerts")}
    expect(told == set(names), f"in no story these fire: {set(names) - told}")
    documented = set(re.findall(r"^\| `(Basin\w+)`", DOCS.read_text(), re.M))
    expect(documented == set(names), f"{DOCS} and the alerts differ in {documented ^ set(names)}")
    return len(names)


def files(rules):
    panels, warnings = check_dashboard(), check_alerts()
    records = [{"record": f"expression:{number}", "expr": expression} for number, (_, expression) in enumerate(expressions())]
    Path(rules).write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}))
    print(f"{panels} panels and rows, {len(records)} expressions, {warnings} alerts")


def page(url):
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        return answer.read().decode()


def wait(url, series, value):
    deadline = time.monotonic() + 120
    text = ""
    while time.monotonic() < deadline:
        try:
            text = page(url)
        except OSError:
            pass
        if f"{series} {value}" in text.splitlines():
            return
        time.sleep(0.2)
    fail(f"{series} never was {value}:\n{text}")


def told(url, *names):
    deadline = time.monotonic() + 120
    missing = set(names)
    while time.monotonic() < deadline:
        missing = set(names) - {name for name, _ in series([page(url)])}
        if not missing:
            return
        time.sleep(0.2)
    fail(f"nobody tells {sorted(missing)}")


def series(texts):
    """Each series of some pages: its name, its labels."""
    for text in texts:
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, _, labels = line.rpartition(" ")[0].partition("{")
                yield name, dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))


def pages(*paths):
    known = {}
    for name, labels in series(Path(path).read_text() for path in paths):
        known.setdefault(name, []).append(labels)
    used = set()
    everything = [(rule["alert"], rule["expr"]) for rule in alerts()] + list(expressions())
    for where, expression in everything:
        for name, matchers in SELECTOR.findall(expression):
            expect(name in known, f"{where}: no page has {name}")
            used.add(name)
            for label, operator, wanted in MATCHER.findall(matchers):
                if label in ADDED:
                    continue
                values = {labels.get(label) for labels in known[name]}
                # A word that no series has would never match, whatever happens.
                words = wanted.split("|") if operator in ("=~", "!~") else [wanted]
                missing = [word for word in words if word not in values]
                expect(not missing, f"{where}: {name} has no {label} {missing}, but {sorted(map(str, values))}")
    base = {re.sub(r"_(bucket|sum|count)$", "", name) for name in known}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}
    print(f"{len(everything)} expressions name {len(used)} metrics, all of which a coordinator has")
    expect(base == shown, f"on the page, and neither on the dashboard nor in an alert: {sorted(base - shown)}")


COMMANDS = {"files": files, "wait": wait, "told": told, "scrape": lambda url, path: Path(path).write_text(page(url)), "pages": pages}
COMMANDS[sys.argv[1]](*sys.argv[2:])
