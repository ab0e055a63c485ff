// Colours and marks: those of the reports' figures (`coordinator/charts/src/style.rs` and `ramp.rs`), which stay apart for colour-blind
// eyes. Marks tell groups apart without colour.

const GROUPS = 10;

const RAMP = [
  "#24165b", "#231f64", "#21276c", "#1d2f74", "#16387c", "#094083", "#034a84", "#035285", "#025b87", "#076389", "#086b8b",
  "#03738f", "#027b92", "#078395", "#018b98", "#00939a", "#089b9b", "#01a49d", "#02ad9d", "#0fb59c", "#1fbd9a", "#40c497",
  "#57ca95", "#6cd093", "#80d692", "#92dc91", "#a4e190", "#b5e691", "#c6eb92", "#d7f094", "#e7f498", "#f6f99c",
];

/** A colour of the style sheet: `--ink`, say. */
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The colour of the n-th group. */
export const groupColor = (n) => css(`--g${n % GROUPS}`);

/** Whether light is drawn on dark. */
export function isDark() {
  const theme = document.documentElement.dataset.theme;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** A quantity's colour for areas: `share` from 0 to 1 is dark to light on any background. */
export const areaColor = (share) => RAMP[Math.round(Math.min(1, Math.max(0, share)) * (RAMP.length - 1))];

/** The ramp for lines and points, without the end that the background swallows. */
export const lineRamp = () => (isDark() ? RAMP.slice(9) : RAMP.slice(0, 22));

/** Black or white, whichever is read on the colour. */
export function inkOn(hex) {
  const channel = (at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5) > 0.18 ? "#000" : "#fff";
}

/** A colour that covers only so much. */
export function faint(hex, opacity) {
  const part = (at) => parseInt(hex.slice(at, at + 2), 16);
  return `rgba(${part(1)}, ${part(3)}, ${part(5)}, ${opacity})`;
}

/** How much each of so many bands covers: of many, all together still show the lines. */
export const bandOpacity = (bands) => 0.22 * Math.min(1, 3 / Math.max(1, bands));

const corners = (count, turn) => Array.from({ length: count }, (_, at) => turn + (at * 2 * Math.PI) / count);

/** Draws the n-th group's mark: a disc, square, triangle, diamond, cross or ring. */
export function mark(context, n, x, y, size) {
  const kind = n % 6;
  context.beginPath();
  if (kind === 0 || kind === 5) {
    context.arc(x, y, size, 0, 2 * Math.PI);
  } else if (kind === 4) {
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y + size);
    context.moveTo(x - size, y + size);
    context.lineTo(x + size, y - size);
  } else {
    const angles = kind === 1 ? corners(4, Math.PI / 4) : kind === 2 ? corners(3, -Math.PI / 2) : corners(4, 0);
    angles.forEach((angle, at) => {
      const place = [x + 1.3 * size * Math.cos(angle), y + 1.3 * size * Math.sin(angle)];
      if (at === 0) context.moveTo(...place);
      else context.lineTo(...place);
    });
    context.closePath();
  }
  if (kind < 4) context.fill();
  else context.stroke();
}
