// Figures that answer: values where one points, ranges that one drags, legends that hide. The picture is the same without.
{
  const SVG = "http://www.w3.org/2000/svg";
  const element = (name, attributes, parent) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent?.append(made);
    return made;
  };
  document.querySelectorAll(".hint").forEach((hint) => { hint.hidden = false; });

  // Numbers for people.
  const superscript = (text) => [...text].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"["0123456789".indexOf(c)] ?? (c === "-" ? "⁻" : c)).join("");
  const shown = (value, figures = 4) => {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size === 0) return "0";
    if (size >= 1e-4 && size < 1e6) {
      return Number(value.toPrecision(figures)).toLocaleString("en", { maximumSignificantDigits: figures }).replace("-", "−");
    }
    const [mantissa, exponent] = value.toExponential(figures - 1).split("e");
    return `${Number(mantissa)}×10${superscript(exponent.replace("+", ""))}`.replace(/^-/, "−");
  };

  // Where an axis has its ticks when its range isn't that of the picture.
  const ticks = (low, high, logarithmic, most) => {
    if (logarithmic && Math.log10(high / low) >= 1) {
      const found = [];
      const every = Math.max(1, Math.ceil(Math.log10(high / low) / most));
      for (let power = Math.ceil(Math.log10(low)); 10 ** power <= high; power += every) found.push(10 ** power);
      if (found.length > 1) return found;
    }
    const rough = (high - low) / most;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((times) => times * unit).find((size) => size >= rough);
    const found = [];
    for (let at = Math.ceil(low / step) * step; at <= high && found.length < 50; at += step) found.push(Math.abs(at) < step * 1e-6 ? 0 : at);
    return found;
  };

  class Axis {
    constructor([low, high], logarithmic, from, to) {
      Object.assign(this, { logarithmic, from, to });
      this.whole = [this.along(low), this.along(high)];
      this.range = [...this.whole];
    }
    along(value) { return this.logarithmic ? Math.log(value) : value; }
    back(at) { return this.logarithmic ? Math.exp(at) : at; }
    // Of a value, where it is drawn now.
    place(value) {
      const [low, high] = this.range;
      return this.from + (this.along(value) - low) / (high - low) * (this.to - this.from);
    }
    // Of a place, what stands there now, in the axis' own terms.
    at(place) {
      const [low, high] = this.range;
      return low + (place - this.from) / (this.to - this.from) * (high - low);
    }
    // How a place of the picture moves: scale and shift.
    get move() {
      const [low, high] = this.range;
      const [first, last] = this.whole;
      const scale = (last - first) / (high - low);
      const shift = this.from * (1 - scale) + (first - low) / (high - low) * (this.to - this.from);
      return [scale, shift];
    }
    get isWhole() { return this.range.every((end, index) => end === this.whole[index]); }
    zoom(low, high) {
      const most = this.whole[1] - this.whole[0];
      if (!(high - low > most * 1e-4)) return;
      const length = Math.min(high - low, most);
      const start = Math.min(Math.max(low, this.whole[0]), this.whole[1] - length);
      this.range = high - low >= most ? [...this.whole] : [start, start + length];
    }
    get ticks() {
      return ticks(this.back(this.range[0]), this.back(this.range[1]), this.logarithmic, Math.max(2, Math.abs(this.to - this.from) / 70));
    }
  }

  class Panel {
    constructor(figure, number, view, readings) {
      Object.assign(this, { figure, number, view, readings });
      const [left, top, right, bottom] = view.plot;
      this.x = new Axis(view.x, view.logX, left, right);
      this.y = new Axis(view.y, view.logY, bottom, top);
      const of = (name) => [...figure.svg.querySelectorAll(`.${name}[data-panel="${number}"]`)];
      this.axes = of("axes");
      this.stretched = of("stretched");
      this.moved = of("moved").map((part) => [part, part.dataset.at.split(" ").map(Number)]);
      const clip = `${figure.svg.querySelector("title").id}-clip-${number}`;
      element("rect", { x: left, y: top, width: right - left, height: bottom - top }, element("clipPath", { id: clip }, figure.svg));
      this.clip = `url(#${clip})`;
      this.surface = element("rect", {
        class: "surface", x: left, y: top, width: right - left, height: bottom - top, tabindex: 0, role: "application",
        "aria-label": `Panel ${String.fromCharCode(97 + number)}: ${view.nameY} against ${view.nameX}. Arrows read its values, + and − zoom.`,
      }, figure.svg);
      this.near = element("circle", { class: "near is-hidden", r: 6 }, figure.svg);
      this.listen();
    }

    // The lines that aren't hidden.
    get lines() { return this.readings.filter((line) => !this.figure.hidden.has(line.group)); }

    listen() {
      const { surface } = this;
      let start = null;
      let box = null;
      surface.addEventListener("pointermove", (event) => {
        const at = this.figure.point(event);
        if (start) {
          box ??= element("rect", { class: "box" }, this.figure.svg);
          const ends = this.within(at);
          box.setAttribute("x", Math.min(start[0], ends[0]));
          box.setAttribute("y", Math.min(start[1], ends[1]));
          box.setAttribute("width", Math.abs(start[0] - ends[0]));
          box.setAttribute("height", Math.abs(start[1] - ends[1]));
          return;
        }
        this.show(this.nearest(at));
      });
      surface.addEventListener("pointerdown", (event) => {
        if (event.button !== 0 || event.pointerType === "touch") { this.show(this.nearest(this.figure.point(event))); return; }
        start = this.within(this.figure.point(event));
        surface.setPointerCapture(event.pointerId);
      });
      const end = (event) => {
        if (!start) return;
        const [from, to] = [start, this.within(this.figure.point(event))];
        box?.remove();
        [start, box] = [null, null];
        const wide = Math.abs(from[0] - to[0]);
        const tall = Math.abs(from[1] - to[1]);
        if (event.type === "pointercancel" || Math.max(wide, tall) < 6) return;
        // A flat drag is of one axis.
        if (wide >= 6) this.zoom(this.x, from[0], to[0]);
        if (tall >= 6) this.zoom(this.y, from[1], to[1]);
        this.draw();
      };
      surface.addEventListener("pointerup", end);
      surface.addEventListener("pointercancel", end);
      surface.addEventListener("pointerleave", () => { if (!start) this.show(null); });
      surface.addEventListener("dblclick", () => this.reset());
      surface.addEventListener("wheel", (event) => {
        // Without a key the wheel scrolls the page.
        if (!event.ctrlKey && !event.metaKey && this.isWhole) return;
        event.preventDefault();
        const [x, y] = this.figure.point(event);
        this.scale(event.deltaY > 0 ? 1.25 : 0.8, x, y);
      }, { passive: false });
      surface.addEventListener("keydown", (event) => this.key(event));
      surface.addEventListener("focus", () => { if (surface.matches(":focus-visible")) this.step(0, 0); });
      surface.addEventListener("blur", () => this.show(null));
    }

    get isWhole() { return this.x.isWhole && this.y.isWhole; }
    within([x, y]) {
      const [left, top, right, bottom] = this.view.plot;
      return [Math.min(Math.max(x, left), right), Math.min(Math.max(y, top), bottom)];
    }
    zoom(axis, from, to) {
      const ends = [axis.at(from), axis.at(to)].sort((a, b) => a - b);
      axis.zoom(ends[0], ends[1]);
    }
    scale(factor, x, y) {
      for (const [axis, place] of [[this.x, x], [this.y, y]]) {
        const at = axis.at(place);
        axis.zoom(at + (axis.range[0] - at) * factor, at + (axis.range[1] - at) * factor);
      }
      this.draw();
    }
    reset() {
      for (const axis of [this.x, this.y]) axis.range = [...axis.whole];
      this.draw();
    }

    // Moves marks to where the ranges put them, and draws the axes that belong to these.
    draw() {
      const [[sx, tx], [sy, ty]] = [this.x.move, this.y.move];
      const whole = this.isWhole;
      this.figure.svg.classList.toggle("zoomed", this.figure.panels.some((panel) => !panel.isWhole));
      const clipped = (part) => {
        if (whole) part.removeAttribute("clip-path");
        else part.setAttribute("clip-path", this.clip);
      };
      for (const part of this.stretched) {
        if (!part.parentNode.classList.contains("clipped")) {
          const holder = element("g", { class: "clipped" });
          part.replaceWith(holder);
          holder.append(part);
        }
        clipped(part.parentNode);
        part.setAttribute("transform", whole ? "" : `matrix(${sx} 0 0 ${sy} ${tx} ${ty})`);
      }
      const [left, top, right, bottom] = this.view.plot;
      for (const [part, [x, y]] of this.moved) {
        const [toX, toY] = [x * sx + tx, y * sy + ty];
        part.setAttribute("transform", whole ? "" : `translate(${toX - x} ${toY - y})`);
        const outside = !whole && (toX < left - 1 || toX > right + 1 || toY < top - 1 || toY > bottom + 1);
        part.classList.toggle("is-beyond", outside);
        part.style.display = outside ? "none" : "";
      }
      for (const part of this.axes) part.classList.toggle("is-hidden", !whole);
      this.drawn?.remove();
      if (!whole) {
        this.drawn = element("g", { class: "drawn" });
        this.axes[0]?.before(this.drawn);
        const text = (x, y, anchor, value) => {
          const label = element("text", { class: "tick", x, y, "text-anchor": anchor }, this.drawn);
          label.textContent = shown(value);
        };
        for (const value of this.x.ticks) {
          const x = this.x.place(value);
          element("line", { class: "rule", x1: x, x2: x, y1: top, y2: bottom }, this.drawn);
          text(x, bottom + 16, "middle", value);
        }
        for (const value of this.y.ticks) {
          const y = this.y.place(value);
          element("line", { class: "rule", x1: left, x2: right, y1: y, y2: y }, this.drawn);
          text(left - 6, y + 4, "end", value);
        }
        element("path", { class: "s-ink", fill: "none", stroke: "#1c1c1c", d: `M${left} ${top}V${bottom}H${right}` }, this.drawn);
      }
      this.figure.button.hidden = this.figure.panels.every((panel) => panel.isWhole);
      this.show(null);
    }

    // The value nearest to a place, within reach.
    nearest([x, y]) {
      let best = null;
      let least = 60 ** 2;
      for (const line of this.lines) {
        line.points.forEach((point, index) => {
          const distance = (this.x.place(point[0]) - x) ** 2 + (this.y.place(point[1]) - y) ** 2;
          if (distance < least) [best, least] = [{ line, index }, distance];
        });
      }
      return best;
    }

    show(found) {
      this.shown = found;
      this.near.classList.toggle("is-hidden", !found);
      if (!found) { this.figure.tip.hidden = true; return; }
      const { line, index } = found;
      const [x, y, low, high, n = 1, meant = x] = line.points[index];
      const [placeX, placeY] = [this.x.place(x), this.y.place(y)];
      this.near.setAttribute("cx", placeX);
      this.near.setAttribute("cy", placeY);
      const rows = [];
      if (line.label) rows.push(line.label);
      rows.push(`${line.name}: ${shown(y)}`);
      if (low !== null && low !== undefined) rows.push(`95 % interval: ${shown(low)} to ${shown(high)}`);
      rows.push(`${this.view.nameX}: ${shown(meant, 6)}`);
      rows.push(line.run ? line.run : `n = ${n} ${n === 1 ? "run" : "runs"}`);
      this.figure.say(rows, placeX, placeY);
    }

    // The keyboard: arrows along a line and from line to line.
    step(along, across) {
      const lines = this.lines;
      if (lines.length === 0) return;
      let line = Math.max(0, lines.indexOf(this.shown?.line));
      line = (line + across + lines.length) % lines.length;
      const points = lines[line].points;
      const last = this.shown?.index ?? 0;
      const index = Math.min(Math.max(last + along, 0), points.length - 1);
      this.show({ line: lines[line], index });
    }
    key(event) {
      const [left, top, right, bottom] = this.view.plot;
      const keys = {
        ArrowLeft: () => this.step(-1, 0), ArrowRight: () => this.step(1, 0),
        ArrowUp: () => this.step(0, -1), ArrowDown: () => this.step(0, 1),
        Home: () => this.step(-Infinity, 0), End: () => this.step(Infinity, 0),
        "+": () => this.scale(0.8, (left + right) / 2, (top + bottom) / 2),
        "=": () => this.scale(0.8, (left + right) / 2, (top + bottom) / 2),
        "-": () => this.scale(1.25, (left + right) / 2, (top + bottom) / 2),
        0: () => this.reset(),
        Escape: () => this.show(null),
      };
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    }
  }

  class Figure {
    constructor(plot, svg, views, readings) {
      Object.assign(this, { plot, svg, hidden: new Set() });
      svg.setAttribute("role", "group");
      this.tip = document.createElement("div");
      this.tip.className = "tip";
      this.tip.setAttribute("role", "status");
      this.tip.hidden = true;
      this.button = document.createElement("button");
      this.button.type = "button";
      this.button.className = "reset";
      this.button.textContent = "Show all again";
      this.button.hidden = true;
      this.button.addEventListener("click", () => this.panels.forEach((panel) => panel.reset()));
      plot.append(this.button, this.tip);
      this.panels = views.map((view, number) => new Panel(this, number, view, readings[number] ?? []));
      this.legend();
    }

    // Where a pointer is, in the picture's own units.
    point(event) {
      const bounds = this.svg.getBoundingClientRect();
      const { width, height } = this.svg.viewBox.baseVal;
      return [(event.clientX - bounds.left) / bounds.width * width, (event.clientY - bounds.top) / bounds.height * height];
    }

    // Says something at a place of the picture.
    say(rows, x, y) {
      this.tip.replaceChildren(...rows.map((row, place) => {
        const line = document.createElement(place === 0 ? "b" : "div");
        line.textContent = row;
        return line;
      }));
      this.tip.hidden = false;
      const scale = this.svg.getBoundingClientRect().width / this.svg.viewBox.baseVal.width;
      const [width, height] = [this.tip.offsetWidth, this.tip.offsetHeight];
      const right = x * scale + 14 + width <= this.plot.clientWidth;
      const left = right ? x * scale + 14 : Math.max(0, x * scale - 14 - width);
      this.tip.style.left = `${Math.min(left, Math.max(0, this.plot.clientWidth - width))}px`;
      this.tip.style.top = `${Math.max(0, y * scale - height / 2)}px`;
    }

    legend() {
      const groups = [...this.svg.querySelectorAll("[data-group]")];
      for (const entry of this.svg.querySelectorAll(".entry")) {
        const group = Number(entry.dataset.group);
        const box = entry.getBBox();
        element("rect", { x: box.x - 2, y: box.y - 3, width: box.width + 4, height: box.height + 6, fill: "transparent" }, entry);
        for (const [key, value] of Object.entries({ role: "button", tabindex: 0, "aria-pressed": "true", "aria-label": entry.dataset.label })) {
          entry.setAttribute(key, value);
        }
        const toggle = () => {
          const hides = !this.hidden.has(group);
          if (hides) this.hidden.add(group); else this.hidden.delete(group);
          entry.setAttribute("aria-pressed", String(!hides));
          for (const part of groups) {
            if (part !== entry && Number(part.dataset.group) === group) part.classList.toggle("is-hidden", hides);
          }
          this.panels.forEach((panel) => panel.show(null));
        };
        entry.addEventListener("click", toggle);
        entry.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          toggle();
        });
      }
    }
  }

  // A picture answers once it is near: a page of many figures opens as fast as one of few.
  const awake = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const svg = target.querySelector("svg");
      if (!isIntersecting || svg.clientWidth === 0) continue;
      awake.unobserve(target);
      const all = JSON.parse(target.closest("figure").querySelector("script.panels").textContent);
      const views = target.className === "narrow" ? all.narrow : all.wide;
      new Figure(target, svg, views, all.readings);
    }
  }, { rootMargin: "400px" });
  document.querySelectorAll(".plot .wide, .plot .narrow").forEach((holder) => awake.observe(holder));
}
