// What several modules need: new content, who is signed in, the token, the spoken line, "is somebody typing?".
const starters = [];

/** Call `start(root)` for the page, and again for every piece of it that is put in later. */
export function onContent(start) {
  starters.push(start);
  start(document);
}

document.addEventListener("htmx:load", (event) => {
  if (event.target !== document.body) for (const start of starters) start(event.target.parentElement ?? document);
});

/** The code of the person signed in; "" for nobody. */
export const person = () => document.documentElement.dataset.person ?? "";

export const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** Say a sentence to screen readers. */
export function announce(text) {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}

/** Whether keys belong to a field (or to the browser), so that shortcuts must keep silent. */
export function isTyping(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  const target = event.target;
  if (target.isContentEditable || target.closest("textarea, select")) return true;
  return target instanceof HTMLInputElement && !["radio", "checkbox", "button", "submit"].includes(target.type);
}

/** An element with text and attributes; text is never read as HTML. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Put a notice where flash messages stand. */
export function flash(level, text) {
  const place = document.getElementById("flashes");
  if (!place) return;
  const body = element("div", { class: "notice-body" }, element("p", {}, text));
  place.replaceChildren(element("div", { class: `notice notice-${level}`, role: "alert" }, body));
  place.scrollIntoView({ block: "nearest" });
}

/** Take an upload off the list of unfinished ones; without any, the list goes. */
export function settle(row) {
  const list = row.closest("[data-unfinished-list]");
  row.remove();
  if (list && !list.querySelector("[data-unfinished]")) list.remove();
}
