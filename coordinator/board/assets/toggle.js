// The choice between the system's theme, light and dark.

const CHOICES = ["system", "light", "dark"];

const chosen = () => document.documentElement.dataset.theme ?? "system";

function choose(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem("basin-theme");
    else localStorage.setItem("basin-theme", theme);
  } catch {
    // It holds for this page.
  }
  place();
  document.dispatchEvent(new CustomEvent("board:theme"));
}

/** Puts the button into the page's head, if the page has none, and brings its words up to date. */
export function place() {
  let button = document.querySelector("[data-theme-toggle]");
  if (!button) {
    const header = document.querySelector("body > header");
    if (!header) return;
    button = document.createElement("button");
    button.type = "button";
    button.className = "theme";
    button.dataset.themeToggle = "";
    header.append(button);
  }
  button.hidden = false;
  button.textContent = `Theme: ${chosen()}`;
}

export function start() {
  place();
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-theme-toggle]")) choose(CHOICES[(CHOICES.indexOf(chosen()) + 1) % CHOICES.length]);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new CustomEvent("board:theme")));
  // Another tab chose.
  addEventListener("storage", (event) => {
    if (event.key !== "basin-theme") return;
    if (event.newValue) document.documentElement.dataset.theme = event.newValue;
    else delete document.documentElement.dataset.theme;
    place();
    document.dispatchEvent(new CustomEvent("board:theme"));
  });
}
