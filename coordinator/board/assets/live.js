// What changes on the server comes to the page: a stream of topics, and the page's live elements fetched anew.

import { isUnsettled, showPart } from "./page.js";
import { clock } from "./format.js";
import { heard, now } from "./time.js";
import { part, swapLive, topics } from "./swap.js";

// The server says something every 15 s; without a word for so long, in milliseconds, the connection is dead.
const SILENCE = 40_000;
const LONGEST_WAIT = 10_000;
// After how long a page that isn't ready is asked for again, in milliseconds.
const AGAIN = 1500;
// The least time between two fetches of the page, in milliseconds.
const REST = 400;

let connection = null;
let lostAt = null;
let failures = 0;
let again = 0;

/** What the stream of this page is about. */
const source = () => `/events${document.body.dataset.sweep ? `?sweep=${encodeURIComponent(document.body.dataset.sweep)}` : ""}`;

function tellConnection() {
  let line = document.getElementById("connection");
  if (!line) {
    line = document.createElement("p");
    line.id = "connection";
    line.setAttribute("role", "status");
    document.body.append(line);
  }
  const words = lostAt === null ? "" : `Not connected since ${clock(lostAt)}: what is shown may have changed. Trying again.`;
  if (line.textContent !== words) line.textContent = words;
}

/** The events of a stream's bytes, one after the other; comments come as events without a name. */
async function* events(body) {
  let rest = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replace(/\r\n?/g, "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { name: "", data: "" };
      for (const line of block.split("\n")) {
        const [, field, text] = /^(\w+): ?(.*)$/.exec(line) ?? [];
        if (field === "event") event.name = text;
        if (field === "data") event.data += text;
      }
      yield event;
    }
  }
}

async function listen(mine) {
  let watchdog = 0;
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => mine.abort(), SILENCE);
  };
  try {
    alive();
    const answer = await fetch(mine.source, { headers: { Accept: "text/event-stream" }, cache: "no-store", signal: mine.signal });
    if (!answer.ok || !answer.body) throw new Error(`${answer.status}`);
    [lostAt, failures] = [null, 0];
    tellConnection();
    // What changed before this stream began, it doesn't tell.
    refresh([...topics()]);
    for await (const event of events(answer.body)) {
      alive();
      if (event.name === "changed") take(event.data);
    }
  } catch {
    // Tried again below, whatever it was.
  }
  clearTimeout(watchdog);
  if (connection !== mine) return;
  connection = null;
  lostAt ??= now();
  failures += 1;
  // A stream that ends and comes back at once is no news.
  if (failures > 1) tellConnection();
  const wait = Math.min(LONGEST_WAIT, 250 * 2 ** failures) * (0.75 + Math.random() / 2);
  again = setTimeout(connect, failures === 1 ? 100 : wait);
}

function connect() {
  clearTimeout(again);
  if (document.hidden || connection) return;
  const mine = new AbortController();
  connection = { signal: mine.signal, abort: () => mine.abort(), source: source() };
  listen(connection);
}

function disconnect() {
  clearTimeout(again);
  const mine = connection;
  connection = null;
  mine?.abort();
}

function take(data) {
  let message;
  try {
    message = JSON.parse(data);
  } catch {
    return;
  }
  heard(message.at);
  refresh(Array.isArray(message.topics) ? message.topics : []);
}

let inFlight = false;
let waiting = new Set();
let last = 0;

/** Fetches the page anew if it shows one of these topics, and tells the charts; never twice at once. */
function refresh(changed) {
  document.dispatchEvent(new CustomEvent("board:changed", { detail: new Set(changed) }));
  const shown = topics();
  for (const topic of changed) if (shown.has(topic)) waiting.add(topic);
  if (!inFlight && waiting.size > 0) fetchPart();
}

async function fetchPart() {
  inFlight = true;
  await new Promise((go) => setTimeout(go, Math.max(0, last + REST - performance.now())));
  waiting = new Set();
  const at = location.pathname + location.search;
  try {
    const answer = await fetch(at, { headers: { "Board-Part": "main", Accept: "text/html" }, cache: "no-store", credentials: "same-origin" });
    const text = await answer.text();
    // The reader may have gone elsewhere meanwhile.
    if (at === location.pathname + location.search) put(answer, text);
  } catch {
    // The stream notices, and says so.
  }
  last = performance.now();
  inFlight = false;
  if (waiting.size > 0) fetchPart();
}

function put(answer, text) {
  if (isUnsettled()) {
    // Another page than the one that said to wait, with another head.
    if (answer.status !== 503) location.reload();
  } else if (answer.redirected) {
    location.assign(answer.url);
  } else if (answer.status === 401 || answer.status === 403 || answer.status === 404) {
    showPart(text);
  } else if (answer.ok && (answer.headers.get("content-type") ?? "").startsWith("text/html") && swapLive(part(text))) {
    document.dispatchEvent(new CustomEvent("board:swapped"));
  }
}

/** Keeps the page true while it is looked at; a page in the background asks for nothing. */
export function start() {
  connect();
  setInterval(() => { if (isUnsettled() && !document.hidden && !inFlight) fetchPart(); }, AGAIN);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      disconnect();
    } else {
      connect();
    }
  });
  document.addEventListener("board:page", () => {
    if (connection && connection.source === source()) return;
    disconnect();
    connect();
  });
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", connect);
}
