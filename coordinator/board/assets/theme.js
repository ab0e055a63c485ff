// Runs in the page's head, before anything is drawn, so that a chosen theme never flashes up as the other one.
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("basin-theme");
  } catch {
    // A browser that keeps nothing follows the system.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  document.documentElement.classList.add("scripted");
}
