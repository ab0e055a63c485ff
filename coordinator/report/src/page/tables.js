// Tables of results: sorted by a click, filtered by words or conditions, each point opened to its runs.
"use strict";
document.documentElement.classList.add("scripted");
for (const holder of document.querySelectorAll("[data-table=results]")) {
  const table = holder.querySelector("table");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const points = [...body.rows];
  const island = holder.querySelector("script.seeds");
  const seeds = island ? JSON.parse(island.textContent) : [];
  const measures = heads.length - (seeds[0]?.[0]?.[3].length ?? 0);

  const valueOf = (row, column) => {
    const cell = row.cells[column];
    if (cell.classList.contains("gap")) return null;
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };

  // Opening a point to its runs.
  const shown = (value) => {
    if (typeof value !== "number") return value === null ? "–" : value;
    const size = Math.abs(value);
    if (value === 0 || Number.isInteger(value) && size < 1e9) return value.toLocaleString("en");
    return size >= 1e-4 && size < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(3);
  };
  const close = (row) => {
    while (row.nextElementSibling?.classList.contains("seed")) row.nextElementSibling.remove();
    row.querySelector(".open")?.setAttribute("aria-expanded", "false");
  };
  const open = (row, place) => {
    row.querySelector(".open").setAttribute("aria-expanded", "true");
    row.after(...seeds[place].map(([seed, outcome, task, values]) => {
      const line = document.createElement("tr");
      line.className = "seed";
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = `seed ${seed}`;
      line.append(head);
      for (let column = 1; column < measures; column += 1) line.insertCell();
      if (measures > 1) {
        const last = line.cells[measures - 1];
        last.className = "number";
        last.textContent = outcome;
        last.title = `task ${task}`;
      }
      for (const value of values) {
        const cell = line.insertCell();
        cell.className = "number";
        cell.textContent = shown(value);
      }
      return line;
    }));
  };
  points.forEach((row, place) => {
    row.querySelector(".open")?.addEventListener("click", (event) => {
      if (event.currentTarget.getAttribute("aria-expanded") === "true") close(row);
      else open(row, place);
    });
  });

  // Sorting: rows without a value stay last.
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
      points.forEach(close);
      const last = (value) => value === null || Number.isNaN(value);
      const keyed = [...body.rows].map((row) => [valueOf(row, column), row]);
      keyed.sort(([a], [b]) => {
        if (last(a) || last(b)) return Number(last(a)) - Number(last(b));
        return direction * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
      });
      body.append(...keyed.map(([, row]) => row));
    });
  });

  // Filtering: conditions (name > 1) and words, separated by commas or "and"; all must hold.
  const compare = {
    "<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, ">=": (a, b) => a >= b,
    "=": (a, b) => a === b, "!=": (a, b) => a !== b,
  };
  const columnOf = (name) => {
    const wanted = name.trim().toLowerCase().replaceAll("_", " ");
    const names = heads.map((head) => [head.textContent.trim().toLowerCase(), (head.dataset.name ?? "").toLowerCase().replaceAll("_", " ")]);
    const exact = names.findIndex((both) => both.includes(wanted));
    return exact >= 0 ? exact : names.findIndex((both) => both.some((one) => one.includes(wanted)));
  };
  const test = (part) => {
    const found = /^(.+?)\s*(<=|>=|!=|==|=|<|>)\s*(.+)$/.exec(part);
    const column = found ? columnOf(found[1]) : -1;
    if (column < 0) {
      const words = part.toLowerCase().split(/\s+/);
      return (row) => words.every((word) => row.textContent.toLowerCase().includes(word));
    }
    const number = Number(found[3].replaceAll(",", ""));
    const operator = compare[found[2] === "==" ? "=" : found[2]];
    return (row) => {
      const value = valueOf(row, column);
      if (value === null) return false;
      if (typeof value === "number" && !Number.isNaN(number)) return operator(value, number);
      return operator(String(row.cells[column].textContent).trim().toLowerCase(), found[3].trim().toLowerCase());
    };
  };
  const tools = holder.querySelector(".tools");
  const input = tools.querySelector("input");
  const output = tools.querySelector("output");
  tools.hidden = false;
  input.addEventListener("input", () => {
    const tests = input.value.split(/,\s|\s+and\s+|;/i).map((part) => part.trim()).filter(Boolean).map(test);
    let count = 0;
    for (const row of points) {
      close(row);
      row.hidden = !tests.every((holds) => holds(row));
      count += row.hidden ? 0 : 1;
    }
    output.textContent = tests.length === 0 ? "" : `${count} of ${points.length} points`;
  });
}

// Where the reader is, in the contents.
{
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.getAttribute("href").slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      links.forEach((link) => link.removeAttribute("aria-current"));
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-10% 0px -80% 0px" });
  for (const id of links.keys()) {
    const target = document.getElementById(id);
    if (target) seen.observe(target);
  }
}
