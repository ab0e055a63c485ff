// Times that say how long ago they were, by the server's clock.

import { duration } from "./format.js";

// How far the server's clock is ahead of this machine's, in milliseconds.
let ahead = 0;

/** Now, by the server's clock, in milliseconds since 1970. */
export const now = () => Date.now() + ahead;

/** Learns the server's clock from a message that has just arrived. */
export function heard(at) {
  if (Number.isFinite(at)) ahead = at - Date.now();
}

/** Rewrites each time below `root` that has changed its words. */
export function tell(root = document) {
  for (const element of root.querySelectorAll("time[data-ago]")) {
    const at = Date.parse(element.dateTime);
    if (Number.isNaN(at)) continue;
    const since = now() - at;
    const words = since < -1500 ? `in ${duration(-since)}` : since < 1500 ? "just now" : `${duration(since)} ago`;
    if (element.textContent !== words) element.textContent = words;
    if (!element.title) element.title = new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "long" });
  }
}

/** Keeps times true while the page is looked at. */
export function start() {
  tell();
  setInterval(() => { if (!document.hidden) tell(); }, 1000);
}
