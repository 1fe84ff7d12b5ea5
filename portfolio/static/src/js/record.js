// <div data-recorder="ID OF THE FILE INPUT" data-max-bytes="N"> with buttons data-record="audio" and "video": records
// from microphone and camera. Every second is kept on this device (kept.js) before anything else happens, so a tab
// that dies loses the second it was in; when the recording has ended and has its name it is sent as one file (docs/
// uploads.md says why not earlier). What the browser refuses is said in a sentence, with what to do instead.
import { certainButton, lengthWords, player, saveButton, sizeWords } from "./leftovers.js";
import * as kept from "./kept.js";
import { announce, element } from "./page.js";
import { sendKept } from "./upload.js";

const PIECE_MS = 1000;
const SILENT_MS = 6000;
const LATE_SECONDS = 15;
const BITS = { audio: { audioBitsPerSecond: 96_000 }, video: { audioBitsPerSecond: 96_000, videoBitsPerSecond: 2_000_000 } };
const BYTES_PER_MINUTE = { audio: 720_000, video: 16_000_000 };
const LITTLE_MINUTES = 30;
// WebM comes out second by second; some browsers write MP4 in far longer pieces, others know nothing else.
const TYPES = {
  audio: ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"],
  video: ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"],
};
const ENDINGS = { "audio/webm": "webm", "audio/ogg": "ogg", "audio/mp4": "m4a", "video/webm": "webm", "video/mp4": "mp4" };
const DEVICES = { audio: "microphone", video: "camera or microphone" };

const noDevice = (device) => `No ${device} was found. Connect one and try again, or record with another device and choose the file.`;
const refusals = {
  NotAllowedError: (device) => `The browser may not use the ${device}. Allow it in the settings of this page (the sign before the address), then try again. Or record with another program and choose the file.`,
  NotFoundError: noDevice,
  OverconstrainedError: noDevice, // WebKit without any device
  NotSupportedError: () => "This browser cannot record that. Record with another program and choose the file.",
  EmptyRecording: () => "The browser recorded nothing. Try again, or record with another program and choose the file.",
  NotReadableError: (device) => `The ${device} is in use by another program, or does not answer. Close the other program and try again.`,
};

let current = null;

/** How far the recording is that is being made, in seconds; null while none is. */
export const runningSeconds = () => (["recording", "paused"].includes(current?.recorder?.state) ? current.seconds : null);

function whyNot() {
  if (!window.isSecureContext) {
    return "This page was not opened over https, so the browser does not let it record. Record with another program and choose the file, or ask the centre for the https address.";
  }
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) return "This browser cannot record. Record with another program and choose the file.";
  return "";
}

for (const place of document.querySelectorAll("[data-recorder]")) {
  const reason = whyNot();
  if (reason) place.querySelector("[data-recorder-note]").textContent = reason;
  place.classList.toggle("cannot-record", Boolean(reason));
  for (const button of place.querySelectorAll("[data-record]")) {
    button.hidden = Boolean(reason);
    button.disabled = false; // until now nobody was there to hear it
    button.addEventListener("click", () => open(place, button.dataset.record));
  }
}

window.addEventListener("beforeunload", (event) => {
  if (current?.isOpen) event.preventDefault();
});
document.addEventListener("visibilitychange", () => current?.seen(!document.hidden));

// Nothing is submitted while something recorded is not among the files.
document.addEventListener("submit", (event) => {
  if (!current?.recorder) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  current.say("First finish the recording: add it to the files, or throw it away.");
}, true);

function open(place, media) {
  if (current) return;
  current = new Recording(place, media);
  current.ask();
}

const clock = (seconds) => {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const two = (number) => String(number).padStart(2, "0");
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}`;
};

function button(label, act, kind = "") {
  const made = element("button", { type: "button", class: `btn ${kind}` }, label);
  made.addEventListener("click", act);
  return made;
}

class Recording {
  constructor(place, media) {
    this.place = place;
    this.media = media;
    this.input = document.getElementById(place.dataset.recorder);
    this.recorded = 0; // milliseconds of stretches that have ended
    this.since = 0; // when the running stretch began
    this.unkept = []; // pieces for which this device had no room
    this.writing = Promise.resolve();
    this.panel = element("section", { class: "recorder-panel", "aria-label": media === "audio" ? "Sound recording" : "Video recording" });
    this.note = element("p", { class: "recorder-note", role: "status" });
    this.time = element("span", { class: "recorder-time", role: "timer", "aria-live": "off" });
    this.keptWords = element("span", { class: "hint" });
    this.level = element("meter", { min: "0", max: "1", low: "0.02", value: "0", "aria-label": "Loudness" });
    this.buttons = element("div", { class: "row" });
    place.append(this.panel);
    place.querySelector("[data-recorder-start]").hidden = true;
  }

  get isOpen() {
    return this.recorder?.state === "recording" || this.recorder?.state === "paused" || this.unkept.length > 0;
  }

  get seconds() {
    return (this.recorded + (this.since ? performance.now() - this.since : 0)) / 1000;
  }

  say(text) {
    this.note.textContent = text;
  }

  draw(...parts) {
    this.panel.replaceChildren(...parts, this.note, this.buttons);
  }

  async ask() {
    this.draw();
    this.say(`The browser asks whether this page may use the ${DEVICES[this.media]}.`);
    this.buttons.replaceChildren(button("Cancel", () => this.close(), "btn-quiet"));
    if (!(await this.connect())) return;
    this.say("");
    this.ready();
  }

  /** Get at the devices; false when that was refused, or the person has closed the panel meanwhile. */
  async connect(deviceId) {
    const exact = deviceId ? { deviceId: { exact: deviceId } } : {};
    const picture = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 }, facingMode: { ideal: "environment" } };
    const wanted = this.media === "audio" ? { audio: { ...exact } } : { audio: true, video: { ...picture, ...exact } };
    this.release();
    try {
      this.stream = await navigator.mediaDevices.getUserMedia(wanted);
    } catch (error) {
      this.refused(error);
      return false;
    }
    if (current !== this) this.release();
    return current === this;
  }

  refused(error) {
    const say = refusals[error.name] ?? ((device) => `The ${device} could not be used (${error.name}). Record with another program and choose the file.`);
    this.say(say(DEVICES[this.media]));
    announce(this.note.textContent);
    this.draw();
    this.buttons.replaceChildren(button("Try again", () => this.ask()), button("Close", () => this.close(), "btn-quiet"));
  }

  /** Everything is connected: how it looks and sounds, before it counts. */
  async ready() {
    this.watchLevel();
    const shown = this.media === "video" ? [this.preview()] : [];
    this.draw(...shown, this.level, ...(await this.deviceChoice()));
    this.buttons.replaceChildren(button("Start recording", () => this.start(), "btn-primary"), button("Cancel", () => this.close(), "btn-quiet"));
    this.buttons.firstChild.focus();
    const minutes = Math.floor((await kept.room()) / BYTES_PER_MINUTE[this.media]);
    if (minutes < LITTLE_MINUTES) this.say(`This device has room for about ${minutes} min of it.`);
  }

  preview() {
    const video = element("video", { class: "recorder-preview", playsinline: "", "aria-label": "What the camera sees" });
    video.muted = true;
    video.srcObject = this.stream;
    video.play().catch(() => {});
    return video;
  }

  async deviceChoice() {
    const kind = this.media === "audio" ? "audioinput" : "videoinput";
    const devices = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === kind && device.deviceId);
    if (devices.length < 2) return [];
    const used = this.stream.getTracks().find((track) => track.kind === (this.media === "audio" ? "audio" : "video"));
    const options = devices.map((device, n) => new Option(device.label || `${n + 1}`, device.deviceId, false, device.deviceId === used?.getSettings().deviceId));
    const select = element("select", { class: "input" }, ...options);
    select.addEventListener("change", async () => (await this.connect(select.value)) && this.ready());
    return [element("label", { class: "field" }, this.media === "audio" ? "Microphone" : "Camera", select)];
  }

  /** Show how loud it is; say so when no sound arrives at all. */
  watchLevel() {
    this.sound?.close().catch(() => {});
    this.sound = new AudioContext();
    this.sound.resume().catch(() => {});
    const ear = this.sound.createAnalyser();
    this.sound.createMediaStreamSource(this.stream).connect(ear);
    const samples = new Float32Array(ear.fftSize);
    this.heardAt = performance.now();
    const look = () => {
      if (!this.stream || this.sound.state === "closed") return;
      const isHeard = this.sound.state === "running"; // it waits where the device has nothing to play sound with
      this.level.hidden = !isHeard;
      if (!isHeard) this.heardAt = performance.now();
      ear.getFloatTimeDomainData(samples);
      const loud = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
      this.level.value = Math.min(1, loud * 4);
      if (loud > 0.0005) this.heardAt = performance.now();
      requestAnimationFrame(look);
    };
    look();
  }

  async start() {
    if (this.recorder) return;
    const type = TYPES[this.media].find((each) => MediaRecorder.isTypeSupported(each));
    try {
      this.recorder = new MediaRecorder(this.stream, { ...BITS[this.media], ...(type ? { mimeType: type } : {}) });
    } catch (error) {
      return this.refused(error);
    }
    await this.beginKeeping(this.recorder.mimeType.split(";")[0]);
    this.recorder.addEventListener("dataavailable", (event) => this.piece(event.data));
    this.recorder.addEventListener("stop", () => this.stopped());
    this.recorder.addEventListener("error", () => this.stop("The browser stopped the recording."));
    for (const track of this.stream.getTracks()) {
      track.addEventListener("ended", () => this.stop(`The ${track.kind === "audio" ? "microphone" : "camera"} was disconnected.`));
    }
    this.recorder.start(PIECE_MS);
    this.since = this.pieceAt = performance.now();
    this.timer = setInterval(() => this.tick(), 250);
    this.awake();
    this.drawRunning();
    announce("Recording.");
    return undefined;
  }

  async beginKeeping(type) {
    const id = crypto.randomUUID();
    const now = new Date();
    const word = this.media === "audio" ? "Sound" : "Video";
    const at = now.toLocaleString("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }).replace(":", ".");
    const name = `${word} ${at.replace(",", "")}.${ENDINGS[type] ?? "webm"}`;
    this.row = { id, kind: this.media, item: this.input.dataset.upload, fingerprint: `recording|${id}`, name, type, madeAt: now.getTime(), seconds: 0, bytes: 0, pieces: 0 };
    try {
      this.letGo = await kept.hold(id);
      this.row = await kept.begin(this.row);
      navigator.storage?.persist?.().catch(() => {}); // not to be cleared away when the device runs short
    } catch {
      this.withoutKeeping = true;
      this.say("This browser keeps nothing on the device (a private window?). Should the page close before the recording is sent, it is lost.");
    }
  }

  drawRunning() {
    const isPaused = this.recorder.state === "paused";
    this.panel.dataset.state = this.recorder.state;
    const picture = this.panel.querySelector("video");
    const head = element("div", { class: "row" }, element("b", { class: "recorder-state" }, isPaused ? "Paused" : "Recording"), this.time, this.keptWords);
    this.draw(head, ...(picture ? [picture] : []), this.level);
    picture?.play().catch(() => {});
    const hold = button(isPaused ? "Go on" : "Pause", () => (isPaused ? this.goOn() : this.pause()));
    const end = button("Stop", () => this.stop(), "btn-primary");
    this.buttons.replaceChildren(end, hold);
    hold.focus();
  }

  tick() {
    this.time.textContent = clock(this.seconds);
    const silent = this.recorder.state === "recording" && performance.now() - this.heardAt > SILENT_MS && !document.hidden;
    if (silent && !this.note.textContent) this.say("No sound arrives. Is the microphone switched off?");
    const isLate = !this.row.bytes && this.seconds > LATE_SECONDS;
    if (isLate && !this.note.textContent) this.say("The browser has given nothing of the recording so far. Should it stay so, record with another program.");
    if (this.row.bytes > Number(this.place.dataset.maxBytes) - 4e6) this.stop("It has reached the size of the largest file that is allowed.");
  }

  pause() {
    this.recorder.pause();
    this.recorder.requestData();
    this.halt();
    this.drawRunning();
    announce("Paused.");
  }

  goOn() {
    this.recorder.resume();
    this.since = this.pieceAt = performance.now();
    this.drawRunning();
    announce("Recording.");
  }

  halt() {
    if (this.since) this.recorded += performance.now() - this.since;
    this.since = 0;
  }

  /** Keep a piece before the next one is looked at, in the order in which they came. */
  piece(content) {
    if (!content.size) return;
    this.pieceAt = performance.now();
    const { seconds } = this;
    this.writing = this.writing.then(() => this.keep(content, seconds));
  }

  async keep(content, seconds) {
    if (this.withoutKeeping || this.unkept.length) {
      this.unkept.push(content);
      this.row.bytes += content.size;
      this.row.seconds = seconds;
      return;
    }
    try {
      await kept.add(this.row, content, { seconds });
      this.keptWords.textContent = `${clock(seconds)} kept on this device · ${sizeWords(this.row.bytes)}`;
    } catch (error) {
      this.unkept.push(content);
      this.stop(error?.name === "QuotaExceededError" ? "This device has no room left." : "This device could not keep any more of it.");
    }
  }

  /** The page is in view again, or no longer: phones then take the devices away. */
  seen(isVisible) {
    if (this.recorder?.state !== "recording") return;
    if (!isVisible) {
      this.hiddenAt = this.seconds;
      this.recorder.requestData(); // what there is so far is kept, whatever comes
      return;
    }
    this.awake();
    const gap = (performance.now() - this.pieceAt) / 1000;
    if (gap > 5) this.say(`While the page was hidden the recording stood still for about ${lengthWords(gap)}. What came before is kept.`);
    else this.say(`The recording went on while the page was hidden, from ${clock(this.hiddenAt ?? 0)}. Check that sound and picture are in it.`);
  }

  async awake() {
    this.wake = await navigator.wakeLock?.request("screen").catch(() => null);
  }

  stop(reason = "") {
    if (!this.recorder || this.recorder.state === "inactive") return;
    if (this.since) this.halt();
    this.reason = reason;
    this.recorder.stop();
  }

  async stopped() {
    this.halt();
    clearInterval(this.timer);
    this.release();
    await this.writing;
    if (!this.row.bytes) return this.cameToNothing();
    await kept.change(this.row, { ended: true, seconds: this.row.seconds || this.seconds }).catch(() => {});
    return this.review();
  }

  /** The browser said that it records, and gave nothing: there is nothing to add. */
  async cameToNothing() {
    if (!this.withoutKeeping) await kept.remove(this.row).catch(() => {});
    this.letGo?.();
    this.recorder = this.letGo = null;
    this.recorded = 0;
    delete this.panel.dataset.state;
    this.refused({ name: "EmptyRecording" });
  }

  async whole() {
    const stored = this.withoutKeeping ? [] : [await kept.whole(this.row)];
    return new File([...stored, ...this.unkept], this.row.name, { type: this.row.type, lastModified: this.row.madeAt });
  }

  /** It has ended: look at it, name it, add it. */
  async review() {
    const ending = /\.\w+$/.exec(this.row.name)[0];
    const name = element("input", { class: "input", id: "recording-name", maxlength: "200", value: this.row.name.slice(0, -ending.length) });
    name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // the form around it is not what is meant
      this.finish(name.value, ending);
    });
    this.panel.dataset.state = "stopped";
    const head = element("div", { class: "row" }, element("b", {}, `Recorded: ${lengthWords(this.seconds)}`), element("span", { class: "hint" }, sizeWords(this.row.bytes)));
    const field = element("div", { class: "field" }, element("label", { for: "recording-name" }, "Name"), name);
    this.draw(head, player(this.media, await this.whole()), field);
    const where = this.withoutKeeping || this.unkept.length ? "Add it before you leave this page." : "It is kept on this device until it is stored.";
    this.say(`${this.reason ? `${this.reason} The recording ended there. ` : ""}${where}`);
    this.buttons.replaceChildren(
      button("Add to the files", () => this.finish(name.value, ending), "btn-primary"),
      saveButton(() => this.row.name, () => this.whole()),
      certainButton("Throw away", `Really throw away ${lengthWords(this.seconds)}?`, () => this.discard()),
    );
    announce(`Recorded ${lengthWords(this.seconds)}. ${this.note.textContent}`);
    name.focus();
  }

  async finish(typed, ending) {
    if (this.isFinished) return;
    this.isFinished = true;
    const name = typed.trim() ? typed.trim() + ending : this.row.name;
    this.row.name = name;
    if (!this.withoutKeeping) await kept.change(this.row, { name }).catch(() => {});
    if (this.withoutKeeping) send(this.input, await this.whole());
    else await sendKept(this.input, this.row, this.letGo, this.unkept.length ? await this.whole() : null);
    this.unkept = [];
    this.close();
  }

  async discard() {
    this.unkept = [];
    if (!this.withoutKeeping) await kept.remove(this.row).catch(() => {});
    this.letGo?.();
    this.close();
    announce("The recording was thrown away.");
  }

  release() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.sound?.close().catch(() => {});
    this.wake?.release().catch(() => {});
  }

  close() {
    this.release();
    this.panel.remove();
    const start = this.place.querySelector("[data-recorder-start]");
    start.hidden = false;
    current = null;
    start.querySelector("button:not([hidden])")?.focus();
  }
}

/** Send a file as if it had been chosen. */
function send(input, file) {
  const chosen = new DataTransfer();
  chosen.items.add(file);
  input.files = chosen.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}
