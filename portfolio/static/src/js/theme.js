// Theme: changes at once; the form's own address stores it. Without scripts the form does both.
import { announce, csrfToken, flash } from "./page.js";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-theme-form]") || !event.submitter?.value) return;
  event.preventDefault();
  const theme = event.submitter.value;
  document.documentElement.dataset.theme = theme;
  for (const button of form.querySelectorAll("[name=theme]")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
  announce(`Appearance: ${event.submitter.textContent.trim()}`);
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const headers = { "X-CSRF-Token": csrfToken() };
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers, redirect: "manual" });
    if (!answer.ok && answer.type !== "opaqueredirect") throw new Error(String(answer.status));
  } catch {
    flash("warning", "The appearance has changed here, but it could not be stored.");
  }
});
