// Everything here is enhancement: each page works without it.
import "./menu.js";
import "./strip.js";
import "./theme.js";
import "./guard.js";
import "./unsaved.js";
import "./player.js";
import "./region.js";
import "./review.js";
import "./grid.js";
import "./glossary.js";
import "./confirm.js";
import "./print.js";
import { startAutosave } from "./autosave.js";
import { isLeft } from "./left.js";
import { onContent } from "./page.js";

document.documentElement.classList.add("js");
onContent(startAutosave);
onContent((root) => root.querySelector("[data-error-summary]")?.focus());

// Few pages send parts of themselves or files; the others are spared the weight of it, and a large page the search
// of all its elements for what htmx should do.
if (document.querySelector("[hx-get], [hx-post]")) import("./requests.js");
if (document.querySelector("[data-upload]")) import("./upload.js");
if (document.querySelector("[data-now-into]")) import("./visit.js");
if (document.querySelector("[data-stamp-into]")) import("./talk.js");
if (document.querySelector("[data-words-of]")) import("./words.js");
if (document.querySelector("[data-recorder]")) import("./record.js");
else if (isLeft()) import("./leftovers.js");
