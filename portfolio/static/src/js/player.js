// [data-media-player] round an <audio> or <video>: play, skip, speed, marks (keys I and O), jumps to a locator
// "t=12.5,40" that end where the part ends. What lies along the time is drawn by timeline.js and transcript.js.
import { announce, isTyping, onContent } from "./page.js";
import { Timeline } from "./timeline.js";
import { Transcript } from "./transcript.js";

/** "t=12.5,40" → {start: 12.5, end: 40} in seconds; null for anything else. Either side may be missing. */
export function parseLocator(text) {
  const found = /^t=(\d+(?:\.\d+)?)?(?:,(\d+(?:\.\d+)?))?$/.exec(text.trim());
  if (!found || (found[1] === undefined && found[2] === undefined)) return null;
  return { start: Number(found[1] ?? 0), end: found[2] === undefined ? null : Number(found[2]) };
}

/** Seconds as "1:05" or "1:01:05". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

const tenth = (seconds) => String(Math.round(seconds * 10) / 10);
const cannot = () => announce("This recording cannot be played here. Download it instead.");
const players = new WeakMap();
let latest = null; // the player that was used last: keys go to it when several are on the page

class Player {
  constructor(box) {
    this.box = box;
    this.media = box.querySelector("audio, video");
    this.stopAt = null;
    this.part = null; // the link whose part is chosen
    this.input = box.dataset.locator ? document.getElementById(box.dataset.locator) : null;
    this.timeline = new Timeline(this, parseLocator);
    this.transcript = new Transcript(this);
    this.media.addEventListener("timeupdate", () => this.tick());
    this.media.addEventListener("play", () => (latest = this));
    for (const kind of ["loadedmetadata", "durationchange", "seeked", "play", "pause", "ended"]) {
      this.media.addEventListener(kind, () => this.draw());
    }
    this.input?.addEventListener("input", () => this.draw());
    this.draw();
  }

  /** In seconds: what the player found, else what was measured, else 0. */
  get duration() {
    return Number.isFinite(this.media.duration) ? this.media.duration : Number(this.box.dataset.duration ?? 0);
  }

  get now() {
    return this.media.currentTime;
  }

  /** The marked span in seconds, or null. `end` null: it is not set. */
  get span() {
    return this.input && parseLocator(this.input.value);
  }

  tick() {
    if (this.stopAt !== null && this.now >= this.stopAt) {
      this.stopAt = null;
      this.media.pause();
    }
    this.draw();
  }

  /** `timeupdate` comes four times a second at most; the end of a part is looked for at each frame. */
  watchEnd() {
    if (this.stopAt === null) return;
    if (!this.media.paused) this.tick();
    requestAnimationFrame(() => this.watchEnd());
  }

  draw() {
    const time = this.box.querySelector("[data-time]");
    if (time) time.textContent = `${clock(this.now)} / ${clock(this.duration)}`;
    const word = this.box.querySelector("[data-play-word]");
    if (word) word.textContent = this.media.paused ? "Play" : "Pause";
    const marks = this.box.querySelector("[data-marks]");
    const span = this.span;
    const words = span ? `Marked: ${clock(span.start)} to ${span.end === null ? "the end" : clock(span.end)}` : "";
    if (marks && marks.textContent !== words) marks.textContent = words;
    this.timeline.draw();
    this.transcript.draw();
  }

  play() {
    latest = this;
    this.media.play().catch((error) => error.name === "AbortError" || cannot());
  }

  toggle() {
    this.stopAt = null;
    if (this.media.paused) this.play();
    else this.media.pause();
  }

  /** Go to a moment, in seconds, and on from there. */
  seek(seconds) {
    latest = this;
    this.stopAt = null;
    this.media.currentTime = Math.min(Math.max(seconds, 0), this.duration || seconds);
    this.draw();
  }

  mark(side) {
    if (!this.input) return;
    latest = this;
    const old = this.span ?? { start: 0, end: null };
    const now = this.now;
    const span = side === "in" ? { start: now, end: old.end } : { start: old.start, end: now };
    if (span.end !== null && span.end <= span.start) {
      if (side === "out") span.start = 0;
      if (side === "in" || !span.end) span.end = null; // a part has some length
    }
    this.input.value = `t=${tenth(span.start)}${span.end === null ? "" : `,${tenth(span.end)}`}`;
    const folded = this.input.closest("details");
    if (folded) folded.open = true;
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
    announce(`${side === "in" ? "Start" : "End"} marked at ${clock(now)}`);
  }

  /** Play a part; false when the text names none. `link` is what was pressed for it. */
  jump(text, link = null) {
    const span = parseLocator(text);
    if (!span) return false;
    this.media.currentTime = span.start;
    this.stopAt = span.end;
    this.timeline.choose(link);
    this.play();
    this.watchEnd();
    if (!link || !this.box.parentElement.contains(link)) this.box.scrollIntoView({ block: "nearest" });
    return true;
  }
}

onContent((root) => {
  for (const box of root.querySelectorAll("[data-media-player]")) {
    if (!players.has(box) && box.querySelector("audio, video")) players.set(box, new Player(box));
  }
});

const playerOf = (node) => players.get(node?.closest?.("[data-media-player]"));
/** The player that was used last, or the first of the page; undefined without any. */
export const lastPlayer = () => (latest?.box.isConnected ? latest : players.get(document.querySelector("[data-media-player]")));
export const playerNamed = (id) => players.get(document.getElementById(id));

document.addEventListener("click", (event) => {
  const control = event.target.closest?.("[data-play], [data-mark], [data-skip]");
  const player = playerOf(control);
  if (control?.dataset.mark) player?.mark(control.dataset.mark);
  else if (control?.dataset.skip) player?.seek(player.now + Number(control.dataset.skip));
  else if (control) player?.toggle();
  const link = event.target.closest?.("[data-seek]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (playerNamed(link.dataset.player ?? "player")?.jump(link.dataset.seek, link)) event.preventDefault();
});

/** The line of a transcript that the address names ("#cue-…"): its player stands ready there. */
function goToLine() {
  const link = location.hash.startsWith("#cue-") && document.getElementById(location.hash.slice(1))?.querySelector("[data-seek]");
  const span = link && parseLocator(link.dataset.seek);
  if (span) playerNamed(link.dataset.player)?.seek(span.start);
}
window.addEventListener("hashchange", goToLine);
window.addEventListener("load", goToLine);

document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-speed]")) return;
  const player = playerOf(event.target);
  if (player) player.media.playbackRate = Number(event.target.value);
});

const ANYWHERE = {
  i: (player) => player.mark("in"),
  o: (player) => player.mark("out"),
};
const SKIPS = { arrowleft: -5, arrowright: 5, j: -10, l: 10 };

/** The player that keys are for: the one with the focus, the only one, or the one that was used last. */
function playerFor(event) {
  const inside = playerOf(event.target) ?? playerOf(event.target.closest?.(".viewer")?.querySelector("[data-media-player]"));
  const all = document.querySelectorAll("[data-media-player]");
  const other = all.length === 1 ? players.get(all[0]) : latest;
  return { player: inside ?? (other?.box.isConnected ? other : undefined), inside: Boolean(inside) };
}

/** Whether J, K, L and the arrows are free for a player that has not the focus. */
function areFree(event, key) {
  if (key.startsWith("arrow")) return event.target === document.body;
  return !document.querySelector("[data-review]");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || isTyping(event) || document.documentElement.dataset.keys === "off") return;
  const { player, inside } = playerFor(event);
  if (!player) return;
  const key = event.key.toLowerCase();
  if (key in ANYWHERE) return void (event.shiftKey || ANYWHERE[key](player));
  if (key === " ") {
    if (event.target.closest("a, button, summary, input, audio, video")) return;
    event.preventDefault();
    player.toggle();
  } else if (key === "k" || key in SKIPS) {
    const native = key.startsWith("arrow") && event.target.closest("audio, video"); // the browser's own step
    if (event.shiftKey || native || !(inside || areFree(event, key))) return;
    event.preventDefault();
    if (key === "k") player.toggle();
    else player.seek(player.now + SKIPS[key]);
  }
});
