// The board's scripts. Pages are whole without them; see README.md for what pages and scripts agree on.

import "./theme.js";
import * as charts from "./charts.js";
import * as live from "./live.js";
import "./navigation.js";
import * as theme from "./toggle.js";
import * as time from "./time.js";
import { remember } from "./swap.js";

remember(document);
theme.start();
time.start();
charts.start();
live.start();

document.addEventListener("board:page", () => {
  theme.place();
  time.tell();
});
document.addEventListener("board:swapped", () => time.tell());
