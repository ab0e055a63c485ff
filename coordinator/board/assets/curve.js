// What one task recorded: a small panel for each series.

import { Lines, plotter } from "./lines.js";
import { make, toggle, values } from "./parts.js";
import { counted, shown } from "./format.js";

class Curve {
  constructor(chart) {
    this.chart = chart;
    this.panels = new Map();
    this.grid = make("div", { className: "panels" });
    this.note = make("p", { className: "note", hidden: true, textContent: "It has recorded nothing yet." });
    chart.plot.append(this.grid, this.note);
  }

  update(data) {
    this.data = data;
    this.note.hidden = data.series.length > 0;
    for (const series of data.series) {
      const panel = this.panels.get(series.name) ?? this.panel(series);
      panel.series = series;
      this.draw(panel);
    }
    const gone = [...this.panels].filter(([name]) => !data.series.some((it) => it.name === name));
    for (const [name, panel] of gone) {
      panel.lines.end();
      panel.box.remove();
      this.panels.delete(name);
    }
    const ends = data.series.filter((it) => it.y.length > 0).map((it) => [it.label, it.axis, it.x.at(-1), it.y.at(-1)]);
    this.chart.describe(`${counted(data.series.length, "series").replace("seriess", "series")}. ` + ends.map(([label, axis, x, y]) => `${label} is ${shown(y)} at ${axis} ${shown(x)}`).join(". "));
    values(this.chart.figure, ["Series", "Axis", "Last at", "Last value"], ends.map(([label, axis, x, y]) => [label, axis, shown(x), shown(y)]));
  }

  panel(series) {
    const { choices } = this.chart;
    choices.log ??= {};
    const box = make("div", { className: "panel" });
    const panel = { box, series, lines: null };
    const log = toggle("log", Boolean(choices.log[series.name]), (on) => {
      choices.log[series.name] = on;
      this.draw(panel);
    });
    log.setAttribute("aria-label", `${series.label}, log`);
    box.append(make("div", { className: "tools" }, make("b", {}, series.label), log));
    this.grid.append(box);
    panel.lines = new Lines(box, { label: `${series.label}. Arrows read values, plus and minus zoom, 0 shows all.`, height: 200, choices: {}, legend: false });
    this.panels.set(series.name, panel);
    return panel;
  }

  draw({ series, lines }) {
    const isLog = Boolean(this.chart.choices.log[series.name]);
    lines.update({ groups: [{ label: series.label, color: 0, x: series.x, mean: series.y }], xLabel: series.axis, yLabel: "", isLog });
  }

  redraw() { for (const { lines } of this.panels.values()) lines.redraw(); }
  resize() { for (const { lines } of this.panels.values()) lines.resize(); }
  end() { for (const { lines } of this.panels.values()) lines.end(); }
}

export async function create(chart) {
  await plotter();
  return new Curve(chart);
}
