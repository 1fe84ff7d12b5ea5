// One submission per click: a second one of the same form is refused until the first has an answer.
const RELEASE_AFTER_MS = 8000; // a download answers without leaving the page

function release(form) {
  delete form.dataset.sending;
  for (const button of form.querySelectorAll(".is-busy")) {
    button.classList.remove("is-busy");
    button.removeAttribute("aria-disabled");
  }
}

// Registered on window, so it runs after handlers that stop a submission for a reason of their own.
window.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("data-no-guard")) return;
  if (form.dataset.sending) {
    event.preventDefault();
    return;
  }
  form.dataset.sending = "true";
  event.submitter?.classList.add("is-busy");
  event.submitter?.setAttribute("aria-disabled", "true"); // disabling it would drop its value
  setTimeout(() => release(form), RELEASE_AFTER_MS);
});

// The same for forms that htmx sends; questions (GET) may overtake each other. The answer takes the place of the form, so
// what is typed until then would be lost: a form with room for text is not to be typed in while it is sent.
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.detail.elt.closest("form");
  if (!form || event.detail.requestConfig.verb === "get") return;
  if (form.dataset.sending) event.preventDefault();
  form.dataset.sending = "true";
  if (event.detail.elt === form && form.querySelector("textarea")) form.inert = true;
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt.closest("form");
  if (!form) return;
  if (event.detail.elt === form) form.inert = false;
  release(form);
});

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sending]")) release(form);
});
