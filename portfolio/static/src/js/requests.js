// htmx, with morphing swaps; and what to do when an answer is a whole page or never comes. Loaded by pages that have
// something for htmx to do (app.js).
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";
import { flash } from "./page.js";
import "./ticks.js";

window.htmx = htmx;

// Written here instead of taken from idiomorph's own extension: that one evaluates text as code, which the
// content security policy refuses.
const MORPHS = { morph: "outerHTML", "morph:outerHTML": "outerHTML", "morph:innerHTML": "innerHTML" };
htmx.defineExtension("morph", {
  isInlineSwap: (style) => MORPHS[style] === "outerHTML",
  handleSwap(style, target, fragment) {
    if (!MORPHS[style]) return false;
    return Idiomorph.morph(target, fragment.children, { morphStyle: MORPHS[style], ignoreActiveValue: true });
  },
});

/** A whole page in answer to a part of one is an error page or the sign-in page: show its message, keep ours. */
document.addEventListener("htmx:beforeSwap", (event) => {
  const text = event.detail.serverResponse ?? "";
  if (!/^\s*<!doctype/i.test(text) || event.detail.boosted) return;
  event.detail.shouldSwap = false;
  const page = new DOMParser().parseFromString(text, "text/html");
  const heading = page.querySelector("h1")?.textContent.trim() ?? "Something went wrong";
  const message = page.querySelector("h1 ~ .lead")?.textContent.trim();
  flash("error", message ? `${heading}: ${message}` : `${heading}. What you typed is still here.`);
});

/** What is fetched by itself while somebody types does not lead away from the page when the session has ended. */
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr.status === 401 && event.detail.elt.matches("[data-aside]")) event.preventDefault();
});

document.addEventListener("htmx:sendError", (event) => {
  if (event.detail.elt?.matches("[data-aside]")) return; // nothing was asked to be sent, and the draft says that it waits
  flash("error", "The connection is lost, so nothing was sent. What you typed is still here; try again.");
});
document.addEventListener("htmx:timeout", () => {
  flash("error", "The server did not answer in time. Reload the page to see whether your last step was stored.");
});

// htmx begins by itself only when it is there before the page is ready.
if (document.readyState !== "loading") htmx.process(document.body);
