// <button data-stamp-into="ID OF A FIELD OF TIMES" data-stamp-word="1.2">: writes the moment that is being recorded or
// played into the field, "0:12-" at first and "0:12-0:40" when pressed again; a third time begins another span, unless
// data-stamp-once: then it begins anew. Every button for a field says where it stands. [data-stamp-clock] shows the moment.
import { announce, flash } from "./page.js";
import { clock, lastPlayer } from "./player.js";

let running = () => null;
if (document.querySelector("[data-recorder]")) import("./record.js").then((record) => (running = record.runningSeconds));

const recordings = () => document.querySelectorAll("[data-recording]");

/** {seconds, which} of what is recorded, or else played; null when neither is there. `which` counts from 1. */
function moment() {
  const seconds = running();
  // What is being recorded comes behind all that are there, also those stored since the page was drawn
  if (seconds !== null) return { seconds, which: recordings().length + storedSince() + 1, live: true };
  const player = lastPlayer();
  const place = player?.box.closest("[data-recording]");
  return place ? { seconds: player.now, which: Number(place.dataset.recording), live: false } : null;
}

/** Recordings that were stored after the page was drawn: their rows have no player yet. */
function storedSince() {
  const rows = [...document.querySelectorAll("#file-list > li")].filter((row) => row.querySelector('a[href$="/captions"]'));
  return Math.max(0, rows.length - recordings().length);
}

const OPEN = /(?:^|[;,]\s*)(?:R(\d+)\s+)?([\d:]+)-\s*$/;

function openSpan(field) {
  const found = OPEN.exec(field.value);
  return found && { which: Number(found[1] ?? 1), start: found[2] };
}

function stamp(field, word, once) {
  const now = moment();
  if (!now) return announce("Start the recording or the player first.");
  const open = openSpan(field);
  const said = clock(now.seconds);
  const label = now.which > 1 ? `R${now.which} ` : "";
  if (open && open.which === now.which && open.start !== said) {
    field.value = `${field.value.trimEnd()}${said}`;
    announce(`${word} ends at ${said}`);
  } else if (!open || open.which !== now.which) {
    const before = once ? "" : field.value.trim();
    field.value = `${before}${before ? "; " : ""}${label}${said}-`;
    announce(`${word} begins at ${said}`);
  }
  field.dispatchEvent(new Event("input", { bubbles: true }));
  return draw();
}

function draw() {
  const now = moment();
  for (const place of document.querySelectorAll("[data-stamp-clock]")) {
    const words = now ? `${now.live ? "Recording" : "Now"} ${clock(now.seconds)}` : "Now";
    if (place.textContent !== words) place.textContent = words;
  }
  for (const button of document.querySelectorAll("[data-stamp-into]")) {
    const open = openSpan(document.getElementById(button.dataset.stampInto));
    const inBar = Boolean(button.closest(".talk-now"));
    const words = open ? (inBar ? `End ${button.dataset.stampWord}` : "End now") : inBar ? button.dataset.stampWord : "Now";
    button.classList.toggle("is-open", Boolean(open));
    const label = `${open ? "End" : "Begin"} ${button.dataset.stampWord} now`;
    if (button.textContent !== words) button.textContent = words;
    if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-stamp-into]");
  const field = button && document.getElementById(button.dataset.stampInto);
  if (field) stamp(field, button.dataset.stampWord, "stampOnce" in button.dataset);
});
let sending = Promise.resolve();

/**
 * <button data-soft>: what it does, without leaving the page, so that a recording goes on: the form is sent, and what the
 * answer holds of it takes its place. Whatever goes wrong, the form stays as it is.
 */
async function sendSoftly(form, name, wanted) {
  const said = new FormData(form);
  said.set(name, wanted);
  try {
    const url = form.getAttribute("action"); // its buttons have this name, too, so form.action is no address
    const answer = await fetch(url, { method: "POST", body: new URLSearchParams(said), credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(form.id);
    if (!answer.ok || !fresh) return flash("error", page.querySelector(".notice-error p")?.textContent ?? "Not saved. What you typed is still here; try again.");
    const state = form.querySelector("[data-save-state]"); // the autosave speaks there
    const typed = [...form.querySelectorAll("textarea, input.input")].filter((field) => field.value !== said.get(field.name));
    form.replaceChildren(...fresh.childNodes);
    form.querySelector("[data-save-state]")?.replaceWith(state);
    form.elements.tab.value = said.get("tab"); // it is the same window still
    for (const { name, value } of typed) if (form.elements[name]) form.elements[name].value = value; // typed meanwhile
    form.inert = false; // what is inert takes no focus
    const rows = form.querySelectorAll("[data-talk-row]");
    (rows[rows.length - 1]?.querySelector("textarea") ?? form.querySelector("#asked"))?.focus();
    form.dispatchEvent(new Event("input", { bubbles: true }));
    draw();
  } catch {
    flash("error", "Not sent: no connection. What you typed is still here.");
  } finally {
    form.inert = false;
  }
  return undefined;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-soft]");
  if (!button) return;
  event.preventDefault();
  const { form, name, value } = button;
  if (form.inert) return;
  if (value.startsWith("take-out")) form.inert = true; // the rows behind it get other numbers: nothing is typed or pressed till then
  sending = sending.then(() => sendSoftly(form, name, value)); // one after the other: each builds on the last
});
document.addEventListener("input", (event) => event.target.matches?.(".talk-time .input") && draw());
setInterval(draw, 500);
draw();
