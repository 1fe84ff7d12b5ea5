// <table data-grid>: arrow keys, Home and End move from cell to cell; up and down go on in the table before or after.
// The table stays a table for screen readers; Tab goes from link to link as always.
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function focusCell(cell) {
  const inside = cell.querySelector("a[href], button, input, select, summary");
  if (!inside) cell.tabIndex = -1;
  (inside ?? cell).focus();
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function target(table, cell, key, whole) {
  const rows = table.rows;
  let [row, column] = [cell.parentElement.rowIndex, cell.cellIndex];
  if (key === "Home" || key === "End") {
    if (whole) row = key === "Home" ? 0 : rows.length - 1;
    column = key === "Home" ? 0 : rows[row].cells.length - 1;
  } else {
    row += STEPS[key][0];
    column += STEPS[key][1];
    // Group headings span all columns: step over them, so that the column is kept.
    while (STEPS[key][0] && rows[row] && rows[row].cells.length === 1) row += STEPS[key][0];
  }
  return rows[row]?.cells[column] ?? (STEPS[key]?.[0] ? beyond(table, STEPS[key][0], column) : undefined);
}

function beyond(table, step, column) {
  const tables = [...document.querySelectorAll("table[data-grid]")];
  const rows = tables[tables.indexOf(table) + step]?.rows;
  return rows && [...rows[step > 0 ? 0 : rows.length - 1].cells].slice(0, column + 1).pop();
}

document.addEventListener("keydown", (event) => {
  if (!(event.key in STEPS) && event.key !== "Home" && event.key !== "End") return;
  if (event.altKey || event.metaKey || event.target.closest?.("input, textarea, select")) return;
  const cell = event.target.closest?.("td, th");
  const table = cell?.closest("table[data-grid]");
  if (!table) return;
  const next = target(table, cell, event.key, event.ctrlKey);
  if (!next) return;
  event.preventDefault();
  focusCell(next);
});
