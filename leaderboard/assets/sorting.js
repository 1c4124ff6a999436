"use strict";

// Sorting of tables: a button in each heading; blank cells last; groups stay apart.

const headings = (table) => [...table.querySelectorAll("tr.sortable > th")];

function sortKey(cell) {
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  if (cell.classList.contains("figure")) return cell.textContent.trim() ? sizeOf(cell) : null;
  return cell.textContent.trim().toLowerCase() || null;
}

const sizeOf = (cell) => Number(cell.parentElement.dataset.parameters);

function compareKeys(a, b) {
  return typeof a === "number" ? a - b : a.localeCompare(b, "en");
}

// Sort a table by a column, "ascending" or "descending".
function sortTable(table, column, direction) {
  const index = headings(table).findIndex((heading) => heading.dataset.column === column);
  if (index < 0) return;
  const sign = direction === "descending" ? -1 : 1;
  for (const heading of headings(table)) heading.removeAttribute("aria-sort");
  headings(table)[index].setAttribute("aria-sort", direction);
  for (const body of table.tBodies) {
    const rows = [...body.querySelectorAll("tr[data-entry]")];
    const keys = new Map(rows.map((row) => [row, sortKey(row.cells[index])]));
    const blank = (row) => keys.get(row) === null;
    rows.sort((a, b) =>
      blank(a) || blank(b) ? blank(a) - blank(b) : sign * compareKeys(keys.get(a), keys.get(b)),
    );
    body.append(...rows);
  }
}

// The direction that puts the best first; of a column that is sorted so already, the other.
function nextDirection(heading) {
  const text = !heading.classList.contains("figure");
  const first = text || "lower" in heading.dataset ? "ascending" : "descending";
  const other = first === "ascending" ? "descending" : "ascending";
  return heading.getAttribute("aria-sort") === first ? other : first;
}

for (const table of document.querySelectorAll("table.board")) {
  for (const heading of headings(table)) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const detail = { column: heading.dataset.column, direction: nextDirection(heading) };
      sortTable(table, detail.column, detail.direction);
      table.dispatchEvent(new CustomEvent("sorted", { detail }));
    });
  }
}
