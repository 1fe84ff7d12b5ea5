// <input type="file" data-upload="URL" data-upload-target="#list">: each chosen or dropped file is sent at once, in
// chunks by tus, to the address where uploads of the item begin. It survives lost connections (tries again by itself),
// a pause, and a closed browser: chosen again, a file goes on where it stopped (`li[data-unfinished]` on the page says
// what the server has). When the server has stored and checked it, the row of the file is put in its place in the
// target: files sent at once arrive in any order and keep the order in which they were chosen. Without scripts the
// form sends the input as usual.
import htmx from "htmx.org";
import { Upload as TusUpload } from "tus-js-client";
import { announce, csrfToken, element } from "./page.js";

const AT_ONCE = 2;
const CHUNK_BYTES = 16 * 1024 * 1024;
const WITH_CREATION_BYTES = 1024 * 1024;
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
  else if (button) document.getElementById(button.dataset.continueUploads)?.click();
});

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

/** Take an upload off the list of unfinished ones; without any, the list goes. */
function settle(row) {
  const list = row.closest("[data-unfinished-list]");
  row.remove();
  if (list && !list.querySelector("[data-unfinished]")) list.remove();
}

async function cancelUnfinished(row) {
  const headers = { "X-CSRF-Token": csrfToken(), "Tus-Resumable": "1.0.0" };
  const answer = await fetch(row.dataset.unfinished, { method: "DELETE", headers }).catch(() => null);
  if (!answer?.ok) return announce("It could not be cancelled. Try again.");
  announce(`${row.dataset.name} was cancelled.`);
  settle(row);
}

class Upload {
  constructor(input, file) {
    this.input = input;
    this.file = file;
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
    this.goOn(unfinished().find((row) => row.dataset.fingerprint === fingerprint(file)));
    this.show("waiting", "Waiting", "");
  }

  options() {
    return {
      endpoint: new URL(this.input.dataset.upload, document.baseURI).href,
      chunkSize: CHUNK_BYTES,
      retryDelays: RETRY_AFTER,
      uploadDataDuringCreation: this.file.size <= WITH_CREATION_BYTES,
      storeFingerprintForResuming: false, // the server knows what is unfinished, on every device
      metadata: {
        filename: wellFormed(this.file.name).slice(0, 400),
        filetype: this.file.type || "application/octet-stream",
        fingerprint: fingerprint(this.file),
        position: String(this.place),
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
    if (!row) return;
    this.tus.url = new URL(row.dataset.unfinished, document.baseURI).href;
    settle(row);
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

  cancel() {
    const place = queue.indexOf(this);
    if (place >= 0) queue.splice(place, 1);
    lost.delete(this);
    this.tus.abort(true).catch(() => {}); // what stays behind expires
    this.leave();
    this.row.remove();
    announce(`${this.file.name} was not sent.`);
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
  answered(request, response) {
    const status = response.getStatus();
    this.status = status;
    this.refusal = "";
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
    const target = this.target();
    const answer = target && (await fetch(`${this.tus.url}/file`, { headers: { "HX-Request": "true" } }).catch(() => null));
    if (!answer?.ok) return; // it is stored all the same; the next page shows it
    const fragment = await answer.text();
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
