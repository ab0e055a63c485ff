// Small parts of charts' controls.

/** An element with properties and children; `data-own` marks what scripts made, so that swaps leave it alone. */
export function make(name, properties = {}, ...children) {
  const made = document.createElement(name);
  const { data = {}, aria = {}, ...rest } = properties;
  Object.assign(made, rest);
  Object.assign(made.dataset, data);
  for (const [key, value] of Object.entries(aria)) made.setAttribute(key === "role" ? key : `aria-${key}`, value);
  made.append(...children.filter((it) => it !== null));
  return made;
}

/** A button that is pressed or not. */
export function toggle(words, pressed, change) {
  const button = make("button", { type: "button", textContent: words, aria: { pressed } });
  button.addEventListener("click", () => {
    const now = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", now);
    change(now);
  });
  return button;
}

/** A choice of one, with its label. `options` are pairs of value and words. */
export function choice(words, options, chosen, change) {
  const select = make("select", {}, ...options.map(([value, text]) => make("option", { value, textContent: text })));
  select.value = chosen;
  select.addEventListener("change", () => change(select.value));
  return make("label", {}, `${words} `, select);
}

/** A row of buttons of which one is pressed. */
export function oneOf(words, options, chosen, change) {
  const row = make("div", { className: "oneof", aria: { role: "group", label: words } });
  for (const [value, text] of options) {
    const button = make("button", { type: "button", textContent: text, aria: { pressed: value === chosen } });
    button.addEventListener("click", () => {
      for (const other of row.children) other.setAttribute("aria-pressed", other === button);
      change(value);
    });
    row.append(button);
  }
  return row;
}

/** A box of words beside the pointer, which never leaves its chart. */
export class Tip {
  constructor(parent) {
    this.parent = parent;
    this.box = make("div", { className: "tip", hidden: true });
    parent.append(this.box);
  }

  /** Shows lines of words at a place in the parent; the first is set apart. `null` hides it. */
  show(lines, x, y) {
    this.box.hidden = lines === null;
    if (lines === null) return;
    this.box.replaceChildren(...lines.map((line, at) => make(at === 0 ? "b" : "span", {}, line)));
    const { clientWidth: width, clientHeight: height } = this.parent;
    const left = x + 14 + this.box.offsetWidth > width ? x - 14 - this.box.offsetWidth : x + 14;
    const top = y + 14 + this.box.offsetHeight > height ? y - 14 - this.box.offsetHeight : y + 14;
    this.box.style.left = `${Math.max(0, Math.min(left, width - this.box.offsetWidth))}px`;
    this.box.style.top = `${Math.max(0, top)}px`;
  }
}

/** Values as a table below a figure's `details`, for who doesn't see the chart; at most 500 rows. */
export function values(figure, head, rows) {
  const details = figure.querySelector("details");
  if (!details || details.querySelector("table:not([data-own] table)")) return;
  const isNumber = head.map((_, at) => rows.some((it) => /^[−\d]/.test(it[at])));
  const row = (cells, name) => make("tr", {}, ...cells.map((cell, at) => make(name, { className: isNumber[at] ? "number" : "" }, String(cell ?? "–"))));
  const table = make("table", {}, make("thead", {}, row(head, "th")), make("tbody", {}, ...rows.slice(0, 500).map((it) => row(it, "td"))));
  for (const cell of table.querySelectorAll("thead th")) cell.scope = "col";
  const more = rows.length > 500 ? make("p", { className: "note" }, `The first 500 of ${rows.length.toLocaleString("en")}.`) : null;
  const box = make("div", { data: { own: "" } }, make("div", { className: "scroll", tabIndex: 0, aria: { role: "region", label: "Values" } }, table), more);
  details.querySelector(":scope > [data-own]")?.remove();
  details.append(box);
}
