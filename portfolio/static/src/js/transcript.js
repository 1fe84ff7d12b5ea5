// [data-cues="ID"]: the lines of a transcript beside the player with this id. The line that is being said is marked, and
// kept in view inside its own box. [data-insert-time]: a button that begins a line of a transcript being written.

export class Transcript {
  constructor(player) {
    this.player = player;
    this.lists = [...document.querySelectorAll("[data-cues]")]
      .filter((list) => list.dataset.cues === player.box.id)
      .map((box) => ({ box, current: null, lines: [...box.querySelectorAll("[data-seek]")].map(line) }));
    this.at = [...document.querySelectorAll("[data-insert-time]")].filter((button) => button.dataset.player === player.box.id);
    for (const button of this.at) button.addEventListener("click", () => this.begin(button));
  }

  draw() {
    const now = this.player.now;
    for (const list of this.lists) {
      // the last line that has begun, unless it is over
      const begun = list.lines.findLast((each) => each.start <= now + 0.01);
      this.mark(list, begun && now < begun.end ? begun.link : null);
    }
    for (const button of this.at) button.querySelector("[data-at]").textContent = stamp(now);
  }

  mark(list, link) {
    if (list.current === link) return;
    list.current?.removeAttribute("aria-current");
    list.current = link;
    if (!link) return;
    link.setAttribute("aria-current", "true");
    const [frame, place] = [list.box.getBoundingClientRect(), link.getBoundingClientRect()];
    if (this.player.media.paused || (place.top >= frame.top && place.bottom <= frame.bottom)) return;
    list.box.scrollTop += place.top - frame.top - frame.height / 3;
  }

  begin(button) {
    const field = document.getElementById(button.dataset.insertTime);
    const before = field.value.slice(0, field.selectionStart);
    const text = `${before && !before.endsWith("\n") ? "\n" : ""}${stamp(this.player.now)} `;
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  }
}

const line = (link) => ({ link, start: Number(link.dataset.seek.slice(2)), end: Number(link.dataset.until) });

/** Seconds as "00:01:05", the way a transcript is written. */
function stamp(seconds) {
  const whole = Math.floor(seconds);
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map((n) => String(n).padStart(2, "0")).join(":");
}
