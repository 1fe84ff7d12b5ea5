// <input type="file" data-upload="URL" data-upload-target="#list">: each chosen or dropped file goes at once as the
// raw body of one POST, its name in X-File-Name (percent-encoded UTF-8). A 2xx answers with a fragment, which is
// put in its place in the target: files sent at once arrive in any order, and keep the order in which they were
// chosen (X-File-Position). Without scripts the form sends the input as usual.
import htmx from "htmx.org";
import { announce, csrfToken, element } from "./page.js";

const AT_ONCE = 2;
const queue = [];
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

function next() {
  while (running < AT_ONCE && queue.length) {
    running += 1;
    queue.shift().send();
  }
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

class Upload {
  constructor(input, file) {
    this.input = input;
    this.file = file;
    this.place = lastPlace = 1 + Math.max(lastPlace, ...this.places());
    this.name = element("bdi", { class: "upload-name" }, file.name);
    this.state = element("span", { class: "upload-state" });
    this.button = element("button", { type: "button", class: "btn btn-small" });
    this.bar = element("progress", { max: "100", value: "0", "aria-label": `Sent of ${file.name}` });
    this.row = element("li", { class: "upload" }, this.name, this.button, this.state, this.bar);
    this.button.addEventListener("click", () => this.pressed());
    this.list().append(this.row);
    this.show("waiting", "Waiting", "Cancel");
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
    this.button.textContent = action ?? "";
    this.button.hidden = !action;
    this.button.setAttribute("aria-label", `${action} ${this.file.name}`);
    this.bar.hidden = state !== "sending";
  }

  pressed() {
    if (this.row.dataset.state === "failed") {
      queue.push(this);
      this.show("waiting", "Waiting", "Cancel");
      next();
    } else this.cancel();
  }

  cancel() {
    const place = queue.indexOf(this);
    if (place >= 0) queue.splice(place, 1);
    else this.request?.abort();
    this.row.remove();
    announce(`${this.file.name} was not sent.`);
  }

  send() {
    const request = new XMLHttpRequest();
    this.request = request;
    request.open(this.input.dataset.uploadMethod ?? "POST", this.input.dataset.upload);
    request.setRequestHeader("X-CSRF-Token", csrfToken());
    request.setRequestHeader("X-File-Name", encodeURIComponent(this.file.name.toWellFormed?.() ?? this.file.name));
    request.setRequestHeader("X-File-Position", this.place);
    request.setRequestHeader("Content-Type", this.file.type || "application/octet-stream");
    request.setRequestHeader("HX-Request", "true");
    request.upload.addEventListener("progress", (event) => this.progress(event));
    request.addEventListener("load", () => this.answered(request));
    request.addEventListener("error", () => this.failed("The connection was lost."));
    request.addEventListener("loadend", () => {
      running -= 1;
      next();
    });
    this.show("sending", `Sending · 0 of ${megabytes(this.file.size)}`, "Cancel");
    request.send(this.file);
  }

  progress(event) {
    if (!event.total) return;
    this.bar.value = (100 * event.loaded) / event.total;
    const all = event.loaded === event.total;
    this.state.textContent = all ? "Being stored and checked" : `Sending · ${megabytes(event.loaded)} of ${megabytes(event.total)}`;
  }

  answered(request) {
    const whole = /^\s*<!doctype/i.test(request.responseText);
    if (request.status >= 200 && request.status < 300 && !whole) return this.stored(request.responseText);
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const said = page.querySelector(".lead, .notice-body")?.textContent.trim();
    return this.failed(said || (whole ? "Sign in again, then retry." : `The server refused it (${request.status}).`));
  }

  stored(fragment) {
    this.show("stored", `Stored · ${megabytes(this.file.size)}`);
    announce(`${this.file.name} is stored.`);
    const target = this.target();
    if (!target) return;
    const after = [...target.children].find((row) => Number(row.dataset.position) > this.place);
    if (after) htmx.swap(after, fragment, { swapStyle: "beforebegin" });
    else htmx.swap(target, fragment, { swapStyle: this.input.dataset.uploadSwap ?? "beforeend" });
    this.row.remove();
  }

  failed(sentence) {
    this.show("failed", `Not stored. ${sentence}`, "Retry");
    announce(`${this.file.name} was not stored. ${sentence}`);
  }
}
