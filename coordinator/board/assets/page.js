// The page that is shown: fetched, put in place, and told of to everything that lives on it.

import { part, remember, swapMain } from "./swap.js";

// The status of the answer that is shown: 503 is a page that will be there in a moment.
let status = performance.getEntriesByType("navigation")[0]?.responseStatus ?? 200;

/** Whether the server asked to look again in a moment. */
export const isUnsettled = () => status === 503;

/** Tells all that lives on a page that there is another one. */
export const changed = () => document.dispatchEvent(new CustomEvent("board:page"));

/** Says something for a while at the page's edge, and to screen readers. */
export function say(words) {
  let line = document.getElementById("said");
  if (!line) {
    line = document.createElement("p");
    line.id = "said";
    line.setAttribute("role", "status");
    document.body.append(line);
  }
  line.textContent = words;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { line.textContent = ""; }, 8000);
}

let asked = null;

/** Asks this server for a page; `null` where a later question came first. No answer is kept: a part must never stand for its page. */
export async function ask(url, options = {}) {
  asked?.abort();
  asked = new AbortController();
  const mine = asked;
  const busy = setTimeout(() => document.documentElement.classList.add("busy"), 200);
  try {
    const answer = await fetch(url, { cache: "no-store", credentials: "same-origin", signal: mine.signal, ...options });
    const text = await answer.text();
    return { answer, text, isPage: (answer.headers.get("content-type") ?? "").startsWith("text/html") };
  } catch (error) {
    if (error.name === "AbortError") return null;
    say("The board doesn't answer.");
    return null;
  } finally {
    clearTimeout(busy);
    if (asked === mine) document.documentElement.classList.remove("busy");
  }
}

/** Whether a page belongs to another version of the board than the scripts that run. */
function isNewer(page) {
  const source = (of) => of.querySelector('script[src*="board.js"]')?.getAttribute("src");
  return source(page) !== undefined && source(page) !== source(document);
}

/** Puts a whole page, of an answer's text and status, in place of this one. Says whether it could. */
export function show(text, answered) {
  status = answered;
  const page = new DOMParser().parseFromString(text, "text/html");
  const main = page.getElementById("main");
  if (!main || isNewer(page)) return false;
  document.title = page.title;
  for (const name of ["topics", "sweep"]) {
    if (page.body.dataset[name] === undefined) delete document.body.dataset[name];
    else document.body.dataset[name] = page.body.dataset[name];
  }
  const header = document.querySelector("body > header");
  const other = page.querySelector("body > header");
  if (header && other) header.replaceChildren(...other.childNodes);
  const here = document.getElementById("main");
  here.className = main.className;
  here.replaceChildren(...main.childNodes);
  remember(here);
  changed();
  return true;
}

/** Shows the inner HTML of `main` in place of what it holds, keeping what is the same. */
export function showPart(text) {
  swapMain(part(text));
  changed();
}

/** Leads the reader to the page's head, or to what its address names. */
export function lead(hash) {
  const named = hash.length > 1 ? document.getElementById(decodeURIComponent(hash.slice(1))) : null;
  if (named) {
    named.scrollIntoView();
    return;
  }
  scrollTo({ top: 0, behavior: "instant" });
  const head = document.querySelector("#main h1") ?? document.getElementById("main");
  if (!head.hasAttribute("tabindex")) head.tabIndex = -1;
  head.focus({ preventScroll: true });
}
