// Parallel coordinates: an axis for each column, a line for each point. Axes move by dragging and by the keyboard; ranges on them choose.

import { FONT, Scale, Surface, fitted } from "./surface.js";
import { choice, make, values } from "./parts.js";
import { counted, shown } from "./format.js";
import { css, groupColor, lineRamp } from "./palette.js";
import { Points, asked, hasField } from "./points.js";
import { Ranges } from "./ranges.js";

// How high the axes are, the least that is above them, and what is below.
const AXES = 280;
const ABOVE = 58;
const BELOW = 42;
const SIDE = 64;
// The least distance of two axes; of more than fit, the chart scrolls.
const APART = 108;
// How near a line must be to the pointer, in pixels.
const NEAR = 7;

class Parallel {
  constructor(chart) {
    this.chart = chart;
    chart.choices.ranges ??= new Map();
    this.controls = make("div", { className: "tools" });
    this.count = make("output", {});
    this.scroller = make("div", { className: "scroll", tabIndex: -1 });
    this.inner = make("div", { className: "parallel" });
    this.scroller.append(this.inner);
    this.surface = new Surface(this.inner, {
      label: "Points as lines. Arrows left and right go from point to point, Enter opens its task.",
      draw: (context, width) => this.draw(context, width), find: (x, y) => this.find(x, y), step: (current, way) => this.step(current, way),
    });
    this.top = ABOVE;
    this.heads = make("div", { className: "heads" });
    this.inner.append(this.heads);
    this.editor = make("div", { className: "ranges" });
    this.legend = make("p", { className: "note scale" });
    this.note = make("p", { className: "note" });
    chart.plot.append(this.controls, this.scroller, this.editor, this.legend, this.note);
    this.ranges = new Ranges(this);
  }

  update(data) {
    this.points = new Points(data);
    const { points } = this;
    const usual = [...points.varying("parameter"), ...points.measures].map((it) => it.name);
    const kept = (this.chart.choices.order ?? []).filter((name) => usual.includes(name));
    // A new column comes last; one that is gone leaves no gap.
    this.order = this.chart.choices.order = [...kept, ...usual.filter((name) => !kept.includes(name))];
    for (const name of this.chart.choices.ranges.keys()) if (!usual.includes(name)) this.chart.choices.ranges.delete(name);
    this.scales = new Map(usual.map((name) => [name, new Scale(points.column(name), points.all(name), this.bottom, this.top, 5)]));
    this.hasGaps = new Map(usual.map((name) => [name, points.all(name).some((it) => it === null)]));
    this.settle();
    this.color();
    this.writeControls();
    this.select();
    this.note.textContent = points.note;
    const measures = points.measures.map((it) => it.label).join(", ");
    this.chart.describe(`${counted(points.rows.length, "point")} as lines over ${counted(this.order.length, "axis").replace("axiss", "axes")}: ${this.order.map((it) => points.column(it).label).join(", ")}. Measured: ${measures || "nothing yet"}.`);
    values(this.chart.figure, points.columns.map((it) => it.label), points.rows.map((row) => row.map((it) => shown(it))));
  }

  get bottom() { return this.top + AXES; }

  /** Puts the heads at their places, and the axes below the tallest of them: no name is cut. */
  settle() {
    this.writeHeads();
    this.top = Math.max(ABOVE, ...[...this.heads.children].map((it) => it.offsetHeight + 14));
    this.surface.canvas.style.height = `${this.bottom + BELOW}px`;
    for (const scale of this.scales.values()) Object.assign(scale, { from: this.bottom, to: this.top });
    this.lay();
  }

  /** Where each column's values lie, once for all redraws. Points without a value go below the axis. */
  lay() {
    this.laid = new Map(this.order.map((name) => {
      const scale = this.scales.get(name);
      return [name, Float32Array.from(this.points.all(name), (it) => scale.place(it) ?? this.bottom + 16)];
    }));
  }

  writeControls() {
    const { points, chart } = this;
    const options = points.columns.filter((it) => this.order.includes(it.name)).map((it) => [it.name, it.label]);
    const form = JSON.stringify(options);
    if (form === this.form) return;
    this.form = form;
    this.clear = make("button", { type: "button", textContent: "Clear ranges" });
    this.clear.addEventListener("click", () => this.ranges.clear());
    this.controls.replaceChildren(...[
      hasField("by") ? null : choice("Colour by", options, this.by ?? "", (name) => {
        chart.choices.by = name;
        this.color();
        this.select();
      }),
      this.clear, this.count,
    ].filter(Boolean));
  }

  /** The colour of each point: of quantities by the ramp, of texts by groups. */
  color() {
    const { points, chart } = this;
    this.by = hasField("by") ? asked(points, "by", points.measures[0]?.name) : chart.choices.by ?? points.measures[0]?.name;
    if (!this.scales.has(this.by)) this.by = points.measures[0]?.name ?? this.order[0];
    const scale = this.scales.get(this.by);
    this.colors = scale?.isText ? scale.values.map((_, at) => groupColor(at)) : lineRamp();
    const last = this.colors.length - 1;
    this.kinds = points.all(this.by).map((value) => {
      if (scale?.isText) return scale.values.indexOf(String(value));
      const share = scale?.share(value) ?? null;
      return share === null ? -1 : Math.round(share * last);
    });
    this.writeLegend(scale);
  }

  writeLegend(scale) {
    if (!scale) return;
    const { label } = this.points.column(this.by);
    if (scale.isText) {
      const entries = scale.values.slice(0, 20).map((value, at) => {
        const dot = make("i", { className: "dot" });
        dot.style.background = this.colors[at];
        return make("span", {}, dot, value);
      });
      this.legend.replaceChildren(`${label}: `, ...entries);
      return;
    }
    const bar = make("i", { className: "bar" });
    bar.style.background = `linear-gradient(to right, ${this.colors.join(", ")})`;
    this.legend.replaceChildren(`${label}: ${shown(scale.low)} `, bar, ` ${shown(scale.high)}${scale.isLog ? ", logarithmic" : ""}`);
  }

  /** Which points the ranges leave. */
  select() {
    this.chosen = this.points.rows.map((row) => this.ranges.leave((name) => this.points.value(row, name)));
    const left = this.chosen.filter(Boolean).length;
    this.count.textContent = `${left.toLocaleString("en")} of ${counted(this.points.rows.length, "point")}`;
    if (this.clear) this.clear.disabled = this.chart.choices.ranges.size === 0;
    this.surface.redraw();
  }

  /** The axes' places across. */
  place(at) {
    const width = this.surface.width - 2 * SIDE;
    return SIDE + (this.order.length > 1 ? (at / (this.order.length - 1)) * width : width / 2);
  }

  /** How wide an axis' head may be: not into the next, nor beyond the chart. */
  room(at) {
    const apart = this.order.length > 1 ? this.place(1) - this.place(0) - 6 : 200;
    return at === 0 || at === this.order.length - 1 ? Math.min(apart, 2 * SIDE - 4) : apart;
  }

  writeHeads() {
    this.inner.style.minWidth = `${2 * SIDE + (this.order.length - 1) * APART}px`;
    const focused = document.activeElement?.closest?.(".heads") ? document.activeElement.dataset.name : null;
    this.heads.replaceChildren(...this.order.map((name, at) => {
      const head = make("button", {
        type: "button", textContent: this.points.column(name).label, data: { name }, title: `${this.points.column(name).label}. Drag to move; choose to set a range`,
        aria: { label: `${this.points.column(name).label}, axis ${at + 1} of ${this.order.length}. Arrows move it, Enter sets a range.`, expanded: this.ranges.edited === name },
      });
      head.classList.toggle("ranged", this.chart.choices.ranges.has(name));
      head.style.left = `${this.place(at)}px`;
      head.style.maxWidth = `${this.room(at)}px`;
      head.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        this.move(name, this.order.indexOf(name) + step);
      });
      this.drags(head, name);
      return head;
    }));
    if (focused) [...this.heads.children].find((it) => it.dataset.name === focused)?.focus({ preventScroll: true });
  }

  /** Puts an axis elsewhere among the others. */
  move(name, to) {
    const from = this.order.indexOf(name);
    if (to < 0 || to >= this.order.length || from === to) return;
    this.order.splice(to, 0, ...this.order.splice(from, 1));
    this.settle();
    this.surface.words.textContent = `${this.points.column(name).label}: axis ${to + 1} of ${this.order.length}`;
    this.surface.redraw();
  }

  /** Lets the pointer move an axis by its head; a mere click opens its range. */
  drags(head, name) {
    let start = null;
    head.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      start = { x: event.clientX, left: this.place(this.order.indexOf(name)), moved: false };
      head.setPointerCapture(event.pointerId);
    });
    head.addEventListener("pointermove", (event) => {
      if (!start || (!start.moved && Math.abs(event.clientX - start.x) < 5)) return;
      start.moved = true;
      start.at = start.left + event.clientX - start.x;
      head.style.left = `${start.at}px`;
      head.classList.add("dragged");
    });
    const drop = () => {
      if (start?.moved) {
        const gap = this.place(1) - this.place(0);
        const to = Math.max(0, Math.min(this.order.length - 1, Math.round((start.at - SIDE) / gap)));
        // Either way the head is made anew, so that the click which follows a drag meets nothing.
        if (to === this.order.indexOf(name)) this.writeHeads();
        else this.move(name, to);
      }
      start = null;
    };
    head.addEventListener("pointerup", drop);
    head.addEventListener("pointercancel", drop);
    head.addEventListener("click", () => this.ranges.edit(name));
  }

  draw(context, width) {
    const columns = this.order.map((name) => this.laid.get(name));
    const across = this.order.map((_, at) => this.place(at));
    const line = (row) => {
      context.moveTo(across[0], columns[0][row]);
      if (columns.length === 1) context.lineTo(across[0] + 12, columns[0][row]);
      for (let at = 1; at < columns.length; at += 1) context.lineTo(across[at], columns[at][row]);
    };
    if (columns.length > 0) this.drawLines(context, line);
    this.drawAxes(context, across);
    const { current } = this.surface;
    if (!current || columns.length === 0) return;
    context.strokeStyle = css("--ink");
    context.lineWidth = 2.5;
    context.beginPath();
    line(current.id);
    context.stroke();
  }

  drawLines(context, line) {
    const rows = new Map();
    const left = [];
    this.kinds.forEach((kind, row) => {
      if (!this.chosen[row]) left.push(row);
      else if (rows.has(kind)) rows.get(kind).push(row);
      else rows.set(kind, [row]);
    });
    const stroke = (all, color, opacity) => {
      context.strokeStyle = color;
      context.globalAlpha = opacity;
      // Paths of a few hundred lines are drawn faster than one of thousands.
      for (let from = 0; from < all.length; from += 200) {
        context.beginPath();
        for (const row of all.slice(from, from + 200)) line(row);
        context.stroke();
      }
    };
    const count = this.kinds.length - left.length;
    context.lineWidth = count > 500 ? 1 : 1.4;
    context.lineJoin = "bevel";
    stroke(left, css("--line"), left.length > 500 ? 0.35 : 0.8);
    for (const [kind, all] of [...rows].sort((a, b) => a[0] - b[0])) {
      stroke(all, kind < 0 ? css("--muted") : this.colors[kind % this.colors.length], Math.max(0.25, Math.min(0.95, 12 / Math.sqrt(count + 1))));
    }
    context.globalAlpha = 1;
  }

  drawAxes(context, across) {
    context.font = FONT;
    context.lineWidth = 1.5;
    this.order.forEach((name, at) => {
      const x = across[at];
      const scale = this.scales.get(name);
      context.strokeStyle = css("--ink");
      context.beginPath();
      context.moveTo(x, this.top);
      context.lineTo(x, this.bottom);
      context.stroke();
      const range = this.ranges.extent(name, scale);
      if (range) {
        context.fillStyle = css("--link");
        context.globalAlpha = 0.35;
        context.fillRect(x - 8, range[0], 16, Math.max(2, range[1] - range[0]));
        context.globalAlpha = 1;
      }
      context.textAlign = "left";
      context.textBaseline = "middle";
      let free = Infinity;
      const labels = [...scale.ticks, ...(this.hasGaps.get(name) ? [[null, "none"]] : [])];
      for (const [value, words] of labels.map((it) => [scale.place(it[0]) ?? this.bottom + 16, it[1]]).sort((a, b) => b[0] - a[0])) {
        if (value > free) continue;
        const text = fitted(context, words, at === this.order.length - 1 ? SIDE - 10 : 86);
        context.lineWidth = 4;
        context.strokeStyle = css("--paper");
        context.strokeText(text, x + 6, value);
        context.fillStyle = css("--ink");
        context.fillText(text, x + 6, value);
        context.lineWidth = 1.5;
        free = value - 15;
      }
    });
  }

  mark(row) {
    return { id: row, x: this.place(0), y: this.laid.get(this.order[0])?.[row] ?? this.top, lines: this.points.words(row), href: this.points.href(row) };
  }

  find(x, y) {
    if (!this.points || this.order.length < 2) return null;
    const gap = this.place(1) - this.place(0);
    const at = Math.max(0, Math.min(this.order.length - 2, Math.floor((x - SIDE) / gap)));
    const share = (x - this.place(at)) / gap;
    if (share < -0.1 || share > 1.1) return null;
    const [here, next] = [this.laid.get(this.order[at]), this.laid.get(this.order[at + 1])];
    let [best, away] = [-1, NEAR];
    for (let row = 0; row < here.length; row += 1) {
      const distance = this.chosen[row] ? Math.abs(here[row] + share * (next[row] - here[row]) - y) : Infinity;
      if (distance < away) [best, away] = [row, distance];
    }
    return best < 0 ? null : this.mark(best);
  }

  step(current, way) {
    const rows = this.points.rows.map((_, row) => row).filter((row) => this.chosen[row]);
    if (rows.length === 0) return null;
    const step = way === "left" || way === "up" ? -1 : 1;
    const at = current ? rows.indexOf(current.id) + step : 0;
    return this.mark(rows[(at + rows.length) % rows.length]);
  }

  redraw() {
    if (!this.points) return;
    this.color();
    this.surface.redraw();
  }

  resize() {
    if (!this.points) return;
    this.settle();
    this.surface.redraw();
  }
}

export const create = (chart) => new Parallel(chart);
