// Along the time of a player: on [data-track] where the player is, the clips and the marked span; below it the links of
// [data-clips], each at its place along the time, in rows in which none covers another. Without scripts they are a list.
import { element } from "./page.js";

const GAP = 6; // pixels between two clips of a row

/** Which row each span takes, so that none of a row touch: [{left, right}] in pixels → numbers from 0. */
export function rowsOf(spans) {
  const ends = [];
  const rows = new Array(spans.length);
  const order = spans.map((_, at) => at).sort((a, b) => spans[a].left - spans[b].left);
  for (const at of order) {
    let row = ends.findIndex((end) => end + GAP <= spans[at].left);
    if (row < 0) row = ends.length;
    ends[row] = spans[at].right;
    rows[at] = row;
  }
  return rows;
}

const percent = (share) => `${100 * Math.min(Math.max(share, 0), 1)}%`;

function place(node, start, end, duration) {
  node.style.left = percent(start / duration);
  node.style.width = percent((Math.min(end, duration) - start) / duration);
}

export class Timeline {
  constructor(player, parse) {
    this.player = player;
    this.track = player.box.querySelector("[data-track]");
    this.list = player.box.querySelector("[data-clips]");
    this.clips = [...(this.list?.querySelectorAll("[data-seek]") ?? [])].map((link) => ({ link, span: parse(link.dataset.seek) }));
    this.clips = this.clips.filter((clip) => clip.span);
    if (this.track) this.furnish();
    if (this.clips.length) new ResizeObserver(() => this.layOut()).observe(this.list);
  }

  /** What scripts add to the track: decoration for the eye, since links and fields say the same in words. */
  furnish() {
    const layer = (name) => this.track.appendChild(element("span", { class: name, "aria-hidden": "true" }));
    for (const clip of this.clips) clip.band = layer("track-clip");
    this.marked = layer("track-marked");
    this.line = layer("track-now");
    this.track.dataset.seekable = "";
    this.track.addEventListener("click", (event) => {
      const area = this.track.getBoundingClientRect();
      this.player.seek((this.player.duration * (event.clientX - area.left)) / area.width);
    });
  }

  endOf(span) {
    return span.end ?? this.player.duration;
  }

  draw() {
    const { duration, now, span } = this.player;
    if (!duration) return;
    if (this.laidOutFor !== duration) this.layOut();
    for (const { link, span: own } of this.clips) link.classList.toggle("is-now", own.start <= now && now < this.endOf(own));
    if (this.chosen && (now < this.chosen.span.start - 0.5 || now > this.endOf(this.chosen.span) + 0.5)) this.choose(null);
    if (!this.track) return;
    this.line.style.left = percent(now / duration);
    this.marked.hidden = !span;
    this.marked.classList.toggle("is-open", span?.end === null);
    if (span) place(this.marked, span.start, span.end ?? Math.max(now, span.start), duration);
  }

  layOut() {
    const { duration } = this.player;
    const room = this.list?.clientWidth ?? 0;
    this.laidOutFor = duration;
    if (!duration) return;
    for (const { band, span } of this.clips) if (band) place(band, span.start, this.endOf(span), duration);
    if (!room) return;
    this.list.classList.add("is-laid-out");
    const spans = this.clips.map(({ link, span }) => {
      const start = (Math.min(span.start, duration) / duration) * room;
      const end = (Math.min(this.endOf(span), duration) / duration) * room;
      const wide = Math.min(Math.max(link.scrollWidth, end - start), room);
      const left = Math.min(start, room - wide);
      return { left, right: left + wide, start: start - left, wide: Math.max(end - start, 3) };
    });
    const rows = rowsOf(spans);
    this.clips.forEach(({ link }, at) => {
      const { left, right, start, wide } = spans[at];
      const item = link.parentElement;
      item.style.left = `${left}px`;
      item.style.width = `${right - left}px`;
      item.style.setProperty("--row", rows[at]);
      link.style.setProperty("--from", `${start}px`);
      link.style.setProperty("--long", `${wide}px`);
    });
    this.list.style.setProperty("--rows", Math.max(0, ...rows) + 1);
  }

  /** Mark the clip of a link, and its criterion in the list beside; null marks none. */
  choose(link) {
    const clip = this.clips.find((each) => each.link === link) ?? null;
    if (clip === this.chosen) return;
    this.chosen = clip;
    for (const each of this.clips) each.link.toggleAttribute("aria-current", false);
    if (clip) clip.link.setAttribute("aria-current", "true");
    const code = clip?.link.dataset.mapping;
    for (const one of document.querySelectorAll("[data-clips-of]")) {
      one.classList.toggle("is-playing", Boolean(code) && one.dataset.clipsOf === code);
    }
  }
}
