// A measure against a parameter: a mark for each point, and how many points stand at each value.

import { FONT, Scale, Surface, axes, fitted } from "./surface.js";
import { Points, asked, hasField } from "./points.js";
import { choice, make, toggle, values } from "./parts.js";
import { counted, shown } from "./format.js";
import { css, groupColor, lineRamp, mark } from "./palette.js";

const HEIGHT = 400;
const NEAR = 14;
// More groups than this are coloured as quantities, or not told apart.
const MOST_GROUPS = 10;

class Against {
  constructor(chart) {
    this.chart = chart;
    this.controls = make("div", { className: "tools" });
    chart.plot.append(this.controls);
    this.surface = new Surface(chart.plot, {
      label: "Points. Arrows left and right go from point to point, Enter opens its task.",
      draw: (context, width, height) => this.draw(context, width, height), find: (x, y) => this.find(x, y), step: (current, way) => this.step(current, way),
    });
    this.surface.canvas.style.height = `${HEIGHT}px`;
    this.legend = make("p", { className: "note scale" });
    this.note = make("p", { className: "note" });
    chart.plot.append(this.legend, this.note);
  }

  update(data) {
    this.data = data;
    this.points = new Points(data);
    const { points, chart } = this;
    const choose = (name, fallback) => {
      const wanted = hasField(name) ? asked(points, name, fallback) : chart.choices[name] ?? asked(points, name, fallback);
      return points.column(wanted) ? wanted : fallback;
    };
    const parameters = points.varying("parameter");
    this.x = choose("x", (parameters[0] ?? points.columns[0])?.name);
    this.y = choose("y", (points.measures[0] ?? points.columns.at(-1))?.name);
    this.by = choose("by", null);
    this.note.textContent = points.note;
    if (!this.x || !this.y) return;
    this.writeControls();
    this.arrange();
    this.surface.redraw();
    const [x, y] = [points.column(this.x).label, points.column(this.y).label];
    const count = this.marks.length;
    chart.describe(`${y} against ${x}, ${counted(count, "point")}. ` + this.places.slice(0, 12).map(({ words, n, middle }) => `At ${words}: ${counted(n, "point")}, mean ${shown(middle)}`).join(". "));
    values(chart.figure, points.columns.map((it) => it.label), points.rows.map((row) => row.map((it) => shown(it))));
  }

  writeControls() {
    const { points, chart } = this;
    const form = JSON.stringify(points.columns);
    if (form === this.form) return;
    this.form = form;
    const options = (role) => points.columns.filter((it) => !role || it.role === role).map((it) => [it.name, it.label]);
    const select = (words, name, all) => (hasField(name) ? null : choice(words, all, this[name] ?? "", (chosen) => {
      chart.choices[name] = chosen === "" ? null : chosen;
      this.update(this.data);
    }));
    this.controls.replaceChildren(...[
      select("Across", "x", options("parameter")), select("Up", "y", options("measure")), select("Colour by", "by", [["", "nothing"], ...options()]),
      toggle("Jitter", Boolean(chart.choices.jitter), (on) => {
        chart.choices.jitter = on;
        this.surface.redraw();
      }),
    ].filter(Boolean));
  }

  /** Which marks there are, and how many stand at each value across. */
  arrange() {
    const { points } = this;
    const known = points.rows.map((_, row) => row).filter((row) => points.value(points.rows[row], this.y) !== null && points.value(points.rows[row], this.x) !== null);
    const places = new Map();
    for (const row of known) {
      const value = points.value(points.rows[row], this.x);
      const place = places.get(value) ?? { value, words: shown(value), n: 0, sum: 0 };
      place.n += 1;
      place.sum += points.value(points.rows[row], this.y);
      places.set(value, place);
    }
    this.places = [...places.values()].map((it) => ({ ...it, middle: it.sum / it.n })).sort((a, b) => (a.value < b.value ? -1 : 1));
    this.marks = known.map((row) => ({ id: row, shift: ((row * 0.618034) % 1) - 0.5, x: 0, y: 0 }));
    this.scaleOf = (name, from, to, most) => {
      const scale = new Scale(points.column(name), known.map((row) => points.value(points.rows[row], name)), from, to, most);
      return scale;
    };
    this.color();
  }

  color() {
    const { points, legend } = this;
    if (!this.by) {
      this.colorOf = () => [groupColor(0), 0];
      legend.replaceChildren();
      return;
    }
    const { label } = points.column(this.by);
    const scale = this.scaleOf(this.by, 0, 1);
    const groups = scale.isText ? scale.values : scale.few;
    if (groups && groups.length <= MOST_GROUPS) {
      this.colorOf = (row) => {
        const value = points.value(points.rows[row], this.by);
        const at = groups.indexOf(scale.isText ? String(value) : value);
        return at < 0 ? [css("--muted"), 5] : [groupColor(at), at];
      };
      legend.replaceChildren(`${label}: `, ...groups.map((value, at) => this.entry(at, shown(value))));
      return;
    }
    const ramp = lineRamp();
    this.colorOf = (row) => {
      const share = scale.share(points.value(points.rows[row], this.by));
      return [share === null ? css("--muted") : ramp[Math.round(share * (ramp.length - 1))], 0];
    };
    const bar = make("i", { className: "bar" });
    bar.style.background = `linear-gradient(to right, ${ramp.join(", ")})`;
    legend.replaceChildren(...(scale.isText ? [`${label}: ${counted(groups.length, "value")}`] : [`${label}: ${shown(scale.low)} `, bar, ` ${shown(scale.high)}`]));
  }

  entry(at, words) {
    const canvas = make("canvas", { width: 28, height: 28, className: "mark", aria: { hidden: true } });
    const context = canvas.getContext("2d");
    context.fillStyle = context.strokeStyle = groupColor(at);
    context.lineWidth = 3;
    mark(context, at, 14, 14, 7);
    return make("span", {}, canvas, words);
  }

  draw(context, width, height) {
    if (!this.marks) return;
    const { points } = this;
    const plot = [66, 44, width - 16, height - 54];
    const [left, top, right, bottom] = plot;
    const inset = Math.min(40, (right - left) * 0.06);
    const x = this.scaleOf(this.x, left + inset, right - inset, Math.max(2, (right - left) / 90));
    const y = this.scaleOf(this.y, bottom - 10, top + (this.places.length > 16 ? 12 : 28), 6);
    const names = [points.column(this.x).label, points.column(this.y).label];
    axes(context, plot, x, y, names[0] + (x.isLog ? " (logarithmic)" : ""), names[1] + (y.isLog ? " (logarithmic)" : ""));
    const apart = this.places.length > 1 ? (right - left) / this.places.length : 40;
    const spread = this.chart.choices.jitter ? Math.min(26, apart * 0.5) : 0;
    context.globalAlpha = this.marks.length > 400 ? 0.45 : 0.85;
    context.lineWidth = 1.6;
    for (const it of this.marks) {
      const row = points.rows[it.id];
      it.x = x.place(points.value(row, this.x)) + it.shift * spread;
      it.y = y.place(points.value(row, this.y));
      const [color, shape] = this.colorOf(it.id);
      context.fillStyle = context.strokeStyle = color;
      mark(context, shape, it.x, it.y, this.marks.length > 1000 ? 2.4 : 3.6);
    }
    context.globalAlpha = 1;
    this.drawCounts(context, x, y, top);
    const { current } = this.surface;
    const found = current && this.marks.find((it) => it.id === current.id);
    if (!found) return;
    context.strokeStyle = css("--ink");
    context.lineWidth = 2;
    context.beginPath();
    context.arc(found.x, found.y, 7, 0, 2 * Math.PI);
    context.stroke();
  }

  /** Of few places: the mean of each as a stroke, and how many points it is of. */
  drawCounts(context, x, y, top) {
    if (this.places.length > 16) return;
    context.font = FONT;
    context.textAlign = "center";
    context.textBaseline = "bottom";
    let free = -Infinity;
    for (const place of this.places) {
      const at = x.place(place.value);
      const middle = y.place(place.middle);
      if (place.n > 1 && middle !== null) {
        context.strokeStyle = css("--ink");
        context.lineWidth = 2;
        context.beginPath();
        context.moveTo(at - 11, middle);
        context.lineTo(at + 11, middle);
        context.stroke();
      }
      const words = fitted(context, `n = ${place.n}`, 80);
      const half = context.measureText(words).width / 2;
      if (at - half < free) continue;
      context.fillStyle = css("--muted");
      context.fillText(words, at, top + 16);
      free = at + half + 6;
    }
  }

  words(row) {
    const value = this.points.value(this.points.rows[row], this.x);
    return [...this.points.words(row, [this.y, "n", this.by ?? ""]), `${counted(this.places.find((it) => it.value === value)?.n ?? 0, "point")} at ${shown(value)}`];
  }

  mark({ id, x, y }) { return { id, x, y, lines: this.words(id), href: this.points.href(id) }; }

  find(x, y) {
    let [best, away] = [null, NEAR];
    for (const it of this.marks ?? []) {
      const distance = Math.hypot(it.x - x, it.y - y);
      if (distance < away) [best, away] = [it, distance];
    }
    return best && this.mark(best);
  }

  step(current, way) {
    if (!this.marks?.length) return null;
    const all = [...this.marks].sort((a, b) => a.x - b.x || b.y - a.y);
    const step = way === "left" || way === "down" ? -1 : 1;
    const at = current ? all.findIndex((it) => it.id === current.id) + step : 0;
    return this.mark(all[(at + all.length) % all.length]);
  }

  redraw() {
    if (!this.marks) return;
    this.color();
    this.surface.redraw();
  }

  resize() { this.surface.redraw(); }
}

export const create = (chart) => new Against(chart);
