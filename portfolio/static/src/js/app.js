// Everything here is enhancement: each page works without it.
import "./requests.js";
import "./menu.js";
import "./theme.js";
import "./guard.js";
import "./unsaved.js";
import "./upload.js";
import "./player.js";
import "./region.js";
import "./review.js";
import "./grid.js";
import "./glossary.js";
import "./confirm.js";
import "./print.js";
import { startAutosave } from "./autosave.js";
import { onContent } from "./page.js";

document.documentElement.classList.add("js");
onContent(startAutosave);
onContent((root) => root.querySelector("[data-error-summary]")?.focus());
