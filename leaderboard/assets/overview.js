"use strict";

// The overview: filters, means over chosen languages, and the view in the address.

const form = document.getElementById("controls");
const table = document.getElementById("overview");
const { languages: languageNames, columns, rows: figures } = window.xbench.subsets;
const FIELDS = ["search", "origin", "zero-shot", "size"];

const rows = [...table.querySelectorAll("tr[data-entry]")];
const original = new Map(rows.map((row, place) => [row, { place, cells: [...row.cells].map((cell) => cell.cloneNode(true)) }]));
const indexOf = new Map(headings(table).map((heading, index) => [heading.dataset.column, index]));

const view = () => new URLSearchParams(location.search);
const listed = (name) => (view().get(name) ?? "").split(",").filter(Boolean);

// Put the view in the address; a new entry of the history unless it is a letter of the search.
function show(parameters, { replace = false } = {}) {
  const query = parameters.toString().replaceAll("%2C", ",");
  history[replace ? "replaceState" : "pushState"](null, "", query ? `?${query}` : location.pathname);
  apply();
}

function changed(name, value, options) {
  const parameters = view();
  if (value) parameters.set(name, value);
  else parameters.delete(name);
  show(parameters, options);
}

function matches(row, parameters) {
  const words = (parameters.get("search") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${row.cells[0].textContent} ${row.cells[row.cells.length - 1].textContent}`.toLowerCase();
  const { origin, zeroShot, parameters: size } = row.dataset;
  return (
    words.every((word) => text.includes(word)) &&
    [origin, ""].includes(parameters.get("origin") ?? "") &&
    [zeroShot, ""].includes(parameters.get("zero-shot") ?? "") &&
    inRange(size, parameters.get("size") ?? "")
  );
}

function inRange(size, range) {
  if (!range || range === "unknown") return !range || size === undefined;
  const [low, high] = range.split("-");
  return size !== undefined && Number(size) >= Number(low) && (!high || Number(size) <= Number(high));
}

// The mean over the subsets of the chosen languages, or null unless the row has all of them.
function meanOver(column, values, chosen) {
  if (!values) return null;
  const wanted = column.pairs
    ? chosen.flatMap((a) => chosen.filter((b) => b !== a).map((b) => `${a}-${b}`))
    : chosen;
  const found = wanted.map((name) => values[column.subsets.indexOf(name)] ?? null);
  if (!found.length || found.includes(null)) return null;
  return found.reduce((sum, value) => sum + value, 0) / found.length;
}

const written = (value, { decimals }) =>
  value
    .toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
    .replace("-", "−");

function restore() {
  for (const row of rows) {
    original.get(row).cells.forEach((cell, index) => {
      if (indexOfFigure.has(index)) row.cells[index].replaceWith(cell.cloneNode(true));
    });
  }
}

const indexOfFigure = new Set(
  headings(table).flatMap((heading, index) => (["model", "size", "zero-shot", "source"].includes(heading.dataset.column) ? [] : [index])),
);

function recompute(chosen) {
  for (const row of rows) {
    for (const index of indexOfFigure) {
      row.cells[index].replaceChildren();
      delete row.cells[index].dataset.value;
    }
  }
  columns.forEach((column, number) => {
    const index = indexOf.get(column.id);
    for (const body of table.tBodies) {
      const means = rows
        .filter((row) => row.parentElement === body)
        .map((row) => [row.cells[index], meanOver(column, figures[row.dataset.entry]?.[number], chosen)])
        .filter(([, mean]) => mean !== null);
      const best = Math[column.lower ? "min" : "max"](...means.map(([, mean]) => mean));
      for (const [cell, mean] of means) {
        const isBest = means.length > 1 && written(mean, column) === written(best, column);
        const place = isBest ? cell.appendChild(document.createElement("strong")) : cell;
        place.append(written(mean, column));
        cell.dataset.value = mean;
      }
    }
  });
}

function apply() {
  const parameters = view();
  const chosen = listed("languages").filter((code) => code in languageNames);
  for (const name of FIELDS) form.elements[name].value = parameters.get(name) ?? "";
  for (const box of form.querySelectorAll("[name=languages]")) box.checked = chosen.includes(box.value);
  for (const row of rows) row.hidden = !matches(row, parameters);
  for (const body of table.tBodies) {
    body.hidden = ![...body.querySelectorAll("tr[data-entry]")].some((row) => !row.hidden);
  }
  if (chosen.length) recompute(chosen);
  else restore();
  order(parameters.get("sort"));
  tell(chosen);
  choose(listed("models"));
}

// Sort as the address says, or as the page came.
function order(sort) {
  if (sort) {
    sortTable(table, sort.replace(/^-/, ""), sort.startsWith("-") ? "descending" : "ascending");
    return;
  }
  for (const heading of headings(table)) heading.removeAttribute("aria-sort");
  for (const row of rows) row.parentElement.append(row);
}

function tell(chosen) {
  const shown = rows.filter((row) => !row.hidden).length;
  const names = chosen.map((code) => languageNames[code]).join(", ");
  document.getElementById("chosen-languages").textContent = chosen.length ? `: ${chosen.length}` : "";
  document.getElementById("status").textContent =
    (shown === rows.length ? `${shown} models.` : `${shown} of ${rows.length} models.`) +
    (names
      ? ` Means are over the subsets of ${names} alone; the multilingual pool still holds all` +
        " languages. Rows that lack one of them are blank, and so are intervals and ranks."
      : "");
}

function choose(models) {
  for (const box of table.querySelectorAll("input[type=checkbox]")) box.checked = models.includes(box.value);
  const link = document.getElementById("compare");
  link.href = models.length ? `compare.html?models=${models.join(",")}` : "compare.html";
  link.textContent = models.length ? `Compare ${models.length}` : "Compare";
}

for (const row of rows) {
  const box = document.createElement("input");
  box.type = "checkbox";
  box.value = row.dataset.entry;
  box.ariaLabel = `Choose ${row.querySelector("bdi").textContent} for comparison`;
  row.cells[0].prepend(box, " ");
  box.addEventListener("change", () => {
    const others = listed("models").filter((model) => model !== box.value);
    changed("models", [...others, ...(box.checked ? [box.value] : [])].join(","), { replace: true });
  });
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", (event) => {
  event.preventDefault();
  show(new URLSearchParams());
});
form.addEventListener("input", ({ target }) => {
  if (target.name === "languages") {
    const boxes = [...form.querySelectorAll("[name=languages]:checked")];
    changed("languages", boxes.map((box) => box.value).join(","));
  } else {
    changed(target.name, target.value, { replace: target.name === "search" });
  }
});
table.addEventListener("sorted", ({ detail }) => {
  changed("sort", (detail.direction === "descending" ? "-" : "") + detail.column);
});
window.addEventListener("popstate", apply);
form.hidden = false;
apply();
