// <b data-words-of="ID">: the words of that text field, as they are typed. Counted as evidence/rules/writing.py does.
const ONE_EACH = /[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]/gu;

export function countWords(text) {
  const ideographs = text.match(ONE_EACH)?.length ?? 0;
  const rest = text.replace(ONE_EACH, " ").split(/\s+/u);
  return ideographs + rest.filter((part) => /[\p{L}\p{N}]/u.test(part)).length;
}

for (const place of document.querySelectorAll("[data-words-of]")) {
  const field = document.getElementById(place.dataset.wordsOf);
  const unit = place.parentElement.querySelector("[data-words-unit]");
  const tell = () => {
    const count = countWords(field.value);
    place.textContent = count.toLocaleString("en-GB");
    unit.textContent = count === 1 ? "word" : "words";
  };
  field?.addEventListener("input", tell);
  if (field) tell();
}

// On a phone what stands beside a text comes before it: folded away until it is wanted.
if (matchMedia("(max-width: 900px)").matches) for (const beside of document.querySelectorAll("details.beside")) beside.open = false;
