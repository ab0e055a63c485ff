// Numbers, times and names for people.

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** An exponent in small raised digits. */
const raised = (text) => [...text].map((it) => (it === "-" ? "⁻" : RAISED[Number(it)])).join("");

/** A value with so many figures; a dash where there is none. */
export function shown(value, figures = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && size < 1e7) return value.toLocaleString("en").replace("-", "−");
  if (size >= 1e-4 && size < 1e6) {
    return Number(value.toPrecision(figures)).toLocaleString("en", { maximumSignificantDigits: figures }).replace("-", "−");
  }
  const [mantissa, exponent] = value.toExponential(figures - 1).split("e");
  return `${Number(mantissa)}×10${raised(exponent.replace("+", ""))}`.replace(/^-/, "−");
}

/** A count with its noun. */
export const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

const UNITS = [[86_400, "d"], [3600, "h"], [60, "min"]];

/** A duration in its largest unit, and in seconds below a minute. */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  for (const [size, unit] of UNITS) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${seconds} s`;
}

/** A clock time of this machine, with seconds. */
export const clock = (milliseconds) => new Date(milliseconds).toLocaleTimeString("en-GB");

/** Where an axis has its ticks: powers of ten on a logarithmic one that spans some, round numbers otherwise. */
export function ticks(low, high, logarithmic, most) {
  if (!(high > low)) return [low];
  if (logarithmic && low > 0 && Math.log10(high / low) >= 1) {
    const every = Math.max(1, Math.ceil(Math.log10(high / low) / most));
    const found = [];
    for (let power = Math.ceil(Math.log10(low) - 1e-9); power <= Math.log10(high) + 1e-9; power += every) found.push(10 ** power);
    if (found.length > 1) return found;
  }
  const rough = (high - low) / Math.max(1, most);
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((times) => times * unit).find((size) => size >= rough * (1 - 1e-9)) ?? 10 * unit;
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-6 && found.length < 50; at += step) {
    found.push(Math.abs(at) < step * 1e-6 ? 0 : Number(at.toPrecision(12)));
  }
  return found;
}
