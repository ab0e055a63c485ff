// Lines with bands, drawn by uPlot: a legend that hides, values under the pointer and by the keyboard, ranges that one drags.

import { bandOpacity, css, faint, groupColor, mark } from "./palette.js";
import { make, Tip } from "./parts.js";
import { shown } from "./format.js";

const FONT = '12px Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
// Runs that still go on are dashed.
const RUNNING = [4, 4];
// How far a line's marks are apart, in pixels.
const MARKS_APART = 90;

let loading = null;

/** uPlot, brought in by the first chart that needs it. */
export function plotter() {
  if (window.uPlot) return Promise.resolve(window.uPlot);
  loading ??= new Promise((done, failed) => {
    const address = (name) => new URL(`./${name}`, import.meta.url).href;
    if (!document.querySelector('link[href*="uplot.min.css"]')) {
      document.head.append(make("link", { rel: "stylesheet", href: address("uplot.min.css") }));
    }
    const script = make("script", { src: address("uplot.min.js") });
    script.addEventListener("load", () => done(window.uPlot));
    script.addEventListener("error", () => failed(new Error("uplot.min.js did not arrive")));
    document.head.append(script);
  });
  return loading;
}

/** The place of the value in ascending `all` that is nearest. */
function nearest(all, value) {
  let [low, high] = [0, all.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low > 0 && value - all[low - 1] < all[low] - value ? low - 1 : low;
}

const positive = (all) => all.map((it) => (it !== null && it > 0 ? it : null));

/**
 * One panel. A group is `{ label, color, x, mean, low, high, n, running, dashed }`; `low` and `high` may be absent.
 * `choices` keeps what the reader chose: `hidden` labels.
 */
export class Lines {
  constructor(parent, { label, height, choices, legend }) {
    Object.assign(this, { height, choices, groups: [], plot: null, form: "", zoomed: false, chosen: 0, at: null });
    choices.hidden ??= new Set();
    this.box = make("div", { className: "lines", tabIndex: 0, aria: { role: "application", roledescription: "chart", label } });
    this.words = make("span", { className: "hidden", aria: { live: "polite" } });
    this.legend = legend ? make("div", { className: "legend", aria: { role: "group", label: "Legend: each hides its line or shows it" } }) : null;
    this.reset = make("button", { type: "button", className: "reset", textContent: "Show all", hidden: true });
    this.reset.addEventListener("click", () => this.whole());
    this.frame = make("div", { className: "frame" }, this.box, this.reset, this.words);
    parent.append(this.frame);
    if (this.legend) parent.append(this.legend);
    this.tip = new Tip(this.frame);
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("blur", () => this.point(null));
  }

  get shown() { return this.groups.filter((it) => !this.choices.hidden.has(it.label)); }

  /** Draws groups; of the same form as before, zoom and pointer stay. */
  update({ groups, xLabel, yLabel, isLog }) {
    this.groups = groups;
    Object.assign(this, { xLabel, yLabel });
    const empty = { x: [], mean: [] };
    const tables = (groups.length ? groups : [empty]).map(({ x, mean, low, high }) => {
      const bound = (side) => side ?? mean.map(() => null);
      const [middle, upper, lower] = isLog ? [positive(mean), positive(bound(high)), positive(bound(low))] : [mean, bound(high), bound(low)];
      // Where an interval reaches below zero, its band on a logarithmic axis goes down to the smallest value there is.
      const least = isLog ? Math.min(...middle.filter((it) => it !== null)) : 0;
      return [x, upper, isLog ? lower.map((it, at) => (it === null && upper[at] !== null && low ? least : it)) : lower, middle];
    });
    const data = window.uPlot.join(tables);
    const form = JSON.stringify([groups.map((it) => [it.label, it.dashed]), xLabel, yLabel, isLog]);
    if (this.plot && form === this.form) {
      const { min, max } = this.plot.scales.y;
      this.plot.setData(data, !this.zoomed);
      if (this.zoomed) this.plot.setScale("y", { min, max });
    } else {
      this.form = form;
      this.build(data, isLog);
    }
    this.writeLegend();
  }

  build(data, isLog) {
    this.plot?.destroy();
    this.zoomed = false;
    this.reset.hidden = true;
    const shows = (group) => !this.choices.hidden.has(group.label);
    const series = [{}];
    const bands = [];
    this.groups.forEach((group, at) => {
      const edge = { stroke: "transparent", width: 0, points: { show: false }, show: shows(group), spanGaps: false };
      const line = {
        stroke: () => groupColor(group.color), width: 1.8, dash: group.dashed ? RUNNING : [], show: shows(group),
        points: { show: group.x.length < 2, size: 7, fill: () => groupColor(group.color) },
      };
      series.push(edge, { ...edge }, line);
      bands.push({ series: [3 * at + 1, 3 * at + 2], fill: () => faint(groupColor(group.color), bandOpacity(this.shown.length)) });
    });
    if (this.groups.length === 0) series.push({ show: false }, { show: false }, { show: false });
    const axis = (label) => ({
      label, labelFont: FONT, font: FONT, labelGap: 2, stroke: () => css("--muted"), grid: { stroke: () => css("--line"), width: 1 }, ticks: { stroke: () => css("--line"), width: 1, size: 4 },
      values: (_, splits) => splits.map((it) => (it === null || it === undefined ? "" : shown(it, 4))),
    });
    const isMean = (at) => at > 0 && at % 3 === 0;
    const options = {
      width: Math.max(120, this.box.clientWidth), height: this.height, series, bands, legend: { show: false },
      scales: { x: { time: false }, y: { distr: isLog ? 3 : 1 } },
      axes: [{ ...axis(this.xLabel), size: 38, labelSize: 20 }, { ...axis(this.yLabel), size: 58, labelSize: 20 }],
      cursor: { drag: { x: true, y: true, uni: 24, dist: 6 }, points: { size: (_, at) => (isMean(at) ? 7 : 0), stroke: (_, at) => this.colorOf(at), fill: (_, at) => this.colorOf(at) } },
      hooks: {
        draw: [(plot) => this.drawMarks(plot)],
        setCursor: [(plot) => this.follow(plot)],
        setSelect: [(plot) => { if (plot.select.width > 0 || plot.select.height > 0) this.isZoomed(); }],
      },
    };
    this.plot = new window.uPlot(options, data, this.box);
    this.plot.over.addEventListener("dblclick", () => this.whole());
  }

  colorOf(series) {
    const group = series % 3 === 0 ? this.groups[series / 3 - 1] : null;
    return group ? groupColor(group.color) : "transparent";
  }

  isZoomed() {
    this.zoomed = true;
    this.reset.hidden = false;
  }

  /** Shows the whole range again. */
  whole() {
    if (document.activeElement === this.reset) this.box.focus();
    this.zoomed = false;
    this.reset.hidden = true;
    this.plot.setData(this.plot.data, true);
  }

  drawMarks(plot) {
    const { ctx: context } = plot;
    const scale = devicePixelRatio || 1;
    const { left, top, width, height } = plot.bbox;
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    context.lineWidth = 1.6 * scale;
    context.setLineDash([]);
    this.groups.forEach((group, at) => {
      if (this.choices.hidden.has(group.label) || this.groups.length === 1) return;
      context.fillStyle = context.strokeStyle = groupColor(group.color);
      let next = left + ((at + 0.5) / this.groups.length) * MARKS_APART * scale;
      for (let point = 0; point < group.x.length; point += 1) {
        if (group.mean[point] === null || group.mean[point] === undefined) continue;
        const x = plot.valToPos(group.x[point], "x", true);
        if (x < next) continue;
        const y = plot.valToPos(group.mean[point], "y", true);
        if (Number.isFinite(y)) mark(context, group.color, x, y, 3.2 * scale);
        next = x + MARKS_APART * scale;
      }
    });
    context.restore();
  }

  /** What lies under the pointer, for the tip. */
  follow(plot) {
    const { left, top } = plot.cursor;
    if (left === undefined || left < 0 || this.shown.length === 0) {
      this.tip.show(null);
      return;
    }
    const x = plot.posToVal(left, "x");
    const found = this.shown.map((group) => {
      const at = nearest(group.x, x);
      const value = group.mean[at];
      const known = group.x.length > 0 && value !== null && value !== undefined;
      return { group, at, away: known ? Math.abs(plot.valToPos(value, "y") - top) : Infinity };
    }).filter((it) => Number.isFinite(it.away)).sort((a, b) => a.away - b.away);
    if (found.length === 0) {
      this.tip.show(null);
      return;
    }
    const lines = [`${this.xLabel} ${shown(found[0].group.x[found[0].at])}`, ...found.slice(0, 12).map((it) => this.reading(it.group, it.at))];
    this.tip.show(lines, left + plot.over.offsetLeft, top + plot.over.offsetTop);
  }

  /** A value in words, with its interval and the number of runs. */
  reading(group, at) {
    const [low, high] = [group.low?.[at] ?? null, group.high?.[at] ?? null];
    const interval = low === null || high === null ? "" : ` [${shown(low)}, ${shown(high)}]`;
    const runs = group.n === undefined ? "" : `, n = ${group.n}`;
    return `${group.label}: ${shown(group.mean[at])}${interval}${runs}${group.dashed ? ", running" : ""}`;
  }

  point(place) {
    this.at = place;
    if (!place) this.plot?.setCursor({ left: -10, top: -10 });
  }

  key(event) {
    const { plot } = this;
    if (!plot || event.target !== this.box || event.ctrlKey || event.metaKey || event.altKey) return;
    const groups = this.shown;
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const turns = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if ((steps || turns) && groups.length > 0) {
      if (turns) this.chosen += turns;
      this.chosen = (this.chosen + groups.length) % groups.length;
      const group = groups[this.chosen];
      if (group.x.length === 0) return;
      // From the value that was read, along this line, within the range that is shown.
      const { min, max } = plot.scales.x;
      const from = this.at ?? (steps > 0 ? min : max);
      let place = nearest(group.x, from);
      if (steps && this.at !== null) place += steps;
      place = Math.max(0, Math.min(group.x.length - 1, place));
      if (group.x[place] < min || group.x[place] > max) place = nearest(group.x, from);
      this.at = group.x[place];
      plot.setCursor({ left: plot.valToPos(this.at, "x"), top: plot.valToPos(group.mean[place], "y") });
      this.words.textContent = `${this.xLabel} ${shown(this.at)}, ${this.reading(group, place)}`;
    } else if (event.key === "+" || event.key === "-") {
      const { min, max } = plot.scales.x;
      const middle = this.at ?? (min + max) / 2;
      const factor = event.key === "+" ? 0.6 : 1 / 0.6;
      const [first, last] = [plot.data[0][0], plot.data[0].at(-1)];
      const ends = [Math.max(first, middle - (middle - min) * factor), Math.min(last, middle + (max - middle) * factor)];
      if (ends[0] === first && ends[1] === last) this.whole();
      else {
        plot.setScale("x", { min: ends[0], max: ends[1] });
        this.isZoomed();
      }
    } else if (event.key === "0") {
      this.whole();
    } else if (event.key === "Escape") {
      this.point(null);
    } else {
      return;
    }
    event.preventDefault();
  }

  writeLegend() {
    if (!this.legend) return;
    const form = JSON.stringify(this.groups.map((it) => [it.label, it.n, it.running, it.dashed]));
    if (form !== this.legend.dataset.form) {
      this.legend.dataset.form = form;
      const focused = [...this.legend.children].indexOf(document.activeElement);
      this.legend.replaceChildren(...this.groups.map((group, at) => {
        const running = group.running ? `, ${group.running} running` : "";
        const button = make("button", { type: "button", className: "entry", aria: { pressed: !this.choices.hidden.has(group.label) } },
          make("canvas", { width: 68, height: 28, aria: { hidden: true } }), `${group.label}${group.n === undefined ? "" : ` (n = ${group.n}${running})`}`);
        button.addEventListener("click", () => this.toggle(group, at, button));
        return button;
      }));
      this.legend.children[focused]?.focus();
    }
    this.drawLegend();
  }

  toggle(group, at, button) {
    const { hidden } = this.choices;
    if (hidden.has(group.label)) hidden.delete(group.label);
    else hidden.add(group.label);
    const show = !hidden.has(group.label);
    button.setAttribute("aria-pressed", show);
    this.plot.batch(() => { for (const side of [1, 2, 3]) this.plot.setSeries(3 * at + side, { show }); });
  }

  drawLegend() {
    this.groups.forEach((group, at) => {
      const context = this.legend.children[at].querySelector("canvas").getContext("2d");
      context.clearRect(0, 0, 68, 28);
      context.strokeStyle = context.fillStyle = groupColor(group.color);
      context.lineWidth = 3.6;
      context.setLineDash(group.dashed ? [8, 8] : []);
      context.beginPath();
      context.moveTo(2, 14);
      context.lineTo(66, 14);
      context.stroke();
      context.setLineDash([]);
      if (this.groups.length > 1) mark(context, group.color, 34, 14, 6.4);
    });
  }

  redraw() {
    this.plot?.redraw(false);
    if (this.legend) this.drawLegend();
  }

  resize() {
    this.plot?.setSize({ width: Math.max(120, this.box.clientWidth), height: this.height });
  }

  end() {
    this.plot?.destroy();
  }
}
