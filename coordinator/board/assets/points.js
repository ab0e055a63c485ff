// The points of a sweep as its charts read them: columns of parameters and measures, a row for each point.

import { shown } from "./format.js";

export class Points {
  constructor(data) {
    // The experiment, which belongs to a task, varies as a parameter does.
    this.columns = data.columns.map((it) => (it.role === "task" ? { ...it, role: "parameter" } : it));
    this.rows = data.rows;
    this.runs = data.runs ?? [];
    this.ids = data.ids ?? [];
    this.isCut = Boolean(data.cut);
    this.count = data.n ?? data.rows.length;
    this.places = new Map(data.columns.map((it, at) => [it.name, at]));
  }

  /** A column by its name; `null` if there is none of that name. */
  column(name) { return this.places.has(name) ? this.columns[this.places.get(name)] : null; }
  value(row, name) { return row[this.places.get(name)]; }
  all(name) {
    const at = this.places.get(name);
    return this.rows.map((row) => row[at]);
  }

  /** Columns of a role that take more than one value. */
  varying(role) {
    return this.columns.filter((it) => it.role === role && new Set(this.all(it.name)).size > 1);
  }

  /** The measures that any point has. */
  get measures() { return this.columns.filter((it) => it.role === "measure" && this.all(it.name).some((value) => value !== null)); }

  /** A row in words, the parameters first. */
  words(at, named = []) {
    const row = this.rows[at];
    const parameters = this.varying("parameter").map((it) => `${it.label} ${shown(this.value(row, it.name))}`);
    const rest = this.columns.filter((it) => it.role !== "parameter" && (named.length === 0 || named.includes(it.name)));
    const runs = this.runs[at] === undefined ? [] : [`n = ${this.runs[at]}`];
    return [...[parameters.slice(0, 8).join(", ") || "the only point", ...rest.slice(0, 8).map((it) => `${it.label}: ${shown(this.value(row, it.name))}`)], ...runs];
  }

  /** Where a row's task is shown; none where no sweep is. */
  href(at) {
    const { sweep } = document.body.dataset;
    return sweep && this.ids[at] ? `/sweeps/${encodeURIComponent(sweep)}/tasks/${encodeURIComponent(this.ids[at])}` : null;
  }

  /** What is left out, in words. */
  get note() {
    return this.isCut ? `The first ${this.rows.length.toLocaleString("en")} of ${this.count.toLocaleString("en")} points; a filter chooses others.` : "";
  }
}

/** What the page's address asks for, if the points have it. */
export function asked(points, name, fallback) {
  const wanted = new URLSearchParams(location.search).get(name);
  return wanted && points.column(wanted) ? wanted : fallback;
}

/** Whether the page has a form of its own for this choice. */
export const hasField = (name) => document.querySelector(`#main form [name="${name}"]`) !== null;
