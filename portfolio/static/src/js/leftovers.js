// Recordings, and files chosen without a connection, that are kept on this device and have not reached the server:
// offered on the page of their item, where they are added to its files, and named on every other page. None is removed
// unless the person says so.
import * as kept from "./kept.js";
import { announce, element, settle } from "./page.js";

const CERTAIN_MS = 6000;

/** "3 min 12 s" */
export function lengthWords(seconds) {
  const all = Math.max(1, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor((all % 3600) / 60), all % 60];
  return [hours && `${hours} h`, minutes && `${minutes} min`, rest && `${rest} s`].filter(Boolean).join(" ");
}

export const sizeWords = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`);

/** "a", or "a … and again to be sure": a button that asks once more before it acts. */
export function certainButton(label, question, act) {
  const button = element("button", { type: "button", class: "btn btn-small btn-quiet" }, label);
  let asked = 0;
  button.addEventListener("click", () => {
    if (Date.now() - asked < CERTAIN_MS) return void act();
    asked = Date.now();
    button.textContent = question;
    announce(question);
    setTimeout(() => (button.textContent = label), CERTAIN_MS);
  });
  return button;
}

/** A button that saves a file among the person's own. */
export function saveButton(name, file) {
  const button = element("button", { type: "button", class: "btn btn-small" }, "Save a copy");
  button.addEventListener("click", async () => {
    const url = URL.createObjectURL(await file());
    element("a", { href: url, download: name() }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  });
  return button;
}

let drawing = 0;
const watched = new Set();

/** Look again when the window that has it lets go: it may be one that is just closing. */
async function watch(id) {
  if (watched.has(id)) return;
  watched.add(id);
  await kept.whenFree(id);
  watched.delete(id);
  await showLeftovers();
}

/** Draw the list anew. */
export async function showLeftovers() {
  const turn = (drawing += 1);
  const recordings = (await kept.mine()).filter((row) => row.kind !== "file" || !row.url);
  const free = [];
  for (const row of recordings) {
    if (await kept.isHeld(row.id)) watch(row.id);
    else free.push(row);
  }
  for (const row of free) if (!row.pieces) await kept.remove(row); // it ended before its first second
  const rows = free.filter((row) => row.pieces);
  const recorder = document.querySelector("[data-recorder]");
  const input = recorder && document.getElementById(recorder.dataset.recorder);
  const here = rows.filter((row) => row.item === input?.dataset.upload);
  for (const row of here) await claim(row);
  if (turn !== drawing) return; // a newer drawing is under way
  for (const old of document.querySelectorAll("[data-kept-list]")) old.remove();
  if (here.length) recorder.closest(".field").before(notice(here, input));
  const elsewhere = rows.filter((row) => !here.includes(row));
  if (elsewhere.length) document.getElementById("flashes")?.append(notice(elsewhere, null));
}

/** The server's list asks to choose the file again; of a recording of this device there is nothing to choose. */
async function claim(row) {
  const waiting = [...document.querySelectorAll("[data-unfinished]")].find((each) => each.dataset.fingerprint === row.fingerprint);
  if (!waiting) return;
  await kept.change(row, { url: waiting.dataset.unfinished });
  settle(waiting);
}

function heading(rows) {
  const isRecorded = rows.every((row) => row.kind !== "file");
  if (rows.length > 1) return `${rows.length} ${isRecorded ? "recordings" : "files"} are kept on this device`;
  const [row] = rows;
  if (!isRecorded) return "A file has not been sent yet";
  return `A recording of ${lengthWords(row.seconds)} ${row.ended ? "has not been sent yet" : "was not finished"}`;
}

function notice(rows, input) {
  const list = element("ul", { class: "plain unfinished mt-2" }, ...rows.map((row) => line(row, input)));
  const title = element("p", {}, element("b", {}, heading(rows)));
  const said = element("p", {}, "It is kept on this device only. Nothing was lost but, at most, the last seconds before the page closed.");
  if (rows.every((row) => row.ended)) said.textContent = "It is kept on this device only, until it is stored or you throw it away.";
  const body = element("div", { class: "notice-body" }, title, said, list);
  return element("div", { class: "notice notice-warning mt-3", "data-kept-list": "", role: "status" }, body);
}

function line(row, input) {
  const made = new Date(row.madeAt).toLocaleString("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  const long = row.kind === "file" ? [] : [lengthWords(row.seconds)];
  const about = element("span", { class: "hint" }, ` ${[...long, sizeWords(row.bytes), `from ${made}`].join(" · ")}`);
  const buttons = element("span", { class: "upload-buttons" });
  const item = element("li", {}, element("span", {}, element("bdi", { class: "upload-name" }, row.name), about), buttons);
  if (input) buttons.append(keepButton(row, input));
  else buttons.append(element("a", { class: "btn btn-small", href: row.page }, "Go to its item"));
  const end = async () => {
    await kept.remove(row);
    await showLeftovers();
    announce("Thrown away.");
  };
  if (row.kind !== "file") buttons.append(playButton(row, item));
  buttons.append(
    saveButton(() => row.name, () => kept.whole(row)),
    certainButton("Throw away", `Really throw away ${long[0] ?? "the file"}?`, end),
  );
  return item;
}

function keepButton(row, input) {
  const button = element("button", { type: "button", class: "btn btn-small btn-primary" }, "Keep it: add to the files");
  button.addEventListener("click", async () => {
    button.disabled = true;
    await send(row, input);
    await showLeftovers();
  });
  return button;
}

/** Send what is kept, unless another window does; false then. */
async function send(row, input) {
  const letGo = await kept.hold(row.id);
  const now = letGo && (await kept.find(row.id));
  if (!now) {
    letGo?.();
    announce("Another window has sent it, or is about to.");
    return false;
  }
  const { sendKept } = await import("./upload.js");
  await sendKept(input, now, letGo);
  return true;
}

function playButton(row, place) {
  const button = element("button", { type: "button", class: "btn btn-small" }, row.kind === "audio" ? "Listen" : "Watch");
  button.addEventListener("click", async () => {
    button.remove();
    place.append(player(row.kind, await kept.whole(row)));
  });
  return button;
}

/** A plain player of a file on this device. */
export function player(kind, file) {
  return element(kind, { controls: "", class: "recorder-playback", playsinline: "", src: URL.createObjectURL(file), "aria-label": "What was recorded" });
}

document.addEventListener("kept:left", () => showLeftovers());
showLeftovers().catch(() => {}); // nothing can be kept on this device: there is nothing to show
