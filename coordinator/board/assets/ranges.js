// Ranges on the axes of parallel coordinates: dragged on an axis, or typed below it.

import { make } from "./parts.js";
import { shown } from "./format.js";

// How near to an axis a drag begins a range, in pixels.
const REACH = 14;

/** A range is `[low, high]` of numbers, or a set of texts. */
export class Ranges {
  constructor(view) {
    this.view = view;
    this.edited = null;
    this.listen();
  }

  get all() { return this.view.chart.choices.ranges; }

  /** Whether every range leaves a point, whose values `value` tells by name. */
  leave(value) {
    for (const [name, range] of this.all) {
      const it = value(name);
      if (range instanceof Set ? !range.has(String(it)) : it === null || it < range[0] || it > range[1]) return false;
    }
    return true;
  }

  /** Where a column's range lies on its axis, from above to below. */
  extent(name, scale) {
    const range = this.all.get(name);
    if (!range) return null;
    const open = new Map([[-Infinity, scale.from], [Infinity, scale.to]]);
    const ends = [...range].map((it) => open.get(it) ?? scale.place(it)).filter((it) => it !== null);
    if (ends.length === 0) return null;
    const half = range instanceof Set ? Math.abs(scale.to - scale.from) / scale.values.length / 2 : 0;
    return [Math.min(...ends) - half, Math.max(...ends) + half];
  }

  set(name, range) {
    if (range === null) this.all.delete(name);
    else this.all.set(name, range);
    this.view.writeHeads();
    this.view.select();
  }

  clear() {
    this.all.clear();
    this.edit(null);
    this.view.select();
  }

  /** Opens the fields of a column's range below the chart, or closes them. */
  edit(name) {
    this.edited = this.edited === name ? null : name;
    this.view.writeHeads();
    this.view.editor.replaceChildren();
    if (this.edited === null) return;
    const { label } = this.view.points.column(name);
    const scale = this.view.scales.get(name);
    const fields = make("fieldset", {}, make("legend", {}, `Range of ${label}`), ...(scale.isText ? this.boxes(name, scale) : this.ends(name, scale)));
    this.view.editor.append(fields);
  }

  ends(name, scale) {
    const field = (words, side) => {
      const input = make("input", { type: "number", step: "any", placeholder: shown(side === 0 ? scale.low : scale.high), value: this.all.get(name)?.[side] ?? "" });
      if (!Number.isFinite(Number(input.value))) input.value = "";
      input.addEventListener("input", () => {
        const range = [...(this.all.get(name) ?? [-Infinity, Infinity])];
        range[side] = input.value === "" ? [-Infinity, Infinity][side] : Number(input.value);
        this.set(name, range.some(Number.isFinite) ? range : null);
      });
      return make("label", {}, `${words} `, input);
    };
    return [field("from", 0), field("to", 1)];
  }

  boxes(name, scale) {
    return scale.values.slice(0, 60).map((value) => {
      const range = this.all.get(name);
      const input = make("input", { type: "checkbox", checked: !range || range.has(value) });
      input.addEventListener("change", () => {
        const chosen = new Set(this.all.get(name) ?? scale.values);
        if (input.checked) chosen.add(value);
        else chosen.delete(value);
        this.set(name, chosen.size === scale.values.length ? null : chosen);
      });
      return make("label", {}, input, ` ${value}`);
    });
  }

  listen() {
    const { view } = this;
    const { canvas } = view.surface;
    let start = null;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !view.points) return;
      const [x, y] = at(event);
      view.surface.dragged = false;
      const name = view.order.find((_, place) => Math.abs(view.place(place) - x) <= REACH);
      if (!name) return;
      start = { name, y };
      view.surface.holds = true;
      view.surface.point(null);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = at(event);
      canvas.classList.toggle("brushes", view.points && view.order.some((_, place) => Math.abs(view.place(place) - x) <= REACH));
      if (start && Math.abs(y - start.y) > 4) this.set(start.name, this.between(view.scales.get(start.name), start.y, y));
    });
    const end = (event) => {
      if (!start) return;
      // The click that ends a drag opens nothing.
      view.surface.dragged = true;
      if (event.type === "pointerup" && Math.abs(at(event)[1] - start.y) <= 4) this.set(start.name, null);
      if (this.edited === start.name) {
        this.edited = null;
        this.edit(start.name);
      }
      start = null;
      view.surface.holds = false;
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
  }

  between(scale, one, other) {
    const [above, below] = [Math.min(one, other), Math.max(one, other)];
    // As many figures as a hand can aim at.
    if (!scale.isText) return [scale.at(below), scale.at(above)].map((it) => Number(it.toPrecision(4)));
    const chosen = scale.values.filter((value) => {
      const place = scale.place(value);
      return place >= above && place <= below;
    });
    return new Set(chosen.length > 0 ? chosen : [scale.at((above + below) / 2)]);
  }
}
