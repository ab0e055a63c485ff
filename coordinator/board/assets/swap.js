// Brings a page to what the server says now, node by node, so that focus, scroll, selection, open details and what is typed stay.

// What the server sent for an element, before scripts added to it.
const sent = new WeakMap();

const LIVE = "[data-live][id]";

/** Notes what the server sent, for later comparisons; to be called before scripts change the page. */
export function remember(root) {
  for (const element of root.querySelectorAll(LIVE)) sent.set(element, element.outerHTML);
}

/** The topics that the page shows. */
export function topics() {
  const found = new Set();
  for (const element of document.querySelectorAll("[data-live]")) {
    for (const topic of element.dataset.live.split(/\s+/)) found.add(topic);
  }
  return found;
}

/** The inner HTML of `main` out of an answer, whether it is that part alone or a whole page. */
export function part(text) {
  const template = document.createElement("template");
  template.innerHTML = text;
  const whole = template.content.querySelector("main");
  if (whole) return whole;
  const main = document.createElement("main");
  main.append(template.content);
  return main;
}

/** Swaps the live elements that differ; all of `main` where others are live than before, or charts came. Says whether anything did. */
export function swapLive(fresh) {
  const main = document.getElementById("main");
  const wanted = [...fresh.querySelectorAll(LIVE)];
  const there = new Set([...main.querySelectorAll(LIVE)].map((it) => it.id));
  const charts = (root) => root.querySelectorAll("figure.chart").length;
  if (wanted.length !== there.size || wanted.some((it) => !there.has(it.id)) || charts(fresh) !== charts(main)) {
    swapMain(fresh);
    return true;
  }
  const changed = wanted.filter((it) => !it.parentElement?.closest(LIVE))
    .map((it) => [document.getElementById(it.id), it])
    .filter(([old, it]) => sent.get(old) !== it.outerHTML);
  keeping(() => {
    for (const [old, it] of changed) {
      const html = htmlOf(it);
      morph(old, it);
      note(old, html);
    }
  });
  return changed.length > 0;
}

/** What an answer says is wrong, in words; `null` if it says nothing. */
export function complaint(text) {
  const page = part(text);
  const words = page.querySelector("[role=alert]") ?? (page.querySelector("h1") ? null : page);
  return words?.textContent.trim().slice(0, 400) || null;
}

/** Brings `main` to what an answer says, keeping each node that is still right. */
export function swapMain(fresh) {
  const main = document.getElementById("main");
  const html = htmlOf(fresh);
  keeping(() => morphChildren(main, fresh));
  note(main, html);
}

/** The HTML of the live elements below and at a node, by id. */
function htmlOf(root) {
  const all = [...root.querySelectorAll(LIVE)];
  if (root.matches(LIVE)) all.push(root);
  return new Map(all.map((it) => [it.id, it.outerHTML]));
}

function note(root, html) {
  const all = [...root.querySelectorAll(LIVE)];
  if (root.matches(LIVE)) all.push(root);
  for (const element of all) if (html.has(element.id)) sent.set(element, html.get(element.id));
}

/** Does `change`, and puts the focus and the selection of a field back if a node had to move. */
function keeping(change) {
  const focused = document.activeElement;
  const range = focused && "selectionStart" in focused ? selection(focused) : null;
  change();
  if (!focused || focused === document.body || document.activeElement === focused) return;
  const back = focused.isConnected ? focused : focused.id ? document.getElementById(focused.id) : null;
  back?.focus({ preventScroll: true });
  if (back && range) back.setSelectionRange(...range);
}

function selection(field) {
  // Fields of numbers and the like have no selection.
  return field.selectionStart === null ? null : [field.selectionStart, field.selectionEnd, field.selectionDirection];
}

/** What a node is known by among its siblings: its id, or where its row leads. */
function key(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return null;
  if (node.id) return node.id;
  if (node.dataset.key) return node.dataset.key;
  return node.nodeName === "TR" ? node.querySelector("a[href]")?.getAttribute("href") ?? null : null;
}

/** What scripts added, which the server knows nothing about. */
const own = (node) => node.nodeType === Node.ELEMENT_NODE && node.hasAttribute("data-own");

const alike = (one, other) => one.nodeName === other.nodeName && one.dataset?.chart === other.dataset?.chart;

/** Attributes that belong to the reader once the page is there. */
const READERS = new Map([["DETAILS", "open"], ["DIALOG", "open"], ["TIME", "title"]]);

function morph(old, fresh) {
  // A chart draws into its plot itself.
  if (old.matches("figure.chart .plot")) return;
  for (const { name, value } of [...fresh.attributes]) {
    if (READERS.get(old.nodeName) !== name && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (READERS.get(old.nodeName) !== name && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const wanted = [...fresh.childNodes];
  const keys = new Set(wanted.map(key).filter(Boolean));
  const keyed = new Map();
  for (const child of [...old.childNodes]) {
    const name = own(child) ? null : key(child);
    if (name && keys.has(name) && !keyed.has(name)) keyed.set(name, child);
    else if (name) child.remove();
  }
  const skip = (node) => {
    while (node && own(node)) node = node.nextSibling;
    return node;
  };
  let at = skip(old.firstChild);
  for (const node of wanted) {
    const name = key(node);
    let match = name ? keyed.get(name) : at;
    keyed.delete(name);
    if (!name) {
      while (match && (own(match) || key(match) || !alike(match, node))) match = match.nextSibling;
    } else if (match && !alike(match, node)) {
      if (match === at) at = skip(at.nextSibling);
      match.remove();
      match = null;
    }
    if (!match) {
      old.insertBefore(node, at);
      continue;
    }
    if (match === at) at = skip(at.nextSibling);
    else old.insertBefore(match, at);
    if (match.nodeType === Node.ELEMENT_NODE) {
      if (!match.isEqualNode(node)) morph(match, node);
    } else if (match.nodeValue !== node.nodeValue) {
      match.nodeValue = node.nodeValue;
    }
  }
  while (at) {
    const next = skip(at.nextSibling);
    at.remove();
    at = next;
  }
}
