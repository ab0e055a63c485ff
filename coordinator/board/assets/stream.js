// What ran where: a row for each slot of a worker, a bar for each attempt, the newest at the right.

import { FONT, Surface, fitted } from "./surface.js";
import { clock, counted, duration } from "./format.js";
import { css } from "./palette.js";
import { make, oneOf, values } from "./parts.js";
import { now } from "./time.js";

const ROW = 24;
const AXIS = 30;
// As high as the chart gets before it scrolls, in pixels.
const HIGHEST = 560;
const MINUTES = [1, 5, 10];

const COLORS = new Map([["completed", "--g2"], ["stopped", "--g2"], ["diverged", "--g4"], ["running", "--g0"], ["failed", "--g1"]]);

class Stream {
  constructor(chart) {
    this.chart = chart;
    chart.choices.minutes ??= Number(new URL(chart.source, location.href).searchParams.get("minutes")) || 10;
    const choose = (minutes) => {
      chart.choices.minutes = minutes;
      const url = new URL(chart.source, location.href);
      url.searchParams.set("minutes", minutes);
      chart.from(url.pathname + url.search);
      this.surface.redraw();
    };
    const span = oneOf("How far back", MINUTES.map((it) => [it, `${it} min`]), chart.choices.minutes, choose);
    this.scroller = make("div", { className: "stream" });
    this.inner = make("div", {});
    this.scroller.append(this.inner);
    chart.plot.append(make("div", { className: "tools" }, span, this.legend()), this.scroller);
    this.surface = new Surface(this.inner, {
      label: "Tasks on workers' slots. Arrows left and right go along a slot, up and down to another, Enter opens the task.",
      draw: (context, width, height) => this.draw(context, width, height), find: (x, y) => this.find(x, y), step: (current, way) => this.step(current, way),
    });
    this.surface.box.classList.add("stuck");
    this.scroller.addEventListener("scroll", () => this.surface.redraw(), { passive: true });
    // Time goes on between two answers; whoever wants no motion sees it at each answer.
    const isStill = matchMedia("(prefers-reduced-motion: reduce)");
    this.timer = setInterval(() => { if (!isStill.matches && !document.hidden && chart.inSight) this.surface.redraw(); }, 1000);
  }

  legend() {
    this.swatches = ["running", "completed", "diverged", "failed", "other"].map((state) => {
      const canvas = make("canvas", { width: 52, height: 28, className: "swatch", aria: { hidden: true } });
      return [state, canvas, make("span", {}, canvas, state === "other" ? "given back, lost or else" : state)];
    });
    this.drawLegend();
    return make("p", { className: "note scale" }, ...this.swatches.map((it) => it[2]));
  }

  drawLegend() {
    for (const [state, canvas] of this.swatches) {
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, 52, 28);
      this.bar(context, 1, 4, 50, 20, state);
    }
  }

  update(data) {
    this.data = data;
    this.ahead = data.now - now();
    this.rows = data.rows.map(() => []);
    data.bars.forEach((bar, at) => this.rows[bar.row]?.push({ ...bar, id: `${bar.task} ${bar.from}`, at }));
    for (const row of this.rows) row.sort((a, b) => a.from - b.from);
    const height = Math.max(1, data.rows.length) * ROW + AXIS;
    this.inner.style.height = `${height}px`;
    this.surface.canvas.style.height = `${Math.min(height, HIGHEST)}px`;
    this.surface.redraw();
    this.describe();
  }

  describe() {
    const { data } = this;
    const counts = new Map();
    for (const { state } of data.bars) counts.set(state, (counts.get(state) ?? 0) + 1);
    this.chart.describe(`What ran on ${counted(data.rows.length, "slot")} in the last ${counted(this.chart.choices.minutes, "minute")}: ${[...counts].map(([state, n]) => `${n} ${state}`).join(", ") || "nothing"}.`);
    const row = (bar) => [`${data.rows[bar.row]?.worker ?? ""} slot ${data.rows[bar.row]?.slot ?? ""}`, bar.label, bar.state, clock(bar.from), bar.to === null ? "–" : clock(bar.to), duration((bar.to ?? data.now) - bar.from)];
    values(this.chart.figure, ["Slot", "Task", "State", "From", "To", "Took"], [...data.bars].sort((a, b) => b.from - a.from).map(row));
  }

  get left() { return Math.min(150, this.surface.width * 0.3); }

  /** The range of time that is shown. */
  get range() {
    const end = now() + (this.ahead ?? 0);
    return [end - this.chart.choices.minutes * 60_000, end];
  }

  place(time, width) {
    const [from, to] = this.range;
    return this.left + ((time - from) / (to - from)) * (width - this.left - 8);
  }

  /** One bar: what failed is hatched, what runs has no end, so that none is told by colour alone. */
  bar(context, x, y, width, height, state) {
    const color = css(COLORS.get(state) ?? "--muted");
    context.fillStyle = color;
    context.strokeStyle = color;
    context.lineWidth = 1.5;
    if (state === "failed") {
      context.save();
      context.beginPath();
      context.rect(x, y, width, height);
      context.clip();
      context.globalAlpha = 0.25;
      context.fillRect(x, y, width, height);
      context.globalAlpha = 1;
      context.beginPath();
      for (let at = x - height; at < x + width; at += 6) {
        context.moveTo(at, y + height);
        context.lineTo(at + height, y);
      }
      context.stroke();
      context.restore();
      context.strokeRect(x + 0.75, y + 0.75, Math.max(0.5, width - 1.5), height - 1.5);
    } else if (state === "running") {
      context.globalAlpha = 0.3;
      context.fillRect(x, y, width, height);
      context.globalAlpha = 1;
      context.fillRect(x, y, Math.min(3, width), height);
    } else if (COLORS.has(state)) {
      context.fillRect(x, y, width, height);
    } else {
      context.strokeRect(x + 0.75, y + 0.75, Math.max(0.5, width - 1.5), height - 1.5);
    }
  }

  draw(context, width, height) {
    if (!this.data) return;
    const [from, to] = this.range;
    const { left } = this;
    const above = this.scroller.scrollTop;
    const bottom = height - AXIS;
    context.save();
    context.beginPath();
    context.rect(0, 0, width, bottom);
    context.clip();
    const first = Math.floor(above / ROW);
    for (let row = first; row < this.rows.length && row * ROW - above < bottom; row += 1) this.drawRow(context, row, row * ROW - above, width, from, to);
    context.restore();
    this.drawAxis(context, left, width, bottom, from, to);
    if (this.rows.length === 0) {
      context.textAlign = "left";
      context.fillText("No worker is known.", 4, 14);
    }
  }

  drawRow(context, row, y, width, from, to) {
    const { left } = this;
    const { worker, slot } = this.data.rows[row];
    context.strokeStyle = css("--line");
    context.lineWidth = 1;
    context.strokeRect(left, y + 0.5, width - left - 8, ROW);
    context.font = FONT;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillStyle = css("--ink");
    const which = ` · ${slot}`;
    context.fillText(fitted(context, worker, left - 10 - context.measureText(which).width) + which, 2, y + ROW / 2 + 0.5);
    for (const bar of this.rows[row]) {
      const end = bar.to ?? to;
      if (end < from || bar.from > to) continue;
      const x = Math.max(left, this.place(bar.from, width));
      const wide = Math.max(1.5, this.place(end, width) - x - (bar.to === null ? 0 : 1));
      this.bar(context, x, y + 3, wide, ROW - 6, bar.state);
      if (wide > 46) {
        const words = fitted(context, bar.label, wide - 10);
        context.fillStyle = ["completed", "stopped", "diverged"].includes(bar.state) ? css("--on-g2") : css("--ink");
        if (bar.state === "failed") {
          context.lineWidth = 4;
          context.strokeStyle = css("--paper");
          context.strokeText(words, x + 6, y + ROW / 2 + 0.5);
        }
        context.fillText(words, x + 6, y + ROW / 2 + 0.5);
      }
      if (bar.id === this.surface.current?.id) {
        context.strokeStyle = css("--ink");
        context.lineWidth = 2;
        context.strokeRect(x, y + 2, wide, ROW - 4);
      }
    }
  }

  drawAxis(context, left, width, bottom, from, to) {
    context.fillStyle = css("--muted");
    context.strokeStyle = css("--muted");
    context.lineWidth = 1;
    context.font = FONT;
    context.textBaseline = "top";
    const step = (this.chart.choices.minutes * 60_000) / (width - left > 500 ? 5 : 2);
    for (let back = 0; back <= to - from + 1; back += step) {
      const x = Math.round(this.place(to - back, width)) + 0.5;
      context.beginPath();
      context.moveTo(x, bottom);
      context.lineTo(x, bottom + 5);
      context.stroke();
      context.textAlign = back === 0 ? "right" : x < left + 20 ? "left" : "center";
      context.fillText(back === 0 ? "now" : `−${duration(back)}`, x, bottom + 9);
    }
  }

  mark(bar) {
    const { width } = this.surface;
    const [, to] = this.range;
    const { worker, slot } = this.data.rows[bar.row];
    const sweep = bar.sweep ?? document.body.dataset.sweep;
    return {
      id: bar.id, bar, x: (Math.max(this.left, this.place(bar.from, width)) + this.place(bar.to ?? to, width)) / 2, y: bar.row * ROW - this.scroller.scrollTop + ROW / 2,
      lines: [bar.label, `${bar.state}, ${worker} slot ${slot}`, `${clock(bar.from)} to ${bar.to === null ? "now" : clock(bar.to)}, ${duration((bar.to ?? to) - bar.from)}`],
      href: bar.href ?? (sweep ? `/sweeps/${encodeURIComponent(sweep)}/tasks/${encodeURIComponent(bar.task)}` : null),
    };
  }

  find(x, y) {
    if (!this.data || x < this.left || y > this.surface.height - AXIS) return null;
    const row = this.rows[Math.floor((y + this.scroller.scrollTop) / ROW)] ?? [];
    const { width } = this.surface;
    const [, to] = this.range;
    // Bars that are thinner than a pointer are met a little beside, too.
    const found = row.findLast((bar) => this.place(bar.from, width) - 2 <= x && this.place(bar.to ?? to, width) + 2 >= x);
    return found ? this.mark(found) : null;
  }

  step(current, way) {
    const rows = (this.rows ?? []).map((row) => row.filter((bar) => (bar.to ?? Infinity) >= this.range[0]));
    const filled = rows.filter((row) => row.length > 0);
    if (filled.length === 0) return null;
    const from = current ? rows[current.bar.row]?.find((bar) => bar.id === current.id) : null;
    let bar = filled[0].at(-1);
    if (from && (way === "left" || way === "right")) {
      const row = rows[from.row];
      bar = row[Math.max(0, Math.min(row.length - 1, row.indexOf(from) + (way === "left" ? -1 : 1)))];
    } else if (from) {
      const at = Math.max(0, Math.min(filled.length - 1, filled.indexOf(rows[from.row]) + (way === "up" ? -1 : 1)));
      bar = filled[at].reduce((best, it) => (Math.abs(it.from - from.from) < Math.abs(best.from - from.from) ? it : best));
    }
    const top = bar.row * ROW;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    if (top + ROW + AXIS > this.scroller.scrollTop + this.scroller.clientHeight) this.scroller.scrollTop = top + ROW + AXIS - this.scroller.clientHeight;
    return this.mark(bar);
  }

  redraw() {
    this.drawLegend();
    this.surface.redraw();
  }

  resize() { this.surface.redraw(); }
  end() { clearInterval(this.timer); }
}

export const create = (chart) => new Stream(chart);
