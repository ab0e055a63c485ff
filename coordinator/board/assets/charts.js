// Every chart of a page: loaded when it comes into sight, fetched anew when its topic changed, drawn anew in another size or theme.

import { complaint } from "./swap.js";
import { make } from "./parts.js";

// The module of each kind, and the least time between two fetches, in milliseconds.
const KINDS = {
  curves: ["./curves.js", 3000],
  curve: ["./curve.js", 1500],
  parallel: ["./parallel.js", 4000],
  against: ["./against.js", 4000],
  heat: ["./heat.js", 4000],
  stream: ["./stream.js", 1000],
};

// After how long a chart that isn't ready is asked for again, in milliseconds.
const AGAIN = 2000;

const charts = new Map();
// What a reader chose of a chart outlives its element.
const choices = new Map();

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.kind = figure.dataset.chart;
    [this.module, this.rest] = KINDS[this.kind];
    this.plot = figure.querySelector(".plot");
    // What is in it can be reached, so it is no picture.
    this.plot.setAttribute("role", "group");
    this.source = figure.dataset.src;
    this.view = null;
    this.inSight = false;
    this.stale = true;
    this.loading = null;
    this.last = -Infinity;
    this.timer = 0;
  }

  get choices() {
    const name = `${this.kind} ${new URL(this.source, location.href).pathname} ${this.figure.id}`;
    if (!choices.has(name)) choices.set(name, {});
    return choices.get(name);
  }

  /** The topics whose change changes this chart. */
  get topics() {
    const live = this.figure.closest("[data-live]")?.dataset.live;
    return (live ?? (this.kind === "stream" ? "workers" : "tasks")).split(/\s+/);
  }

  /** Takes another source: of another parameter, say. */
  from(source) {
    this.source = source;
    this.last = -Infinity;
    clearTimeout(this.timer);
    this.timer = 0;
    this.want();
  }

  want() {
    this.stale = true;
    if (!this.inSight || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.load();
    }, Math.max(0, this.last + this.rest - performance.now()));
  }

  async load() {
    if (!this.inSight || !this.figure.isConnected) return;
    this.loading?.abort();
    const mine = new AbortController();
    this.loading = mine;
    this.stale = false;
    this.last = performance.now();
    try {
      const answer = await fetch(this.source, { cache: "no-store", credentials: "same-origin", signal: mine.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) {
        // What is still being read will be there.
        if (answer.status === 503) setTimeout(() => this.want(), AGAIN);
        throw new Error(complaint(await answer.text()) ?? `status ${answer.status}`);
      }
      const data = await answer.json();
      if (!this.view) {
        const { create } = await import(this.module);
        if (mine.signal.aborted || !this.figure.isConnected) return;
        this.plot.replaceChildren();
        this.view = await create(this);
      }
      if (mine.signal.aborted) return;
      this.data = data;
      this.asked = location.search;
      this.view.update(data);
      this.problem(null);
    } catch (error) {
      if (error.name !== "AbortError") this.problem(error);
    }
  }

  problem(error) {
    this.figure.querySelector(":scope > .problem")?.remove();
    if (error) this.figure.append(make("p", { className: "problem note", data: { own: "" } }, `The chart can't be drawn: ${error.message}`));
  }

  /** Says in words what is drawn. */
  describe(words) {
    this.plot.setAttribute("aria-label", words);
  }

  end() {
    clearTimeout(this.timer);
    this.loading?.abort();
    this.view?.end?.();
    sight.unobserve(this.figure);
    size.unobserve(this.plot);
  }
}

const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const chart = charts.get(target);
    if (!chart) continue;
    chart.inSight = isIntersecting;
    if (isIntersecting && chart.stale) chart.want();
  }
}, { rootMargin: "200px" });

const widths = new WeakMap();
const size = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const before = widths.get(target);
    widths.set(target, contentRect.width);
    if (before === undefined || Math.abs(before - contentRect.width) < 1) continue;
    charts.get(target.closest("figure"))?.view?.resize();
  }
});

/** Brings the charts to what the page holds. */
function look() {
  for (const [figure, chart] of charts) {
    const isSame = figure.isConnected && figure.dataset.chart === chart.kind && figure.contains(chart.plot);
    if (!isSame) {
      chart.end();
      charts.delete(figure);
    } else if (figure.dataset.src !== chart.written) {
      chart.written = figure.dataset.src;
      chart.from(figure.dataset.src);
    } else if (chart.view && chart.asked !== location.search) {
      // The page's address says which columns are drawn.
      chart.asked = location.search;
      chart.view.update(chart.data);
    }
  }
  for (const figure of document.querySelectorAll("figure.chart[data-chart][data-src]")) {
    if (charts.has(figure) || !KINDS[figure.dataset.chart] || !figure.querySelector(".plot")) continue;
    const chart = new Chart(figure);
    chart.written = figure.dataset.src;
    charts.set(figure, chart);
    sight.observe(figure);
    size.observe(chart.plot);
  }
}

export function start() {
  look();
  document.addEventListener("board:page", look);
  document.addEventListener("board:swapped", look);
  document.addEventListener("board:changed", ({ detail: changed }) => {
    for (const chart of charts.values()) if (chart.topics.some((topic) => changed.has(topic))) chart.want();
  });
  document.addEventListener("board:theme", () => {
    for (const chart of charts.values()) chart.view?.redraw();
  });
}
