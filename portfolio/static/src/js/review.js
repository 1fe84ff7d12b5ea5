// [data-review] with [data-criterion] inside: J and K move, M and N decide, F goes to the feedback and Escape out
// of it. A check box [data-keys-switch] turns single-key shortcuts off (WCAG 2.1.4); the choice stays on this device.
import { isTyping, onContent } from "./page.js";

const STORE = "keys";
const criteria = () => [...document.querySelectorAll("[data-review] [data-criterion]")];
const current = () => document.querySelector("[data-review] [data-criterion].is-current") ?? criteria()[0];

function select(next, { move = true } = {}) {
  for (const one of criteria()) {
    one.classList.toggle("is-current", one === next);
    one.toggleAttribute("aria-current", false);
  }
  next.setAttribute("aria-current", "true");
  if (!move) return;
  next.tabIndex = -1;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function decide(verdict) {
  const choice = current()?.querySelector(`[data-decide="${verdict}"]`);
  if (!choice || choice.disabled) return;
  select(current(), { move: false });
  choice.click();
  choice.focus();
}

function step(by) {
  const all = criteria();
  const at = all.findIndex((one) => one.classList.contains("is-current"));
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
  if (next) select(next);
}

function feedback() {
  const field = current()?.querySelector("[data-feedback]");
  if (!field) return;
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length); // go on writing where the text ends
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  m: () => decide("met"),
  n: () => decide("not_yet"),
  f: feedback,
};

/** Escape leaves the feedback for its criterion, where the single keys count again. */
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches?.("[data-review] [data-feedback]") && current()) select(current());
});

document.addEventListener("keydown", (event) => {
  const act = KEYS[event.key.toLowerCase()];
  if (!act || event.defaultPrevented || isTyping(event) || document.documentElement.dataset.keys === "off") return;
  if (!document.querySelector("[data-review]")) return;
  event.preventDefault();
  act();
});

document.addEventListener("focusin", (event) => {
  const one = event.target.closest?.("[data-review] [data-criterion]");
  if (one && !one.classList.contains("is-current")) select(one, { move: false });
});

document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-keys-switch]")) setKeys(event.target.checked);
});

function setKeys(on) {
  document.documentElement.dataset.keys = on ? "on" : "off";
  try {
    localStorage.setItem(STORE, on ? "on" : "off");
  } catch {
    // storage forbidden: holds for this page only
  }
}

onContent((root) => {
  let stored = "on";
  try {
    stored = localStorage.getItem(STORE) ?? "on";
  } catch {
    // storage forbidden: the default holds
  }
  document.documentElement.dataset.keys = stored;
  for (const box of root.querySelectorAll("[data-keys-switch]")) box.checked = stored !== "off";
});
