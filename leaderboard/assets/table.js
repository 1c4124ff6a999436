"use strict";

// The table: measured models by rank, published scores where they belong in the order, and its downloads.

const FIRST = 50;
const FOLDED = 3;
const opened = { rows: false, references: false };
const grid = (axis, chance) => [axis.ticks.map((tick) => vertical("grid", axis.at(tick))), chance && vertical("chance", axis.at(chance))];

function table(view) {
  const { rows, references, chance } = view;
  const shown = rows.length + references.length > 0;
  for (const id of ["board", "key", "under"]) byId(id).hidden = !shown;
  if (!shown) return;
  const axis = axisTo(Math.max(0.01, ...rows.map(({ high, value }) => high ?? value), ...references.map(({ value }) => value)));
  put("axis", axis.ticks.map((tick) => make("text", { x: axis.at(tick), y: "90%" }, axis.label(tick))));
  put("measure", dataset().measure);
  put("caption", `${dataset().title}: ${whose()} ${over()}`);
  put("chance", chance ? ` (${points(chance)})` : "");
  for (const head of document.querySelectorAll("#board th[data-sort]")) {
    if (head.dataset.sort === chosen.sort && chosen.sort !== "score") head.setAttribute("aria-sort", "ascending");
    else head.removeAttribute("aria-sort");
  }
  const pair = pairOf(view);
  const lines = chosen.sort === "score" ? inOrder(view, axis, pair) : bySort(view, axis, pair);
  const limit = opened.rows || chosen.find ? Infinity : FIRST;
  put("rows", lines.slice(0, limit).map((draw) => draw()), lines.length > limit && theOthers(lines.length - limit));
  notes(view);
}

// What draws each line, measured and published together.
function inOrder({ rows, references, chance }, axis, pair) {
  const lines = [];
  let waiting = references;
  const release = (above) => {
    const run = waiting.filter(above);
    waiting = waiting.slice(run.length);
    const folded = run.length > FOLDED && !opened.references;
    if (run.length > FOLDED) lines.push(() => foldedRow(run, axis, chance));
    if (!folded) run.forEach((own) => lines.push(() => referenceRow(own, axis, chance)));
    else lines.push(() => run.map((own) => hidden(referenceRow(own, axis, chance))));
  };
  rows.forEach((row, at) => {
    release(({ value }) => value > row.value);
    lines.push(() => measuredRow(row, rows[at - 1], rows[0], axis, chance, pair));
  });
  release(() => true);
  return lines;
}

function bySort({ rows, chance }, axis, pair) {
  const keys = {
    name: ({ model }) => shortName(model).toLowerCase(),
    preference: ({ preference }) => preference ?? Infinity,
    size: ({ model }) => board.models[model].parameters ?? Infinity,
  };
  const key = keys[chosen.sort] ?? (() => 0);
  const sorted = [...rows].sort((a, b) => (key(a) > key(b)) - (key(a) < key(b)));
  return sorted.map((row) => () => measuredRow(row, null, rows[0], axis, chance, pair));
}

const hidden = (element) => Object.assign(element, { hidden: true });

function measuredRow(row, above, first, axis, chance, pair) {
  const [element, slots] = copyOf("t-row");
  const model = board.models[row.model];
  element.classList.toggle("cut", Boolean(above) && row.tier !== above.tier);
  const isBest = row === first || first.alike.includes(row);
  slots.rank.parentElement.classList.toggle("best", isBest);
  const spread = row.tier && row.best !== row.worst ? `${row.best}–${row.worst}` : "";
  const known = row.low !== null;
  const [organisation] = partsOf(row.model);
  const texts = {
    rank: row.rank,
    spread,
    name: shortName(row.model),
    about: [organisation, model.revision ? `@${model.revision.slice(0, 12)}` : ""].filter(Boolean).join(" · "),
    score: points(row.value),
    ends: known ? `${points(row.low)}–${points(row.high)}` : "",
    behind: row === first ? "–" : points(row.value - first.value),
    preference: points(row.preference, 0),
    size: sizeOf(model),
    licence: model.licence ?? "licence not declared",
  };
  for (const [slot, text] of Object.entries(texts)) slots[slot].textContent = text;
  slots.spread.hidden = !spread;
  slots.link.href = `models/${model.slug}.html`;
  slots.link.title = `${model.name}: all scores, its languages, and how it was run`;
  slots.plot.append(...kept([grid(axis, chance), known && horizontal("bar", axis.at(row.low), axis.at(row.high)), dot("dot", axis.at(row.value), 4.5)]));
  if (row.preference !== null) {
    const ends = row.preferenceLow !== null && horizontal("bar", percent(row.preferenceLow), percent(row.preferenceHigh));
    slots.mini.append(...kept([horizontal("track", 0, "100%"), ends, dot("dot small", percent(row.preference), 4)]));
  }
  slots.tick.checked = pair.includes(row.model);
  slots.tick.setAttribute("aria-label", `Compare ${model.name} in A against B`);
  slots.tick.addEventListener("change", ({ target }) => compareModel(row.model, target.checked));
  return element;
}

function sizeOf({ parameters = null }) {
  if (!parameters) return parameters === null ? "not declared" : "none";
  for (const [unit, name] of [[1e9, "B"], [1e6, "M"], [1e3, "K"]]) {
    if (parameters >= unit) return (parameters / unit).toFixed(unit === 1e9 ? 1 : 0) + name;
  }
  return String(parameters);
}

function referenceRow({ model, value, table: place }, axis, chance) {
  const [element, slots] = copyOf("t-reference");
  const own = board.models[model];
  slots.name.textContent = own.name;
  slots.link.href = `models/${own.slug}.html`;
  slots.score.textContent = points(value);
  slots.plot.append(...kept([grid(axis, chance), dot("ring", axis.at(value), 3.75)]));
  const link = own.url ? make("a", { href: own.url, rel: "noopener noreferrer" }, own.source) : own.source;
  slots.source.append(...kept([own.origin, own.source ? [": ", link] : "", place ? `, table ${place.replace("-", "–")}` : ""]));
  return element;
}

function foldedRow(run, axis, chance) {
  const [element, slots] = copyOf("t-folded");
  slots.name.textContent = `${run.length} published`;
  slots.score.textContent = `${points(run.at(-1).value)}–${points(run[0].value)}`;
  slots.plot.append(...kept([grid(axis, chance), run.map(({ value }) => dot("ring", axis.at(value), 3.75))]));
  slots.source.textContent = [...new Set(run.map(({ model }) => board.models[model].source ?? ""))].join(", ");
  slots.unfold.textContent = opened.references ? "fold" : "show each";
  slots.unfold.setAttribute("aria-expanded", opened.references);
  slots.unfold.addEventListener("click", () => {
    opened.references = !opened.references;
    table(shownView);
    document.querySelector("#rows .sum button")?.focus();
  });
  return element;
}

function theOthers(number) {
  const button = make("button", { type: "button", class: "link" }, `Show the other ${number}`);
  button.addEventListener("click", () => {
    opened.rows = true;
    table(shownView);
  });
  return make("tr", { class: "ref", role: "row" }, make("td", { colspan: 8, role: "cell" }, button));
}

function notes({ questions, articles, others, columns, exact }) {
  const asked = articles ? `${whole(questions)} questions of ${whole(articles)} articles. ` : "";
  put(
    "note",
    exact
      ? `${asked}Intervals are those of new articles; ranks are of the measured models shown, a line parts tiers, and two models are distinguished at 5 % over all pairs.`
      : `Mean over ${columns} pairs of languages. Its interval is the mean of theirs, which is at least as wide as the right one.`,
  );
  const listedOthers = others.flatMap(({ model, value }, at) => [at ? ", " : "", isolated(board.models[model].name), ` ${points(value, 0)}`]);
  const reasons = [...new Set(others.map(({ note }) => note))].join("; ");
  put("others", others.length ? ["Published under other rules, so not in the order: ", listedOthers, ` (${reasons}).`] : "");
}

// Exactly what is shown, as records.
function records({ rows, references, questions }) {
  const about = { dataset: dataset().title, questions_in: chosen.q, answers_in: chosen.a, measure: dataset().measure };
  const measured = rows.map((row) => ({ row, value: row.value })).concat(references.map((own) => ({ own, value: own.value })));
  return measured
    .sort((a, b) => b.value - a.value)
    .map(({ row, own, value }) => {
      const { name, revision = "", origin } = board.models[(row ?? own).model];
      const { low = null, high = null, rank = null, tier = null } = row ?? {};
      return { ...about, model: name, revision, origin, value, low, high, rank, tier, n_questions: row ? questions : null, source: own ? source(own) : "" };
    });
}

function csvOf(lines) {
  const plain = (value) => {
    const text = String(value ?? "").replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, " ");
    return typeof value === "number" ? text : text.replace(/(^|[;,|])(\s*)(?=[=+\-@＝＋－＠])/g, "$1$2'");
  };
  const quoted = (text) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const names = Object.keys(lines[0] ?? {});
  return [names, ...lines.map((line) => Object.values(line))].map((cells) => cells.map((cell) => quoted(plain(cell))).join(",")).join("\n") + "\n";
}

function latexOf(lines) {
  const escaped = (text) => String(text).replace(/[\\&%$#_{}~^]/g, (c) => (c === "\\" ? "\\textbackslash{}" : "~^".includes(c) ? `\\${c}{}` : `\\${c}`));
  const rows = lines.map(({ model, value, low, high, source: from }) =>
    low === null
      ? `\\textit{${escaped(model)}}${from ? "\\textsuperscript{\\dag}" : ""} & ${(100 * value).toFixed(1)} & \\\\`
      : `${escaped(model)} & ${(100 * value).toFixed(1)} & [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}] \\\\`,
  );
  const sources = [...new Set(lines.map(({ source: from }) => from).filter(Boolean))];
  const caption = `${escaped(`${dataset().title}: ${whose()} ${over()}`)}; ${escaped(dataset().measure)} $\\times$ 100 (xbench ${board.version}).${sources.length ? ` \\dag\\ ${escaped(sources.join("; "))}.` : ""}`;
  return ["\\begin{table}", "\\centering", "\\begin{tabular}{@{}lrl@{}}", "\\toprule", `Model & ${escaped(dataset().measure)} & 95\\,\\% interval \\\\`, "\\midrule", ...rows, "\\bottomrule", "\\end{tabular}", `\\caption{${caption}}`, "\\end{table}"].join("\n");
}

// The command that compares the measured models that are shown, from the files of this board.
function commandOf({ rows }) {
  const names = rows.map(({ model }) => board.models[model]).filter(({ name }) => /^[\w.-]+\/[\w.-]+$/.test(name));
  return `xbench compare ${names.map(({ name, revision }) => (/^[\w.-]+$/.test(revision ?? "") ? `${name}@${revision}` : name)).join(" ")}`;
}

// Give a link the file of what is shown, when it is followed.
function download(kind) {
  const lines = records(shownView);
  const [type, content] = { csv: ["text/csv", () => csvOf(lines)], json: ["application/json", () => `${JSON.stringify(lines, null, 1)}\n`] }[kind];
  byId(kind).download = `xbench-${chosen.d}-${chosen.q}-${chosen.a}.${kind}`.replaceAll(",", "+");
  byId(kind).href = `data:${type};charset=utf-8,${encodeURIComponent(content())}`;
}

async function copyFrom(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed here";
  }
  setTimeout(() => (button.textContent = before), 1500);
}
