// Links, forms and history without a new load; everything works without it, by whole pages.

import { ask, lead, say, show, showPart } from "./page.js";
import { confirmed } from "./dialog.js";
import { make } from "./parts.js";
import { complaint, part } from "./swap.js";

const TYPING = 150;

/** Where the page lies that is shown: the address without its fragment. */
const place = (url) => url.pathname + url.search;
let shownPlace = place(location);

const isOurs = (url) => url.origin === location.origin && !/\.(json|svg|pdf|png|csv|parquet|toml|txt|zip)$/.test(url.pathname);

function keepScroll() {
  history.replaceState({ ...history.state, top: scrollY }, "");
}

/** Goes to a page of this board. `move` says what becomes of the history: `push`, `replace`, or `none`. */
async function visit(url, move) {
  const came = await ask(url, { headers: { Accept: "text/html" } });
  if (!came) return false;
  const at = new URL(came.answer.url || url);
  at.hash = new URL(url).hash;
  if (!came.isPage) {
    location.assign(url);
    return false;
  }
  if (move === "push") {
    keepScroll();
    history.pushState({ top: 0 }, "", at);
  } else if (move === "replace") {
    history.replaceState({ top: 0 }, "", at);
  }
  shownPlace = place(at);
  if (!show(came.text, came.answer.status)) location.reload();
  return true;
}

document.addEventListener("click", async (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[href]");
  if (!link || link.target || link.hasAttribute("download") || link.dataset.full !== undefined) return;
  const url = new URL(link.href);
  if (!isOurs(url) || (place(url) === place(location) && url.hash)) return;
  event.preventDefault();
  await open(url.href);
});

/** Opens a page of this board as a link does. */
export async function open(href) {
  const url = new URL(href, location.href);
  if (await visit(url.href, place(url) === shownPlace ? "replace" : "push")) lead(url.hash);
}

history.scrollRestoration = "manual";
addEventListener("popstate", async (event) => {
  if (place(location) === shownPlace) return;
  const top = event.state?.top ?? 0;
  if (await visit(location.href, "none")) scrollTo({ top, behavior: "instant" });
});

// Filters: the part that they ask for comes in while one types.

let timer = 0;
// The form that has already put an address of its own into the history since it was entered.
let entered = null;

/** The address that a form asks for, without fields that are empty. */
function address(form) {
  const url = new URL(form.action);
  url.search = "";
  for (const [name, value] of new FormData(form)) if (value !== "") url.searchParams.append(name, value);
  return url;
}

/** Says beside a form what an answer says is wrong. */
function trouble(form, text) {
  form.querySelector("[data-own]")?.remove();
  if (text === null) return;
  form.append(make("p", { className: "error", textContent: complaint(text) ?? "The board can't answer this.", data: { own: "" }, aria: { role: "alert" } }));
}

async function filter(form, started) {
  clearTimeout(timer);
  const url = address(form);
  const came = await ask(url, { headers: { "Board-Part": "main", Accept: "text/html" } });
  if (!came) return;
  if (!came.isPage || came.answer.redirected) {
    location.assign(came.answer.redirected ? came.answer.url : url);
    return;
  }
  if (place(url) !== shownPlace) {
    if (entered === form) history.replaceState(history.state, "", url);
    else {
      keepScroll();
      history.pushState({ top: scrollY }, "", url);
    }
    entered = form;
    shownPlace = place(url);
  }
  // An answer without the form, of a server that has trouble, would take away what is typed.
  const hasForm = part(came.text).querySelector("form[data-auto]") !== null;
  trouble(form, hasForm ? null : came.text);
  if (hasForm) showPart(came.text);
  // Two frames later it is on the screen.
  requestAnimationFrame(() => requestAnimationFrame(() => performance.measure("board:filter", { start: started })));
}

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-auto]");
  if (!form) return;
  clearTimeout(timer);
  timer = setTimeout(() => filter(form, performance.now()), TYPING);
});

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-auto]");
  if (form && !event.target.matches("input:not([type=checkbox], [type=radio]), textarea")) filter(form, performance.now());
});

document.addEventListener("board:page", () => {
  if (entered && !entered.isConnected) entered = null;
});

// Steering: a form is sent, and its outcome shown where one is.

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || !isOurs(new URL(form.action))) return;
  if (form.matches("[data-auto]")) {
    event.preventDefault();
    filter(form, performance.now());
    return;
  }
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  const isFull = form.dataset.full !== undefined || /^\/log(in|out)$/.test(new URL(form.action).pathname);
  if (form.method === "get") {
    if (isFull) return;
    event.preventDefault();
    await open(address(form).href);
    return;
  }
  if (form.method !== "post" || (isFull && !question)) return;
  event.preventDefault();
  if (question && !(await confirmed(question, event.submitter?.textContent ?? "Go on"))) return;
  if (isFull) {
    form.submit();
    return;
  }
  await send(form, event.submitter);
});

async function send(form, submitter) {
  const fields = new FormData(form, submitter);
  const action = submitter?.hasAttribute("formaction") ? submitter.formAction : form.action;
  if (submitter) submitter.disabled = true;
  const came = await ask(action, { method: "POST", body: new URLSearchParams([...fields]), headers: { Accept: "text/html" } });
  if (submitter) submitter.disabled = false;
  if (!came) return;
  const at = new URL(came.answer.url);
  // The page stays where nothing was done; the next change would take another away.
  trouble(form, came.answer.ok ? null : came.text);
  if (!came.answer.ok || !came.isPage) {
    if (came.answer.ok) say("Done.");
    return;
  }
  if (came.answer.redirected && place(at) !== shownPlace) {
    // The same page with an outcome is no other page to go back from.
    if (at.pathname === location.pathname) history.replaceState({ top: 0 }, "", at);
    else {
      keepScroll();
      history.pushState({ top: 0 }, "", at);
    }
    shownPlace = place(at);
  }
  if (!show(came.text, came.answer.status)) {
    location.reload();
    return;
  }
  const outcome = document.querySelector("#main [role=alert], #main [role=status], #main .outcome");
  if (!outcome) return;
  outcome.tabIndex = -1;
  outcome.focus();
}
