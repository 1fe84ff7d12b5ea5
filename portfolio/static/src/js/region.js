// [data-picture] round an <img>: areas of it. With data-locator (the id of an input) an area can be drawn with a pointer
// or set by keys; links with data-region show theirs. An area is "xywh=percent:x,y,width,height".
import { announce, onContent } from "./page.js";

const SMALLEST = 2;
const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** "xywh=percent:10,10,30,30" → {x, y, w, h} in percent; null for anything else. */
export function parseRegion(text) {
  const found = /^xywh=percent:(\d+(?:\.\d+)?),(\d+(?:\.\d+)?),(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)$/.exec(text.trim());
  if (!found) return null;
  const [x, y, w, h] = found.slice(1).map(Number);
  return x + w <= 100 && y + h <= 100 && w > 0 && h > 0 ? { x, y, w, h } : null;
}

const tenth = (value) => String(Math.round(value * 10) / 10);
const within = (value, most) => Math.min(Math.max(value, 0), most);
const pictures = new WeakMap();

class Picture {
  constructor(box) {
    this.box = box;
    this.frame = box.querySelector("[data-frame]");
    this.area = box.querySelector("[data-area]");
    this.button = box.querySelector("[data-area-button]");
    this.input = box.dataset.locator ? document.getElementById(box.dataset.locator) : null;
    this.from = null;
    if (this.input) this.listen();
    this.draw();
  }

  listen() {
    this.input.addEventListener("input", () => this.draw());
    this.button?.addEventListener("click", () => this.choose(!this.choosing));
    this.frame.addEventListener("pointerdown", (event) => this.begin(event));
    this.frame.addEventListener("pointermove", (event) => this.from && this.stretch(event));
    for (const kind of ["pointerup", "pointercancel"]) this.frame.addEventListener(kind, () => this.end());
    this.area.addEventListener("keydown", (event) => this.nudge(event));
  }

  get choosing() {
    return this.box.hasAttribute("data-choosing");
  }

  /** While an area is being chosen the picture is no link, and a finger on it draws instead of scrolling. */
  choose(on) {
    this.box.toggleAttribute("data-choosing", on);
    this.button.setAttribute("aria-pressed", String(on));
    this.area.tabIndex = on ? 0 : -1;
    if (!on) return;
    if (!parseRegion(this.input.value)) this.write({ x: 25, y: 25, w: 50, h: 50 });
    this.area.focus();
    announce("Draw with the pointer, or move the area with the arrow keys; with Shift they change its size.");
  }

  place(event) {
    const edge = this.frame.getBoundingClientRect();
    return [
      within(((event.clientX - edge.left) / edge.width) * 100, 100),
      within(((event.clientY - edge.top) / edge.height) * 100, 100),
    ];
  }

  begin(event) {
    if (!this.choosing || event.button) return;
    event.preventDefault();
    this.frame.setPointerCapture(event.pointerId);
    this.from = this.place(event);
  }

  stretch(event) {
    const [x, y] = this.place(event);
    const [left, top] = [Math.min(x, this.from[0]), Math.min(y, this.from[1])];
    const [w, h] = [Math.abs(x - this.from[0]), Math.abs(y - this.from[1])];
    if (w >= SMALLEST && h >= SMALLEST) this.write({ x: left, y: top, w, h });
  }

  end() {
    this.from = null;
  }

  nudge(event) {
    const step = STEPS[event.key];
    const now = parseRegion(this.input.value);
    if (!this.choosing || !step || !now) return;
    event.preventDefault();
    const [dx, dy] = step;
    if (event.shiftKey) {
      now.w = Math.max(SMALLEST, within(now.w + dx, 100 - now.x));
      now.h = Math.max(SMALLEST, within(now.h + dy, 100 - now.y));
    } else {
      now.x = within(now.x + dx, 100 - now.w);
      now.y = within(now.y + dy, 100 - now.h);
    }
    this.write(now);
  }

  write({ x, y, w, h }) {
    // widths are cut after rounding, so that an area never reaches past the edge
    const [left, top] = [tenth(x), tenth(y)];
    const size = [tenth(Math.min(w, 100 - left)), tenth(Math.min(h, 100 - top))];
    this.input.value = `xywh=percent:${left},${top},${size.join(",")}`;
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  draw(region = this.input && parseRegion(this.input.value)) {
    this.area.hidden = !region;
    if (!region) return;
    const { x, y, w, h } = region;
    Object.assign(this.area.style, { left: `${x}%`, top: `${y}%`, width: `${w}%`, height: `${h}%` });
  }
}

onContent((root) => {
  for (const box of root.querySelectorAll("[data-picture]")) {
    if (!pictures.has(box)) pictures.set(box, new Picture(box));
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-picture][data-choosing] a")) event.preventDefault();
  const link = event.target.closest?.("[data-region]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const box = document.getElementById(link.dataset.shows);
  const region = parseRegion(link.dataset.region);
  if (!region || !pictures.has(box)) return;
  event.preventDefault();
  pictures.get(box).draw(region);
  box.scrollIntoView({ block: "nearest" });
  announce(`${link.textContent.trim()} is marked on the picture.`);
});
