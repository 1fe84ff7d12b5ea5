// A list that htmx takes the place of while somebody ticks in it: what was ticked or unticked since the question was sent
// counts, and not what the answer believes. On the list: `data-ticks`, the name of its boxes. What is ticked and not
// listed any more stays in the form, hidden.

function boxes(list) {
  return [...list.querySelectorAll(`input[name="${list.dataset.ticks}"]`)];
}

function ticked(list) {
  return boxes(list)
    .filter((box) => box.type === "hidden" || box.checked)
    .map((box) => box.value);
}

function tick(list, values) {
  const missing = new Set(values);
  for (const box of boxes(list)) {
    const wanted = missing.delete(box.value);
    if (box.type === "hidden" && !wanted) box.remove();
    else box.checked = wanted;
  }
  for (const value of missing) {
    const kept = document.createElement("input");
    Object.assign(kept, { type: "hidden", name: list.dataset.ticks, value });
    list.append(kept);
  }
}

const before = new Map();
document.addEventListener("htmx:beforeSwap", (event) => {
  const list = event.detail.target;
  if (event.detail.shouldSwap && list.dataset.ticks) before.set(list.id, ticked(list));
});
document.addEventListener("htmx:afterSwap", (event) => {
  const id = event.detail.target?.id; // what other scripts put in (upload.js) has no target
  const list = before.has(id) && document.getElementById(id);
  if (list) tick(list, before.get(id));
  before.delete(id);
});
