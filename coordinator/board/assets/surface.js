// A canvas that answers: marks under the pointer and by the keyboard, a tip beside them, a click that opens.

import { css } from "./palette.js";
import { make, Tip } from "./parts.js";
import { shown, ticks } from "./format.js";
import { open } from "./navigation.js";

export const FONT = '12px Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';

/** A canvas in a chart. `draw(context, width, height)` draws it, in the style sheet's pixels. */
export class Surface {
  constructor(parent, { label, draw, find, step }) {
    Object.assign(this, { draw, find, step, current: null });
    this.box = make("div", { className: "surface" });
    this.canvas = make("canvas", { tabIndex: 0, aria: { role: "application", label, roledescription: "chart" } });
    this.words = make("span", { className: "hidden", aria: { live: "polite" } });
    this.box.append(this.canvas, this.words);
    parent.append(this.box);
    this.tip = new Tip(this.box);
    this.pending = 0;
    this.listen();
  }

  get width() { return this.canvas.clientWidth; }
  get height() { return this.canvas.clientHeight; }

  listen() {
    const { canvas } = this;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("pointermove", (event) => {
      if (this.holds) return;
      const [x, y] = at(event);
      this.point(this.find(x, y), x, y);
    });
    canvas.addEventListener("pointerleave", () => { if (!this.holds) this.point(null); });
    canvas.addEventListener("click", (event) => {
      const found = this.find(...at(event));
      // On a touch screen the first touch shows, the second opens.
      const opens = found?.href && (this.lastPointer !== "touch" || this.touched === found.href);
      this.touched = found?.href;
      this.point(found, ...at(event));
      if (opens && !this.dragged) open(found.href);
    });
    canvas.addEventListener("pointerdown", (event) => { this.lastPointer = event.pointerType; });
    canvas.addEventListener("blur", () => this.point(null));
    canvas.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.current?.href) {
        open(this.current.href);
      } else if (event.key === "Escape") {
        this.point(null);
      } else if (event.key.startsWith("Arrow")) {
        const next = this.step(this.current, event.key.slice(5).toLowerCase());
        if (next) {
          this.point(next, next.x, next.y);
          this.words.textContent = next.lines.join(", ");
        }
      } else {
        return;
      }
      event.preventDefault();
    });
  }

  /** Shows a mark's words: `{ x, y, lines, href }`. */
  point(found, x, y) {
    const isOther = found?.id !== this.current?.id;
    this.current = found;
    this.canvas.classList.toggle("opens", Boolean(found?.href));
    this.tip.show(found ? found.lines : null, x ?? 0, y ?? 0);
    if (isOther) this.redraw();
  }

  /** Draws at the next frame. */
  redraw() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.paint();
    });
  }

  paint() {
    const { width, height, canvas } = this;
    if (width === 0 || height === 0) return;
    const scale = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = FONT;
    this.draw(context, width, height);
  }
}

/** Where a column's values lie between `from` and `to`; texts and few numbers at places of their own. */
export class Scale {
  constructor(column, all, from, to, most = 6) {
    Object.assign(this, { column, from, to });
    const known = all.filter((it) => it !== null && it !== undefined);
    const isText = column.kind === "text" || known.some((it) => typeof it !== "number");
    if (isText) {
      this.values = [...new Set(known.map(String))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
      this.ticks = this.values.map((value) => [value, value]);
      return;
    }
    const numbers = known.filter(Number.isFinite);
    let [low, high] = [Infinity, -Infinity];
    for (const value of numbers) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (!(high >= low)) [low, high] = [0, 1];
    this.isLog = Boolean(column.log) && low > 0;
    this.low = low;
    this.high = high;
    this.range = high > low ? [this.along(low), this.along(high)] : [this.along(low) - 0.5, this.along(low) + 0.5];
    const few = [...new Set(numbers)].sort((a, b) => a - b);
    this.few = few.length <= 8 ? few : null;
    const at = this.few && column.role === "parameter" ? few : ticks(low, high, this.isLog, most);
    this.ticks = at.map((value) => [value, shown(value, 3)]);
  }

  along(value) { return this.isLog ? Math.log(value) : value; }
  get isText() { return this.values !== undefined; }

  /** From 0 to 1; `null` for what has no place. */
  share(value) {
    if (value === null || value === undefined) return null;
    if (this.isText) {
      const at = this.values.indexOf(String(value));
      return at < 0 ? null : (at + 0.5) / this.values.length;
    }
    if (!Number.isFinite(value) || (this.isLog && value <= 0)) return null;
    return (this.along(value) - this.range[0]) / (this.range[1] - this.range[0]);
  }

  place(value) {
    const share = this.share(value);
    return share === null ? null : this.from + share * (this.to - this.from);
  }

  /** Of a place, the value there; of texts, the nearest. */
  at(place) {
    const share = Math.min(1, Math.max(0, (place - this.from) / (this.to - this.from)));
    if (this.isText) return this.values[Math.min(this.values.length - 1, Math.floor(share * this.values.length))];
    const along = this.range[0] + share * (this.range[1] - this.range[0]);
    return this.isLog ? Math.exp(along) : along;
  }
}

/** Words that fit, cut with an ellipsis where they don't. */
export function fitted(context, words, width) {
  if (context.measureText(words).width <= width) return words;
  let length = words.length;
  while (length > 1 && context.measureText(`${words.slice(0, length)}…`).width > width) length -= 1;
  return `${words.slice(0, length)}…`;
}

/** Draws two axes around a plot of `[left, top, right, bottom]`, with a grid behind. Labels that would touch are left out. */
export function axes(context, [left, top, right, bottom], x, y, labelX, labelY) {
  context.lineWidth = 1;
  context.strokeStyle = css("--line");
  context.fillStyle = css("--muted");
  context.textAlign = "right";
  context.textBaseline = "middle";
  let free = Infinity;
  for (const [value, words] of [...y.ticks].sort((a, b) => y.place(b[0]) - y.place(a[0]))) {
    const at = Math.round(y.place(value)) + 0.5;
    context.beginPath();
    context.moveTo(left, at);
    context.lineTo(right, at);
    context.stroke();
    if (at > free) continue;
    context.fillText(fitted(context, words, left - 14), left - 7, at);
    free = at - 15;
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  free = -Infinity;
  const room = x.isText ? (right - left) / x.values.length - 4 : 90;
  for (const [value, words] of x.ticks) {
    const at = Math.round(x.place(value)) + 0.5;
    context.beginPath();
    context.moveTo(at, bottom);
    context.lineTo(at, bottom + 4);
    context.stroke();
    const text = fitted(context, words, Math.max(room, 24));
    const width = context.measureText(text).width;
    if (at - width / 2 < free) continue;
    context.fillText(text, at, bottom + 7);
    free = at + width / 2 + 6;
  }
  context.strokeStyle = css("--muted");
  context.strokeRect(left + 0.5, top + 0.5, right - left, bottom - top);
  context.fillStyle = css("--ink");
  context.textBaseline = "alphabetic";
  context.fillText(fitted(context, labelX, right - left), (left + right) / 2, bottom + 38);
  context.textAlign = "left";
  context.fillText(fitted(context, labelY, right), 2, top - 10);
}
