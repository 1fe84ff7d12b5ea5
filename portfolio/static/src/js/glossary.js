// <dfn data-term><button popovertarget=…>: a tap opens it without scripts; here hover and focus do too, and the
// explanation stands beside its word. Browsers without popovers (Safari before 17) get a class instead (forms.css).
const DELAY_MS = 180;
let timer = 0;

const tipOf = (node) => document.getElementById(node?.getAttribute("popovertarget") ?? "");
const wordOf = (node) => node.closest?.("dfn[data-term]")?.querySelector("[popovertarget]");

function place(word, tip) {
  const [at, box] = [word.getBoundingClientRect(), tip.getBoundingClientRect()];
  const below = at.bottom + 6 + box.height < innerHeight || at.top < box.height + 12;
  tip.style.margin = "0";
  tip.style.inset = "auto";
  tip.style.left = `${Math.max(12, Math.min(at.left, innerWidth - box.width - 12))}px`;
  tip.style.top = `${below ? at.bottom + 6 : at.top - box.height - 6}px`;
}

const HAS_POPOVERS = "showPopover" in HTMLElement.prototype;
const OPEN = HAS_POPOVERS ? ":popover-open" : ".is-open";

function show(word) {
  const tip = tipOf(word);
  if (!tip || tip.matches(OPEN)) return;
  if (HAS_POPOVERS) return void tip.showPopover();
  for (const other of document.querySelectorAll(".tip.is-open")) close(other);
  tip.classList.add("is-open");
  place(word, tip);
}

function close(tip) {
  if (HAS_POPOVERS) tip.hidePopover();
  else tip.classList.remove("is-open");
}

function hide(word) {
  const tip = tipOf(word);
  if (tip?.matches(OPEN) && !tip.matches(":hover")) close(tip);
}

if (!HAS_POPOVERS) {
  document.addEventListener("click", (event) => {
    const word = wordOf(event.target);
    if (word) show(word);
    else for (const tip of document.querySelectorAll(".tip.is-open")) close(tip);
  });
}

document.addEventListener("toggle", (event) => {
  const tip = event.target;
  if (!tip.matches?.(".tip[popover]") || event.newState !== "open") return;
  const word = document.querySelector(`[popovertarget="${CSS.escape(tip.id)}"]`);
  if (word) place(word, tip);
}, true);

document.addEventListener("pointerover", (event) => {
  const word = event.pointerType === "mouse" && wordOf(event.target);
  if (!word) return;
  clearTimeout(timer);
  timer = setTimeout(() => show(word), DELAY_MS);
});
document.addEventListener("pointerout", (event) => {
  const word = event.pointerType === "mouse" && wordOf(event.target);
  if (!word || document.activeElement === word) return;
  clearTimeout(timer);
  timer = setTimeout(() => hide(word), 300);
});
document.addEventListener("focusin", (event) => {
  const word = wordOf(event.target);
  if (word?.matches(":focus-visible")) show(word);
});
document.addEventListener("focusout", (event) => {
  const word = wordOf(event.target);
  if (word) hide(word);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const tip of document.querySelectorAll(`.tip${OPEN}`)) close(tip);
});
