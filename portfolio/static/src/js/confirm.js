// <details data-confirm>: the second step of a destructive button. Opening moves to the step; Escape takes it back.
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("details[data-confirm][open]")) event.target.querySelector(".confirm-step button")?.focus();
}, true);

document.addEventListener("keydown", (event) => {
  const step = event.key === "Escape" && event.target.closest?.("details[data-confirm][open]");
  if (!step) return;
  step.open = false;
  step.querySelector("summary").focus();
});
