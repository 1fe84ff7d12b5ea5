// <dfn data-term><button popovertarget=…>: a tap opens it without scripts; here hover and focus do too, and the
// explanation stands beside its word.
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

function show(word) {
  const tip = tipOf(word);
  if (!tip?.showPopover || tip.matches(":popover-open")) return;
  tip.showPopover();
}

function hide(word) {
  const tip = tipOf(word);
  if (tip?.matches(":popover-open") && !tip.matches(":hover")) tip.hidePopover();
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
  if (event.key === "Escape") for (const tip of document.querySelectorAll(".tip:popover-open")) tip.hidePopover();
});
