// [data-media-player] round an <audio> or <video>: play, speed, marks (keys I and O), jumps to a locator "t=12.5,40".
import { announce, isTyping, onContent } from "./page.js";

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
const players = new WeakMap();

class Player {
  constructor(box) {
    this.box = box;
    this.media = box.querySelector("audio, video");
    this.stopAt = null;
    this.input = box.dataset.locator ? document.getElementById(box.dataset.locator) : null;
    this.media.addEventListener("timeupdate", () => this.tick());
    for (const kind of ["loadedmetadata", "play", "pause", "ended"]) this.media.addEventListener(kind, () => this.draw());
    this.input?.addEventListener("input", () => this.draw());
    this.wave = box.querySelector("[data-wave]");
    if (this.wave) this.addNow();
    this.draw();
  }

  /** The line that shows where the player is on the wave form; a click there goes to that moment. */
  addNow() {
    this.now = document.createElement("span");
    this.now.className = "wave-now";
    this.wave.append(this.now);
    this.wave.dataset.seekable = "";
    this.wave.addEventListener("click", (event) => {
      const area = this.wave.getBoundingClientRect();
      this.stopAt = null;
      this.media.currentTime = (this.duration() * (event.clientX - area.left)) / area.width;
      this.draw();
    });
  }

  /** In seconds: what the player found, else what was measured, else 0. */
  duration() {
    return Number.isFinite(this.media.duration) ? this.media.duration : Number(this.box.dataset.duration ?? 0);
  }

  tick() {
    if (this.stopAt !== null && this.media.currentTime >= this.stopAt) {
      this.stopAt = null;
      this.media.pause();
    }
    this.draw();
  }

  draw() {
    const duration = this.duration();
    if (this.now && duration) this.now.style.left = `${(100 * this.media.currentTime) / duration}%`;
    const time = this.box.querySelector("[data-time]");
    if (time) time.textContent = `${clock(this.media.currentTime)} / ${clock(duration)}`;
    const word = this.box.querySelector("[data-play-word]");
    if (word) word.textContent = this.media.paused ? "Play" : "Pause";
    const marks = this.box.querySelector("[data-marks]");
    const span = this.input && parseLocator(this.input.value);
    if (marks) marks.textContent = span ? `Marked: ${clock(span.start)} to ${span.end === null ? "the end" : clock(span.end)}` : "";
  }

  toggle() {
    this.stopAt = null;
    if (this.media.paused) this.media.play().catch(() => announce("This recording cannot be played here. Download it instead."));
    else this.media.pause();
  }

  mark(side) {
    if (!this.input) return;
    const old = parseLocator(this.input.value) ?? { start: 0, end: null };
    const now = this.media.currentTime;
    const span = side === "in" ? { start: now, end: old.end } : { start: old.start, end: now };
    if (span.end !== null && span.end <= span.start) {
      if (side === "in") span.end = null;
      else span.start = 0;
    }
    this.input.value = `t=${tenth(span.start)}${span.end === null ? "" : `,${tenth(span.end)}`}`;
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
    announce(`${side === "in" ? "Start" : "End"} marked at ${clock(now)}`);
  }

  jump(text) {
    const span = parseLocator(text);
    if (!span) return false;
    this.media.currentTime = span.start;
    this.stopAt = span.end;
    this.media.play().catch(() => announce("This recording cannot be played here. Download it instead."));
    this.box.scrollIntoView({ block: "nearest" });
    return true;
  }
}

onContent((root) => {
  for (const box of root.querySelectorAll("[data-media-player]")) {
    if (!players.has(box) && box.querySelector("audio, video")) players.set(box, new Player(box));
  }
});

const playerOf = (node) => players.get(node?.closest("[data-media-player]"));

document.addEventListener("click", (event) => {
  const control = event.target.closest?.("[data-play], [data-mark]");
  if (control) {
    const player = playerOf(control);
    if (control.dataset.mark) player?.mark(control.dataset.mark);
    else player?.toggle();
  }
  const link = event.target.closest?.("[data-seek]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const player = players.get(document.getElementById(link.dataset.player ?? "player"));
  if (player?.jump(link.dataset.seek)) event.preventDefault();
});

document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-speed]")) return;
  const player = playerOf(event.target);
  if (player) player.media.playbackRate = Number(event.target.value);
});

document.addEventListener("keydown", (event) => {
  if (isTyping(event) || document.documentElement.dataset.keys === "off") return;
  const only = document.querySelectorAll("[data-media-player]");
  const player = playerOf(event.target) ?? (only.length === 1 ? players.get(only[0]) : undefined);
  if (!player) return;
  const key = event.key.toLowerCase();
  if (key === "i" || key === "o") player.mark(key === "i" ? "in" : "out");
  else if (key === " " && !event.target.closest("a, button, summary, input, audio, video")) {
    event.preventDefault();
    player.toggle();
  }
});
