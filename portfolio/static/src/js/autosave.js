// <form data-autosave="URL">: drafts are posted a moment after typing stops, and kept on this device until the
// server has confirmed them. The answer is JSON {"revision": "…"}; a 409 {"message": "…"} means that somebody
// else changed the draft: nothing is overwritten, on neither side.
import { csrfToken, element, person } from "./page.js";

const PAUSE_MS = 1200;
const RETRY_MS = [3000, 8000, 20000, 60000];
const PREFIX = "draft:";
const SENT_KEPT_MS = 24 * 3600 * 1000;
const started = new WeakSet();

export function startAutosave(root) {
  for (const form of root.querySelectorAll("form[data-autosave]")) {
    if (started.has(form)) continue;
    started.add(form);
    new Draft(form).start();
  }
  for (const page of root.querySelectorAll("[data-forget-drafts]")) forgetSent(page.dataset.forgetDrafts);
  dropSent();
}

/** A page that proves that forms whose key begins so have arrived: their copies leave this device. */
function forgetSent(start) {
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(`${PREFIX}${person()}:${start}`) && read(key)?.sent) localStorage.removeItem(key);
    }
  } catch {
    // storage forbidden: there is nothing
  }
}

const storeKey = (form) => `${PREFIX}${person()}:${form.dataset.autosaveKey ?? form.dataset.autosave}`;

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

function write(key, copy) {
  try {
    localStorage.setItem(key, JSON.stringify(copy));
    return true;
  } catch {
    return false; // storage is full or forbidden: the server's copy has to do
  }
}

/**
 * The copy of a form that was sent is kept for a day: that another page has opened does not prove that it arrived.
 * Its own page knows more (see restore).
 */
function dropSent() {
  if (!person()) return; // the sign-in page: the session ended, so the text may not have arrived
  const here = new Set([...document.querySelectorAll("form[data-autosave]")].map(storeKey));
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(`${PREFIX}${person()}:`) && !here.has(key) && isOldAndSent(read(key))) localStorage.removeItem(key);
    }
  } catch {
    // storage forbidden: nothing to tidy
  }
}

const isOldAndSent = (copy) => copy?.sent && Date.now() - copy.at > SENT_KEPT_MS;

/** Text the person typed, field by field: no files, no passwords, no token, nothing that only says what a button does. */
function values(form) {
  const found = {};
  for (const field of form.elements) {
    if (!field.name || field.hasAttribute("data-not-kept") || ["file", "password", "hidden", "submit", "button", "fieldset"].includes(field.type)) continue;
    const on = !["checkbox", "radio"].includes(field.type) || field.checked;
    const chosen = field.type === "select-multiple" ? [...field.selectedOptions].map((o) => o.value) : [field.value];
    found[field.name] = [...(found[field.name] ?? []), ...(on ? chosen : [])];
  }
  return found;
}

function fill(form, saved) {
  const rest = Object.fromEntries(Object.entries(saved).map(([name, list]) => [name, [...list]]));
  for (const field of form.elements) {
    const list = rest[field.name];
    if (!list || ["file", "password", "hidden"].includes(field.type)) continue;
    if (["checkbox", "radio"].includes(field.type)) field.checked = list.includes(field.value);
    else if (field.type === "select-multiple") for (const o of field.options) o.selected = list.includes(o.value);
    else if (list.length) field.value = list.shift();
  }
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

class Draft {
  constructor(form) {
    this.form = form;
    this.key = storeKey(form);
    this.state = form.querySelector("[data-save-state]") ?? form.appendChild(element("p", { class: "save-state", role: "status" }));
    this.failures = 0;
    this.timer = 0;
    this.sending = false;
    this.stopped = false;
    this.savedAt = 0;
    this.base = values(form);
  }

  get revisionField() {
    return this.form.elements.namedItem(this.form.dataset.autosaveRevision ?? "revision");
  }

  get revision() {
    return this.revisionField?.value ?? "";
  }

  start() {
    this.restore();
    this.form.addEventListener("input", () => this.changed());
    this.form.addEventListener("change", () => this.changed());
    this.form.addEventListener("submit", (event) => !event.defaultPrevented && this.submitted(event));
    window.addEventListener("online", () => this.failures && this.save());
    document.addEventListener("visibilitychange", () => document.hidden && this.timer && this.save());
    const clock = setInterval(() => (this.form.isConnected ? this.tellAge() : clearInterval(clock)), 10000);
  }

  restore() {
    const copy = read(this.key);
    const arrived = copy?.sent && copy.revision !== this.revision; // the server has counted on since
    if (!copy || arrived || same(copy.values, this.base)) return localStorageRemove(this.key);
    if (copy.revision === this.revision) {
      fill(this.form, copy.values);
      this.offer("Your text that had not reached the server is back in the form.", "Use the stored version instead", () => {
        fill(this.form, this.base);
        localStorageRemove(this.key);
      });
      this.changed();
    } else {
      this.offer("This draft was changed elsewhere, and this device holds other text of yours. Nothing was overwritten.", "Put my text into the form", () => {
        fill(this.form, copy.values);
        this.changed();
      }, copy.values);
    }
    return undefined;
  }

  offer(sentence, label, act, text) {
    const button = element("button", { type: "button", class: "btn btn-small" }, label);
    const box = element("div", { class: "rescued", role: "status" }, element("p", {}, sentence));
    if (text) {
      const words = Object.values(text).flat().join("\n\n");
      const field = element("textarea", { class: "input", readonly: "", "aria-label": "Text kept on this device" });
      field.value = words;
      box.append(field);
    }
    box.append(button);
    button.addEventListener("click", () => {
      act();
      box.remove();
    });
    this.form.prepend(box);
  }

  changed() {
    const now = values(this.form);
    const kept = write(this.key, { values: now, revision: this.revision, at: Date.now() });
    this.keptHere = kept;
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), PAUSE_MS);
  }

  submitted(event) {
    clearTimeout(this.timer);
    this.timer = 0;
    if (navigator.onLine === false) {
      event.preventDefault(); // the browser's own error page would take the place of the text
      this.keptHere = write(this.key, { values: values(this.form), revision: this.revision, at: Date.now() });
      return void this.failed("Not sent: no connection.");
    }
    this.stopped = true; // no draft may arrive after the real thing
    setTimeout(() => (this.stopped = this.conflict ?? false), 10000);
    write(this.key, { values: values(this.form), revision: this.revision, at: Date.now(), sent: true });
  }

  async save() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (this.stopped || this.sending) return void (this.sending && this.changed());
    this.sending = true;
    const sent = values(this.form);
    try {
      await this.handle(await this.post(), sent);
    } catch {
      this.failed("Not saved: no connection.");
    } finally {
      this.sending = false;
    }
  }

  post() {
    const data = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) {
      const secret = this.form.elements.namedItem(name)?.type === "password";
      if (typeof value === "string" && !secret) data.append(name, value);
    }
    const headers = { "X-CSRF-Token": csrfToken(), Accept: "application/json" };
    const signal = AbortSignal.timeout(30000);
    return fetch(this.form.dataset.autosave, { method: "POST", body: data, headers, redirect: "manual", signal });
  }

  async handle(answer, sent) {
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return this.stored(said, sent);
    if (answer.status === 409) return this.conflicting(said.message);
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      return this.failed("Not saved: your session has ended. Sign in again in another tab.");
    }
    if (answer.status === 422) return this.tell("waiting", said.message ?? "Not saved: something needs another look.");
    return this.failed(said.message ?? "Not saved: the server could not take it.");
  }

  stored(said, sent) {
    this.failures = 0;
    this.savedAt = Date.now();
    if (said.revision !== undefined && this.revisionField) this.revisionField.value = said.revision;
    if (same(values(this.form), sent)) {
      localStorageRemove(this.key);
      this.form.dispatchEvent(new CustomEvent("autosave:saved", { bubbles: true }));
    } else this.changed();
    this.base = sent;
    this.tell("saved", "Saved just now");
  }

  failed(sentence) {
    this.failures += 1;
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length) - 1];
    this.tell("waiting", `${sentence} ${this.keptHere === false ? "Do not close this page." : "Kept on this device."} Trying again.`);
    this.timer = setTimeout(() => this.save(), wait);
  }

  conflicting(message) {
    this.stopped = true;
    this.conflict = true;
    this.savedAt = 0;
    this.tell("conflict", `${message ?? "Somebody changed this meanwhile."} Your text stays on this device; reload the page to compare.`);
  }

  tell(state, text) {
    this.state.dataset.state = state;
    this.state.textContent = text;
  }

  tellAge() {
    if (!this.savedAt || this.state.dataset.state !== "saved") return;
    const seconds = Math.round((Date.now() - this.savedAt) / 10000) * 10;
    this.state.setAttribute("aria-live", "off"); // the passing of time is not news
    this.state.textContent = seconds < 90 ? `Saved ${seconds} s ago` : `Saved ${Math.round(seconds / 60)} min ago`;
    this.state.removeAttribute("aria-live");
  }
}

function localStorageRemove(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // storage forbidden: there was nothing
  }
}
