#!/usr/bin/env python3
"""The links of the documentation, in its sources and in the built book.

    .ci/book_links.py sources       every tracked Markdown file: files and headings that links name are there, and SUMMARY has every page
    .ci/book_links.py stage FOLDER  what mdBook reads: the pages of docs/SUMMARY.md and the files that they link to, at their paths in the
                                    repository, and nothing else
    .ci/book_links.py site FOLDER   the built book: whatever its pages link to is in it, and they load nothing from the network

Links to other sites are listed by `sources`, with the page that has them, and never fetched. Exit code 1 if a link is broken.
"""

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

SUMMARY = PurePosixPath("docs/SUMMARY.md")
DECISIONS = PurePosixPath("docs/decisions")
# Code: blocks, and spans within a paragraph. Links in it are none.
FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+|~~~+).*?^ *(?P=fence)[ \t]*$", re.M | re.S)
SPAN = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\s*\n).)*?(?<!`)(?P=ticks)(?!`)", re.S)
# `](target)` or `](target "title")`; a target may have parentheses in pairs.
LINK = re.compile(r"\]\((?P<target>(?:[^()\s]|\([^()\s]*\))+)(?:\s+\"[^\"]*\")?\)")
DEFINITION = re.compile(r"^ {0,3}\[[^\]^]+\]:\s*(?P<target>\S+)", re.M)
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(?P<text>.*?)\s*#*\s*$", re.M)


def tracked():
    """The repository's files, those that aren't committed yet among them."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], check=True, capture_output=True, text=True).stdout
    return {PurePosixPath(name) for name in listed.split("\0") if name and Path(name).is_file()}


def links(text):
    """The targets of a Markdown text's links and images."""
    text = SPAN.sub("``", FENCE.sub("", text))
    return [found["target"].strip("<>") for pattern in (LINK, DEFINITION) for found in pattern.finditer(text)]


def anchors(text):
    """The names that a Markdown text's headings have, on forges and in the book."""
    names, count = set(), defaultdict(int)
    for found in HEADING.finditer(FENCE.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found["text"])
        name = "".join(letter for letter in words.lower() if letter.isalnum() or letter in " -_").replace(" ", "-")
        names.add(f"{name}-{count[name]}" if count[name] else name)
        count[name] += 1
    return names | set(re.findall(r"\bid=\"([^\"]+)\"", text))


def is_outside(target):
    """Whether a link leads to another site."""
    return bool(urlsplit(target).scheme) or target.startswith("//")


def within(page, target):
    """The path that a link of a page names, from the root; none if it leaves that."""
    parts = []
    for part in (page.parent / unquote(target)).parts:
        if part == ".." and not parts:
            return None
        parts = parts[:-1] if part == ".." else [*parts, part]
    return PurePosixPath(*parts)


def pages():
    """The book's pages in their order."""
    return [within(SUMMARY, target) for target in links(Path(SUMMARY).read_text())]


def check_sources():
    """What is wrong with the links of Markdown files, and the links to other sites."""
    files, in_book, wrong, outside = tracked(), pages(), [], defaultdict(set)
    folders = {folder for file in files for folder in file.parents}
    for page in sorted(file for file in files if file.suffix == ".md"):
        for target in links(Path(page).read_text()):
            if is_outside(target):
                outside[target].add(str(page))
                continue
            path, _, fragment = target.partition("#")
            named = within(page, path) if path else page
            if named in folders and named not in files:
                # A forge shows a folder, a book has no page for one.
                if page in in_book:
                    wrong.append(f"{page}: {target} is a folder: name a file of it")
            elif named not in files:
                wrong.append(f"{page}: {target} isn't there")
            elif fragment and named.suffix == ".md" and unquote(fragment) not in anchors(Path(named).read_text()):
                wrong.append(f"{page}: {target}: {named} has no such heading")
            elif page in in_book and named.suffix == ".md" and named not in in_book:
                wrong.append(f"{page}: {target} is no page of the book: {SUMMARY} doesn't list it")
    listed = {file for file in files if file.parts[0] == "docs" and file.suffix == ".md"} - {SUMMARY}
    wrong += [f"{page}: {SUMMARY} doesn't list it" for page in sorted(listed - set(in_book))]
    wrong += [f"{SUMMARY}: {page} stands there twice" for page in sorted({page for page in in_book if in_book.count(page) > 1})]
    index = DECISIONS / "README.md"
    named = {within(index, target) for target in links(Path(index).read_text()) if not is_outside(target)}
    wrong += [f"{page}: {index} doesn't list it" for page in sorted(listed) if page.parent == DECISIONS and page not in named | {index}]
    return wrong, outside


def stage(folder):
    """Copies the pages and what they link to into a folder, where SUMMARY.md names pages by their paths in the repository."""
    shutil.rmtree(folder, ignore_errors=True)
    files, in_book = tracked(), pages()
    needed = set(in_book)
    for page in in_book:
        targets = (target.partition("#")[0] for target in links(Path(page).read_text()) if not is_outside(target))
        # A link to Markdown that is no page would be one to a page that isn't made: `sources` names it.
        needed |= {named for target in targets if target and (named := within(page, target)) in files and named.suffix != ".md"}
    for file in needed:
        copy = folder / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    summary = LINK.sub(lambda found: f"]({within(SUMMARY, found['target'])})", Path(SUMMARY).read_text())
    (folder / "SUMMARY.md").write_text(summary)
    return len(in_book), len(needed) - len(in_book)


class Page(HTMLParser):
    """What a page of the built book links to, what it loads, and the names within it."""

    def __init__(self, text):
        super().__init__()
        self.linked, self.loaded, self.names = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Notes an element's links and names."""
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.names.add(value)
            elif name == "href" and tag == "a":
                self.linked.append(value or "")
            elif (name == "href" and tag == "link") or name in ("src", "poster", "data") or (name == "href" and tag == "use"):
                self.loaded.append(value or "")


def check_site(folder):
    """What is wrong with the links of the built book, and how many pages it has."""
    # The page for what isn't found is served for any path: its links are from the root of a server.
    files = {PurePosixPath(file.relative_to(folder).as_posix()): file for file in folder.rglob("*") if file.is_file()}
    read = {name: Page(file.read_text()) for name, file in files.items() if name.suffix == ".html" and name.name != "404.html"}
    wrong = []
    for name, page in sorted(read.items()):
        wrong += [f"{name}: loads {target} from another site" for target in page.loaded if is_outside(target) and not target.startswith("data:")]
        for target in page.linked + page.loaded:
            if is_outside(target):
                continue
            path, _, fragment = target.partition("#")
            path = path.partition("?")[0]
            named = within(name, path) if path else name
            if named not in files:
                wrong.append(f"{name}: {target} isn't in the book")
            elif fragment and named in read and unquote(fragment) not in read[named].names:
                wrong.append(f"{name}: {target}: no such heading")
    return wrong, len(read)


def told(wrong, what):
    """Says what is wrong; exits with 1 if anything is."""
    for one in wrong:
        print(one, file=sys.stderr)
    print(f"{what}: {len(wrong)} broken links")
    sys.exit(1 if wrong else 0)


def main():
    """Does what is asked."""
    match sys.argv[1:]:
        case ["sources"]:
            wrong, outside = check_sources()
            for target, where in sorted(outside.items()):
                print(f"elsewhere, not fetched: {target} ({', '.join(sorted(where))})")
            told(wrong, "Markdown")
        case ["stage", folder]:
            count, files = stage(Path(folder))
            print(f"{count} pages and {files} files that they link to")
        case ["site", folder]:
            wrong, count = check_site(Path(folder))
            if not count:
                wrong.append(f"{folder}: no page is in it")
            told(wrong, f"{count} pages of the book")
        case _:
            sys.exit(__doc__)


main()
