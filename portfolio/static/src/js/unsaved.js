// <form data-warn-unsaved>: the browser asks before a page with unsent changes is left.
const changed = new Set();

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.hasAttribute("data-warn-unsaved")) changed.add(form);
});
document.addEventListener("submit", (event) => changed.delete(event.target));
document.addEventListener("autosave:saved", (event) => changed.delete(event.target));
window.addEventListener("beforeunload", (event) => {
  const open = [...changed].some((form) => form.isConnected);
  if (open || document.querySelector('.upload[data-state="sending"]')) event.preventDefault();
});
