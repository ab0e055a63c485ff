// Curves of an experiment: the mean over seeds of each group, with its interval; runs that go on are dashed.

import { Lines, plotter } from "./lines.js";
import { choice, make, toggle, values } from "./parts.js";
import { counted, shown } from "./format.js";
import { hasField } from "./points.js";

class Curves {
  constructor(chart) {
    this.chart = chart;
    this.controls = make("div", { className: "tools" });
    this.note = make("p", { className: "note" });
    chart.plot.append(this.controls);
    this.lines = new Lines(chart.plot, {
      label: "Curves. Arrows left and right read values, up and down change the line, plus and minus zoom, 0 shows all.", height: 340, choices: chart.choices, legend: true,
    });
    chart.plot.append(this.note);
  }

  update(data) {
    this.data = data;
    const groups = [];
    for (const [at, group] of data.groups.entries()) {
      // A group of nothing but running runs is dashed; of others, the runs that go on come as lines of their own where the server tells them.
      const dashed = group.running > 0 && group.running >= (group.n ?? 0);
      groups.push({ ...group, color: at, dashed });
      for (const run of group.live ?? []) groups.push({ label: `${group.label}, ${run.label}`, color: at, x: run.x, mean: run.y, dashed: true });
    }
    this.writeControls();
    const isLog = this.chart.choices.log ?? Boolean(data.log_y);
    this.lines.update({ groups, xLabel: data.x_label, yLabel: data.y_label, isLog });
    this.note.textContent = groups.length === 0 ? "No run has recorded this yet." : data.note ?? "";
    this.describe(groups);
  }

  writeControls() {
    const { data, chart } = this;
    const form = JSON.stringify([data.series, data.parameters, data.log_y]);
    if (form === this.form) return;
    this.form = form;
    const asked = new URL(chart.source, location.href).searchParams;
    const change = (name) => (value) => {
      const url = new URL(chart.source, location.href);
      if (value === "") url.searchParams.delete(name);
      else url.searchParams.set(name, value);
      chart.from(url.pathname + url.search);
    };
    const words = (all) => all.map((it) => [it, it.replaceAll("_", " ")]);
    const series = data.series ?? [];
    const parameters = data.parameters ?? [];
    this.controls.replaceChildren(...[
      series.length > 1 && !hasField("series") ? choice("Series", words(series), asked.get("series") ?? series[0], change("series")) : null,
      parameters.length > 0 && !hasField("by") ? choice("By", [["", "every point"], ...words(parameters)], asked.get("by") ?? "", change("by")) : null,
      toggle("Logarithmic", chart.choices.log ?? Boolean(data.log_y), (log) => {
        chart.choices.log = log;
        this.update(this.data);
      }),
    ].filter(Boolean));
  }

  describe(groups) {
    const last = (group) => {
      const at = group.mean.findLastIndex((it) => it !== null && it !== undefined);
      return at < 0 ? null : [at, group.x[at], group.mean[at], group.low?.[at] ?? null, group.high?.[at] ?? null];
    };
    const ends = groups.map((group) => [group, last(group)]).filter(([, end]) => end);
    const { data } = this;
    this.chart.describe(`${data.title}: ${data.y_label} against ${data.x_label}, ${counted(groups.length, "line")}. ` +
      ends.slice(0, 12).map(([group, [at, x]]) => `At ${shown(x)}, ${this.lines.reading(group, at)}`).join(". "));
    values(this.chart.figure, ["Line", `Last ${data.x_label}`, data.y_label, "Low", "High", "n", "Running"],
      ends.map(([group, [, x, mean, low, high]]) => [group.label, ...[x, mean, low, high].map((it) => shown(it)), group.n ?? "", group.running ?? ""]));
  }

  redraw() { this.lines.redraw(); }
  resize() { this.lines.resize(); }
  end() { this.lines.end(); }
}

export async function create(chart) {
  await plotter();
  return new Curves(chart);
}
