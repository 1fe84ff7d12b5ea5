// <input type="file" data-upload="URL" data-upload-target="#list">: each chosen or dropped file is sent at once, in
// chunks by tus, to the address where uploads of the item begin. It survives lost connections (tries again by itself),
// a pause, and a closed browser: chosen again, a file goes on where it stopped (`li[data-unfinished]` on the page says
// what the server has). When the server has stored and checked it, the row of the file is put in its place in the
// target: files sent at once arrive in any order and keep the order in which they were chosen. Without scripts the
// form sends the input as usual.
//
// What takes long is copied on this device meanwhile (kept.js), up to a size, and then goes on without being chosen
// again. Recordings come from there (send); each upload of what is kept holds it, so that no two windows send it.
import htmx from "htmx.org";
import { Upload as TusUpload } from "tus-js-client";
import * as kept from "./kept.js";
import { announce, csrfToken, element, settle } from "./page.js";

const AT_ONCE = 2;
const CHUNK_BYTES = 16 * 1024 * 1024;
const WITH_CREATION_BYTES = 1024 * 1024;
const COPY_AFTER_MS = 3000;
const COPY_BYTES = 128 * 1024 * 1024;
const COPY_KEPT_MS = 14 * 24 * 3600 * 1000;
const SPARE_BYTES = 64 * 1024 * 1024;
const RETRY_AFTER = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000];
const queue = [];
const lost = new Set();
let running = 0;
let lastPlace = 0;

document.addEventListener("change", (event) => {
  const input = event.target;
  if (!input.matches?.("input[type=file][data-upload]")) return;
  for (const file of input.files) queue.push(new Upload(input, file));
  input.value = ""; // it has gone its own way; the form must not send it again
  input.required = false;
  next();
});

for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const zone = event.target.closest?.("[data-dropzone]");
    const input = zone?.querySelector("input[type=file]");
    if (!input || input.disabled) return;
    event.preventDefault();
    zone.classList.toggle("is-over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") take(input, event.dataTransfer.files);
  });
}

/**
 * Send what is kept on this device; `letGo` ends the hold on it. `file` is given when this device had no room for all
 * of it: that upload cannot go on after this page, and what is kept stays until the server has the whole.
 */
export async function sendKept(input, row, letGo, file = null) {
  queue.push(new Upload(input, file ?? (await kept.whole(row)), { row, letGo, isWhole: !file }));
  next();
}

function take(input, files) {
  if (!files.length) return;
  const chosen = new DataTransfer();
  for (const file of input.multiple ? files : [files[0]]) chosen.items.add(file);
  input.files = chosen.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

// A form waits for its files, so that nothing is submitted that has only half arrived.
document.addEventListener("submit", (event) => {
  const open = event.target.querySelector('.upload:is([data-state="sending"], [data-state="waiting"])');
  if (!open) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  announce("Files are still being sent. Please wait until they are stored.");
  open.scrollIntoView({ block: "nearest" });
}, true);

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-continue-uploads], [data-cancel-upload]");
  if (button?.matches("[data-cancel-upload]")) cancelUnfinished(button.closest("[data-unfinished]"));
  else if (button) goOnWithAll(document.getElementById(button.dataset.continueUploads));
});

/** Go on with what is kept here; the rest must be chosen again. */
async function goOnWithAll(input) {
  for (const row of unfinished()) if (row.dataset.kept) await goOnWithCopy(input, row.dataset.kept);
  if (unfinished().length) input?.click();
}

async function goOnWithCopy(input, id) {
  const letGo = await kept.hold(id);
  const row = letGo && (await kept.find(id));
  if (row) return sendKept(input, row, letGo);
  return letGo?.();
}

/** Mark the unfinished uploads whose file is kept here; forget copies that the server does not wait for any more. */
async function markCopies(input) {
  for (const row of await kept.mine()) {
    const isOld = Date.now() - row.madeAt > COPY_KEPT_MS;
    if (row.kind !== "file" || !row.url || (row.item !== input.dataset.upload && !isOld)) continue;
    const waiting = unfinished().find((each) => each.dataset.fingerprint === row.fingerprint);
    if (waiting && row.ended) waiting.dataset.kept = row.id;
    else if (!(await kept.isHeld(row.id))) await kept.remove(row);
  }
  const all = unfinished();
  if (!all.length || !all.every((row) => row.dataset.kept)) return;
  const said = document.querySelector("[data-unfinished-how]");
  if (said) said.textContent = "This device has a copy; sending goes on where it stopped.";
}

for (const input of document.querySelectorAll("input[type=file][data-upload]:not([data-device])")) {
  markCopies(input).catch(() => {}); // nothing can be kept here: files are chosen again
}

window.addEventListener("online", () => {
  for (const upload of lost) upload.again();
});

function next() {
  while (running < AT_ONCE && queue.length) {
    running += 1;
    queue.shift().send();
  }
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
const wellFormed = (text) => text.toWellFormed?.() ?? text;
/** What tells a file from others without reading it; the server keeps it with the upload. */
const fingerprint = (file) => [wellFormed(file.name).slice(0, 200), file.size, file.lastModified].join("|");

const unfinished = () => [...document.querySelectorAll("[data-unfinished]")];

async function cancelUnfinished(row) {
  const headers = { "X-CSRF-Token": csrfToken(), "Tus-Resumable": "1.0.0" };
  const answer = await fetch(row.dataset.unfinished, { method: "DELETE", headers }).catch(() => null);
  if (!answer?.ok) return announce("It could not be cancelled. Try again.");
  announce(`${row.dataset.name} was cancelled.`);
  settle(row);
}

class Upload {
  constructor(input, file, { row = null, letGo = null, isWhole = true } = {}) {
    this.input = input;
    this.file = file;
    this.copy = row; // what this device keeps of it
    this.once = row?.id ?? crypto.randomUUID?.(); // by which the server knows it again when its answer was lost
    this.letGo = letGo;
    this.isWhole = isWhole;
    this.place = lastPlace = 1 + Math.max(lastPlace, ...this.places());
    this.name = element("bdi", { class: "upload-name" }, file.name);
    this.state = element("span", { class: "upload-state" });
    this.button = this.makeButton(() => this.pressed());
    this.stop = this.makeButton(() => this.cancel());
    this.bar = element("progress", { max: "100", value: "0", "aria-label": `Sent of ${file.name}` });
    const buttons = element("span", { class: "upload-buttons" }, this.button, this.stop);
    this.row = element("li", { class: "upload" }, this.name, buttons, this.state, this.bar);
    this.list().append(this.row);
    this.tus = new TusUpload(file, this.options());
    this.goOn(unfinished().find((row) => row.dataset.fingerprint === this.fingerprint));
    this.show("waiting", "Waiting", "");
    setTimeout(() => this.keepCopy().catch(() => {}), COPY_AFTER_MS); // without room there is no copy
  }

  get fingerprint() {
    return (this.isWhole && this.copy?.fingerprint) || fingerprint(this.file);
  }

  options() {
    return {
      endpoint: new URL(this.input.dataset.upload, document.baseURI).href,
      chunkSize: CHUNK_BYTES,
      retryDelays: RETRY_AFTER,
      // Of what is kept here the address is written down first: the server must not have it whole unbeknown to us
      uploadDataDuringCreation: this.file.size <= WITH_CREATION_BYTES && !this.copy,
      storeFingerprintForResuming: false, // the server knows what is unfinished, on every device
      metadata: {
        filename: wellFormed(this.file.name).slice(0, 400),
        filetype: this.file.type || "application/octet-stream",
        fingerprint: this.fingerprint,
        position: String(this.place),
        ...(this.once && { once: this.once }),
      },
      onBeforeRequest: (request) => request.setHeader("X-CSRF-Token", csrfToken()),
      onAfterResponse: (request, response) => this.answered(request, response),
      onShouldRetry: (error) => this.mayRetry(error),
      onProgress: (sent, all) => this.progress(sent, all),
      onSuccess: () => this.stored(),
      onError: (error) => this.failed(error),
    };
  }

  goOn(row) {
    const address = (this.isWhole && this.copy?.url) || row?.dataset.unfinished;
    if (address) this.tus.url = new URL(address, document.baseURI).href;
    if (row) settle(row);
  }

  /** Whether nothing more is to be sent: the server has it, or it was cancelled. */
  get isDone() {
    return !this.row.isConnected || this.row.dataset.state === "stored";
  }

  /** Copy on this device what is still on its way, so that it need not be chosen (or photographed) again. */
  async keepCopy() {
    if (!this.once || this.copy || this.isDone || this.file.size > COPY_BYTES) return;
    if ((await kept.room()) < this.file.size + SPARE_BYTES) return;
    const id = this.once;
    const letGo = await kept.hold(id);
    const { name, type, lastModified } = this.file;
    const about = { id, kind: "file", item: this.input.dataset.upload, fingerprint: this.fingerprint, name, type };
    const copy = await kept.begin({ ...about, madeAt: Date.now(), modifiedAt: lastModified, url: this.tus.url ?? "" });
    await kept.add(copy, this.file, { ended: true });
    Object.assign(this, { copy, letGo });
    if (this.isDone) return this.forgetCopy();
    if (this.tus.url) await kept.change(copy, { url: this.tus.url }); // it may have begun meanwhile
    return undefined;
  }

  /** Keep it here no longer: the server has it, or nobody wants it. */
  forgetCopy() {
    const { copy, letGo } = this;
    this.copy = this.letGo = null;
    if (copy) kept.remove(copy).catch(() => {}).finally(letGo);
  }

  makeButton(pressed) {
    const button = element("button", { type: "button", class: "btn btn-small" });
    button.addEventListener("click", pressed);
    return button;
  }

  target() {
    return document.querySelector(this.input.dataset.uploadTarget ?? "#none");
  }

  places() {
    return [...(this.target()?.children ?? [])].map((row) => Number(row.dataset.position) || 0);
  }

  list() {
    const zone = this.input.closest("[data-dropzone]") ?? this.input.parentElement;
    const known = zone.querySelector(".uploads");
    if (known) return known;
    const made = element("ul", { class: "uploads", "aria-label": "Files being sent" });
    zone.append(made);
    return made;
  }

  show(state, text, action) {
    this.row.dataset.state = state;
    this.state.textContent = text;
    for (const [button, word] of [[this.button, action], [this.stop, state === "stored" ? "" : "Cancel"]]) {
      button.textContent = word;
      button.hidden = !word;
      button.setAttribute("aria-label", `${word} ${this.file.name}`);
    }
    this.bar.hidden = state !== "sending" && state !== "paused";
  }

  pressed() {
    if (this.row.dataset.state === "sending") this.pause();
    else this.again();
  }

  pause() {
    this.tus.abort();
    this.leave();
    this.show("paused", `Paused · ${this.state.textContent.replace(/^.*· /, "")}`, "Continue");
  }

  again() {
    lost.delete(this);
    const { url } = this.tus;
    this.tus = new TusUpload(this.file, this.options()); // with fresh tries
    this.tus.url = url;
    queue.push(this);
    this.show("waiting", "Waiting", "");
    next();
  }

  async cancel() {
    const place = queue.indexOf(this);
    if (place >= 0) queue.splice(place, 1);
    lost.delete(this);
    this.leave();
    this.row.remove();
    announce(`${this.file.name} was not sent.`);
    await this.tus.abort(true).catch(() => {}); // what stays behind expires
    if (this.copy?.kind === "file") this.forgetCopy();
    if (!this.copy) return;
    await kept.change(this.copy, { url: "" }).catch(() => {}); // a recording is not lost by a cancelled upload
    this.letGo?.();
    document.dispatchEvent(new CustomEvent("kept:left"));
  }

  send() {
    this.sending = true;
    this.refusal = "";
    this.show("sending", `Sending · 0 of ${megabytes(this.file.size)}`, "Pause");
    this.tus.start();
  }

  leave() {
    if (!this.sending) return;
    this.sending = false;
    running -= 1;
    next();
  }

  progress(sent, all) {
    if (!this.sending) return;
    this.bar.value = all ? (100 * sent) / all : 100;
    const text = sent === all ? "Being stored and checked" : `Sending · ${megabytes(sent)} of ${megabytes(all)}`;
    this.show("sending", text, sent === all ? "" : "Pause");
  }

  /** Keep the reason of a refusal; and never begin anew only because asking where it stands failed. */
  async answered(request, response) {
    const status = response.getStatus();
    this.status = status;
    this.refusal = "";
    if (status === 201 && this.copy && this.isWhole) await kept.change(this.copy, { url: response.getHeader("Location") }).catch(() => {});
    if (status < 400) return;
    const said = response.getBody() ?? "";
    this.refusal = /^\s*</.test(said) ? `The server could not take it (${status}).` : said;
    if (status === 401) this.refusal = "Sign in again in another tab, then retry.";
    if (request.getMethod() === "HEAD" && status !== 404 && status !== 410) throw new Error(this.refusal);
  }

  mayRetry(error) {
    const status = error.originalResponse?.getStatus() ?? this.status ?? 0;
    this.status = 0;
    const may = navigator.onLine && (status < 400 || status >= 500 || [409, 423, 460, 408, 429].includes(status));
    if (may) this.show("sending", "The connection was lost. Trying again.", "Pause");
    return may;
  }

  async stored() {
    this.show("stored", `Stored and checked · ${megabytes(this.file.size)}`, "");
    announce(`${this.file.name} is stored and checked.`);
    this.leave();
    this.forgetCopy();
    const target = this.target();
    const answer = target && (await fetch(`${this.tus.url}/file`, { headers: { "HX-Request": "true" } }).catch(() => null));
    if (!answer?.ok) return; // it is stored all the same; the next page shows it
    const fragment = await answer.text();
    const known = /id="(file-[^"]+)"/.exec(fragment)?.[1];
    if (known && document.getElementById(known)) return this.row.remove(); // the page came with it
    const after = [...target.children].find((row) => Number(row.dataset.position) > this.place);
    if (after) htmx.swap(after, fragment, { swapStyle: "beforebegin" });
    else htmx.swap(target, fragment, { swapStyle: this.input.dataset.uploadSwap ?? "beforeend" });
    this.row.remove();
  }

  failed(error) {
    const refused = error.originalResponse || this.refusal;
    const sentence = refused ? this.refusal || "The server refused it." : "The connection was lost.";
    if (!refused) lost.add(this); // goes on by itself when the connection is back
    this.show("failed", `Not stored. ${sentence}`, "Retry");
    announce(`${this.file.name} was not stored. ${sentence}`);
    this.leave();
  }
}

// This script comes after the page: what was chosen before goes its way now, and what needs it can be pressed.
for (const button of document.querySelectorAll("[data-continue-uploads], [data-cancel-upload]")) button.disabled = false;
for (const input of document.querySelectorAll("input[type=file][data-upload]")) {
  if (input.files.length) input.dispatchEvent(new Event("change", { bubbles: true }));
}
