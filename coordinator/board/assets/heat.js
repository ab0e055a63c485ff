// A heat map of a measure over two parameters. Other parameters that vary are held at one value each: nothing is averaged but seeds.

import { FONT, Scale, Surface, fitted } from "./surface.js";
import { Points, asked, hasField } from "./points.js";
import { areaColor, css, inkOn } from "./palette.js";
import { choice, make, values } from "./parts.js";
import { counted, shown } from "./format.js";

// More values than this on an axis have no room.
const MOST = 200;

const ordered = (all) => [...new Set(all)].sort((a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true })));

class Heat {
  constructor(chart) {
    this.chart = chart;
    chart.choices.held ??= {};
    this.controls = make("div", { className: "tools" });
    chart.plot.append(this.controls);
    this.surface = new Surface(chart.plot, {
      label: "Heat map. Arrows go from cell to cell, Enter opens its task.",
      draw: (context, width, height) => this.draw(context, width, height), find: (x, y) => this.find(x, y), step: (current, way) => this.step(current, way),
    });
    this.legend = make("p", { className: "note scale" });
    this.note = make("p", { className: "note" });
    chart.plot.append(this.legend, this.note);
  }

  update(data) {
    this.data = data;
    this.points = new Points(data);
    const { points, chart } = this;
    const parameters = points.varying("parameter");
    const choose = (name, fallback) => {
      const wanted = hasField(name) ? asked(points, name, fallback) : chart.choices[name] ?? asked(points, name, fallback);
      return points.column(wanted) ? wanted : fallback;
    };
    this.x = choose("x", parameters[0]?.name);
    this.y = choose("y", parameters.find((it) => it.name !== this.x)?.name);
    if (this.y === this.x) this.y = parameters.find((it) => it.name !== this.x)?.name;
    this.by = choose("by", points.measures[0]?.name);
    if (!this.x || !this.y || !this.by) {
      this.note.textContent = "A heat map takes two parameters that vary, and a measure.";
      this.cells = [];
      this.surface.redraw();
      return;
    }
    this.others = parameters.filter((it) => it.name !== this.x && it.name !== this.y);
    this.arrange();
    this.writeControls();
    this.write();
    this.surface.redraw();
  }

  /** The rows that the held values leave, as cells. */
  arrange() {
    const { points } = this;
    const known = points.rows.map((_, row) => row).filter((row) => points.value(points.rows[row], this.by) !== null);
    const { held } = this.chart.choices;
    let left = known;
    for (const { name } of this.others) {
      const counts = new Map();
      for (const row of left) {
        const value = points.value(points.rows[row], name);
        counts.set(value, (counts.get(value) ?? 0) + 1);
      }
      // The value with the most points, unless one was chosen that there is.
      const chosen = [...counts.keys()].find((it) => String(it) === held[name]) ?? [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
      held[name] = String(chosen);
      left = left.filter((row) => points.value(points.rows[row], name) === chosen);
    }
    const value = (row, name) => points.value(points.rows[row], name);
    this.across = ordered(left.map((row) => value(row, this.x))).slice(0, MOST);
    this.up = ordered(left.map((row) => value(row, this.y))).slice(0, MOST);
    const cells = new Map();
    for (const row of left) {
      const [i, j] = [this.across.indexOf(value(row, this.x)), this.up.indexOf(value(row, this.y))];
      if (i < 0 || j < 0) continue;
      const id = `${i} ${j}`;
      const cell = cells.get(id) ?? { id, i, j, rows: [] };
      cell.rows.push(row);
      cells.set(id, cell);
    }
    this.cells = [...cells.values()].map((it) => ({ ...it, value: it.rows.reduce((sum, row) => sum + value(row, this.by), 0) / it.rows.length }));
    this.byId = new Map(this.cells.map((it) => [it.id, it]));
    this.scale = new Scale(points.column(this.by), this.cells.map((it) => it.value), 0, 1);
  }

  writeControls() {
    const { points, chart } = this;
    const form = JSON.stringify([points.columns, this.x, this.y, this.others.map((it) => [it.name, ordered(points.all(it.name))])]);
    if (form === this.form) return;
    this.form = form;
    const again = () => this.update(this.data);
    const select = (words, name, role) => (hasField(name) ? null : choice(words, points.columns.filter((it) => it.role === role).map((it) => [it.name, it.label]), this[name], (chosen) => {
      chart.choices[name] = chosen;
      again();
    }));
    const hold = ({ name, label }) => choice(`${label} =`, ordered(points.all(name)).map((it) => [String(it), shown(it)]), chart.choices.held[name], (chosen) => {
      chart.choices.held[name] = chosen;
      again();
    });
    this.controls.replaceChildren(...[select("Across", "x", "parameter"), select("Up", "y", "parameter"), select("Colour", "by", "measure"), ...this.others.map(hold)].filter(Boolean));
  }

  write() {
    const { points, scale } = this;
    const label = (name) => points.column(name).label;
    const bar = make("i", { className: "bar" });
    bar.style.background = `linear-gradient(to right, ${Array.from({ length: 9 }, (_, at) => areaColor(at / 8)).join(", ")})`;
    this.legend.replaceChildren(`${label(this.by)}: ${shown(scale.low)} `, bar, ` ${shown(scale.high)}${scale.isLog ? ", logarithmic" : ""}`);
    const several = this.cells.filter((it) => it.rows.length > 1).length;
    this.note.textContent = [points.note, several > 0 ? `${counted(several, "cell")} of several points: the mean, and the count, are shown.` : ""].join(" ").trim();
    const best = [...this.cells].sort((a, b) => a.value - b.value);
    const words = (it) => `${shown(it.value)} at ${label(this.x)} ${shown(this.across[it.i])}, ${label(this.y)} ${shown(this.up[it.j])}`;
    this.chart.describe(`${label(this.by)} over ${label(this.x)} and ${label(this.y)}, ${counted(this.cells.length, "cell")}.` + (best.length > 0 ? ` Least: ${words(best[0])}. Most: ${words(best.at(-1))}.` : ""));
    values(this.chart.figure, [`${label(this.y)} \\ ${label(this.x)}`, ...this.across.map((it) => shown(it))],
      [...this.up].map((it, j) => [shown(it), ...this.across.map((_, i) => shown(this.byId.get(`${i} ${j}`)?.value))]).reverse());
    this.surface.canvas.style.height = `${Math.min(560, Math.max(180, this.up.length * 34)) + 86}px`;
  }

  frame(width, height) { return [Math.min(110, width * 0.26), 30, width - 10, height - 54]; }

  box(cell, width, height) {
    const [left, top, right, bottom] = this.frame(width, height);
    const [wide, tall] = [(right - left) / this.across.length, (bottom - top) / this.up.length];
    return [left + cell.i * wide, bottom - (cell.j + 1) * tall, wide, tall];
  }

  draw(context, width, height) {
    if (!this.cells?.length) return;
    const [left, top, right, bottom] = this.frame(width, height);
    const [wide, tall] = [(right - left) / this.across.length, (bottom - top) / this.up.length];
    // A place without a point keeps the ground of the chart.
    context.fillStyle = css("--wash");
    context.fillRect(left, top, right - left, bottom - top);
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const cell of this.cells) {
      const [x, y] = this.box(cell, width, height);
      const color = areaColor(this.scale.share(cell.value) ?? 0);
      context.fillStyle = color;
      context.fillRect(x, y, wide > 6 ? wide - 1 : wide + 0.5, tall > 6 ? tall - 1 : tall + 0.5);
      const words = shown(cell.value, 3);
      if (tall < 16 || context.measureText(words).width > wide - 6) continue;
      context.fillStyle = inkOn(color);
      context.fillText(words, x + wide / 2, y + tall / 2);
    }
    this.drawLabels(context, [left, top, right, bottom], wide, tall);
    const cell = this.byId.get(this.surface.current?.id);
    if (!cell) return;
    const [x, y] = this.box(cell, width, height);
    context.lineWidth = 4;
    context.strokeStyle = css("--paper");
    context.strokeRect(x, y, wide - 1, tall - 1);
    context.lineWidth = 2;
    context.strokeStyle = css("--ink");
    context.strokeRect(x, y, wide - 1, tall - 1);
  }

  drawLabels(context, [left, top, right, bottom], wide, tall) {
    const { points } = this;
    context.font = FONT;
    context.fillStyle = css("--muted");
    context.textBaseline = "top";
    const everyX = Math.ceil(44 / wide);
    this.across.forEach((value, i) => {
      if (i % everyX === 0) context.fillText(fitted(context, shown(value, 3), Math.max(wide * everyX - 4, 20)), left + (i + 0.5) * wide, bottom + 6);
    });
    context.textAlign = "right";
    context.textBaseline = "middle";
    const everyY = Math.ceil(15 / tall);
    this.up.forEach((value, j) => {
      if (j % everyY === 0) context.fillText(fitted(context, shown(value, 3), left - 12), left - 6, bottom - (j + 0.5) * tall);
    });
    context.fillStyle = css("--ink");
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.fillText(points.column(this.x).label, (left + right) / 2, bottom + 40);
    context.textAlign = "left";
    context.fillText(points.column(this.y).label, 2, top - 12);
  }

  mark(cell) {
    const { points } = this;
    const [x, y, wide, tall] = this.box(cell, this.surface.width, this.surface.height);
    const several = cell.rows.length > 1 ? `, mean of ${cell.rows.length} points` : "";
    return {
      id: cell.id, cell, x: x + wide / 2, y: y + tall / 2, href: points.href(cell.rows[0]),
      lines: [`${points.column(this.by).label}: ${shown(cell.value)}${several}`, `${points.column(this.x).label} ${shown(this.across[cell.i])}`, `${points.column(this.y).label} ${shown(this.up[cell.j])}`,
        ...(cell.rows.length === 1 ? points.words(cell.rows[0], ["n"]).slice(1) : [])],
    };
  }

  find(x, y) {
    if (!this.cells?.length) return null;
    const [left, top, right, bottom] = this.frame(this.surface.width, this.surface.height);
    const i = Math.floor(((x - left) / (right - left)) * this.across.length);
    const j = Math.floor(((bottom - y) / (bottom - top)) * this.up.length);
    const cell = this.byId.get(`${i} ${j}`);
    return cell ? this.mark(cell) : null;
  }

  step(current, way) {
    if (!this.cells?.length) return null;
    const from = current?.cell ? this.byId.get(current.id) : null;
    if (!from) return this.mark(this.cells[0]);
    const [right, above] = { left: [-1, 0], right: [1, 0], up: [0, 1], down: [0, -1] }[way];
    for (let [i, j] = [from.i + right, from.j + above]; i >= 0 && j >= 0 && i < this.across.length && j < this.up.length; i += right, j += above) {
      const cell = this.byId.get(`${i} ${j}`);
      if (cell) return this.mark(cell);
    }
    return this.mark(from);
  }

  redraw() { this.surface.redraw(); }
  resize() { this.surface.redraw(); }
}

export const create = (chart) => new Heat(chart);
