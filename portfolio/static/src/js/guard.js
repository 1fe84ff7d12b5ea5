// One submission per click: a second one of the same form is refused until the first has an answer.
const RELEASE_AFTER_MS = 8000; // a download answers without leaving the page

function release(form) {
  delete form.dataset.sending;
  for (const button of form.elements) {
    if (!button.classList.contains("is-busy")) continue; // those outside the form that name it are among them
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
// what is typed until then would be lost: its fields are not to be typed in while it is sent. They keep the focus: without
// one, the letters would be taken for commands of the page.
function hold(form) {
  for (const field of form.querySelectorAll("textarea:not([readonly]), input:not([readonly])")) {
    field.readOnly = true;
    field.dataset.held = "";
  }
}

function letGo(form) {
  for (const field of form.querySelectorAll("[data-held]")) {
    field.readOnly = false;
    delete field.dataset.held;
  }
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.detail.elt.closest("form");
  if (!form || event.detail.requestConfig.verb === "get") return;
  if (form.dataset.sending) event.preventDefault();
  form.dataset.sending = "true";
  if (event.detail.elt === form) hold(form);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt.closest("form");
  if (!form) return;
  if (event.detail.elt === form) letGo(form);
  release(form);
});

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sending]")) {
    release(form);
    letGo(form);
  }
});
