// The strip of entries at the top (layout.css) opens at the current one and fades where it goes on. Some browsers do that
// by themselves, from the styles; this is for the others.
const strip = document.querySelector(".top-nav");
const FADE = 56;

function open() {
  const current = strip.querySelector("[aria-current]");
  if (!current) return;
  const beyond = current.getBoundingClientRect().right + FADE - strip.getBoundingClientRect().right;
  if (beyond > 0) strip.scrollLeft += beyond;
}

function fade() {
  const rest = strip.scrollWidth - strip.clientWidth - strip.scrollLeft;
  strip.style.setProperty("--fade-start", `${Math.min(strip.scrollLeft, FADE)}px`);
  strip.style.setProperty("--fade-end", `${Math.min(Math.max(rest, 0), FADE)}px`);
}

if (strip) {
  if (!CSS.supports("scroll-initial-target: nearest")) open();
  if (!CSS.supports("animation-timeline: scroll(self inline)")) {
    strip.addEventListener("scroll", fade, { passive: true });
    new ResizeObserver(fade).observe(strip);
  }
}
