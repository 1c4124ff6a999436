"use strict";

// The choice: it is in the address and nowhere else. And the files of what it shows.

const { board } = window.xbench;
const DEFAULTS = { d: board.datasets[0].id, q: "", a: "", size: "", open: "", zs: "", refs: "1", find: "", A: "", B: "", f: "", sort: "score" };
const SECTIONS = ["ranking", "versus", "favours", "languages"];
let chosen = { ...DEFAULTS };

const dataset = () => board.datasets.find(({ id }) => id === chosen.d);
const nameOf = (code) => board.languages[code] ?? code;
// Organisation and name of a model; a name of another form has no organisation.
const partsOf = (model) => board.models[model].name.match(/^(?:([\w.-]+)\/(?=.))?(.*)$/s).slice(1);
const shortName = (model) => partsOf(model)[1];

// The fields of an address that are possible on its dataset, and the defaults of the others.
function understood(text) {
  const given = new URLSearchParams(text);
  const found = { ...DEFAULTS };
  for (const field of Object.keys(found)) if (given.has(field)) found[field] = given.get(field);
  const own = board.datasets.find(({ id }) => id === found.d) ?? board.datasets[0];
  found.d = own.id;
  const [query, passage] = own.default.split(">");
  const languages = (value) => value.split(",").filter((code) => own.languages.includes(code));
  if (found.q !== "all") found.q = languages(found.q).join(",") || query;
  if (found.q.split(",").length === own.languages.length && own.languages.length > 1) found.q = "all";
  if (!["same", "other", "pool"].includes(found.a)) found.a = languages(found.a).join(",") || passage;
  if (found.q === found.a) found.a = "same";
  if (!own.languages.includes(found.f)) found.f = own.languages.includes("en") ? "en" : own.languages[0];
  return found;
}

// The address of the choice with some changes; defaults are not in it.
function addressOf(changes) {
  const next = { ...chosen, ...changes };
  const own = board.datasets.find(({ id }) => id === next.d);
  const [q, a] = own.default.split(">");
  const defaults = { ...DEFAULTS, q, a, f: own.languages.includes("en") ? "en" : own.languages[0] };
  const parts = Object.keys(DEFAULTS)
    .filter((field) => String(next[field]) !== defaults[field])
    .map((field) => `${field}=${encodeURIComponent(next[field]).replaceAll("%2C", ",")}`);
  return `#${parts.join("&")}`;
}

// The stored choices that the choice, or that of other questions, is the mean of.
function keysOf(query = chosen.q) {
  const passages = chosen.a.split(",");
  const asked = query === "all" && passages.length > 1 ? dataset().languages : query.split(",");
  return asked.flatMap((q) => passages.map((a) => `${q}>${a === q ? "same" : a}`));
}

const ROW = ["model", "value", "low", "high", "best", "worst", "tier", "apart", "preference", "preferenceLow", "preferenceHigh"];
const asRow = (values) => Object.fromEntries(ROW.map((field, place) => [field, values[place]]));
const asReference = ([model, value, table, note]) => ({ model, value, table, note });
const EMPTY = { questions: null, articles: null, chance: null, rows: [], references: [] };

// What is shown of the choice, or of it with other questions.
async function viewOf(query = chosen.q) {
  const keys = keysOf(query);
  const views = await Promise.all(
    keys.map((key) => (dataset().choices.includes(key) ? loaded("views", fileOf(key)) : EMPTY)),
  );
  if (keys.length === 1) {
    const rows = views[0].rows.map((values, place) => ({ ...asRow(values), place }));
    return { ...views[0], rows, references: views[0].references.map(asReference), exact: true, columns: 1 };
  }
  return meanOf(views);
}

const fileOf = (key) => `${dataset().id}-${key.replace(">", "-")}`;

// The mean of several choices: its interval is the mean of theirs, at least as wide as the right one, and two models
// are distinguished only if even these do not meet.
function meanOf(views) {
  const mean = (numbers) => (numbers.includes(null) ? null : numbers.reduce((sum, own) => sum + own, 0) / numbers.length);
  const found = views.map((view) => new Map(view.rows.map((values) => [values[0], asRow(values)])));
  const models = [...found[0].keys()].filter((model) => found.every((rows) => rows.has(model)));
  const rows = models.map((model) => {
    const own = found.map((rows) => rows.get(model));
    const fields = ["value", "low", "high", "preference"].map((field) => [field, mean(own.map((row) => row[field]))]);
    return { model, ...Object.fromEntries(fields), preferenceLow: null, preferenceHigh: null, tier: null };
  });
  rows.sort((a, b) => b.value - a.value || a.model - b.model);
  rows.forEach((row, place) => {
    const meets = rows.findLastIndex((other, at) => at > place && (row.low === null || other.high >= row.low));
    Object.assign(row, { place, apart: Math.max(meets, place) + 1 });
  });
  return {
    questions: Math.max(...views.map((view) => view.questions)),
    articles: Math.max(...views.map((view) => view.articles)),
    chance: mean(views.map((view) => view.chance)),
    rows,
    references: [],
    exact: false,
    columns: views.length,
  };
}

// The filters that a model does not pass, in words.
function limits(model) {
  const { parameters = null, open = null } = board.models[model];
  const trained = dataset().trained[model] ?? "unknown";
  const found = [];
  if (chosen.size && !(parameters !== null && parameters <= chosen.size * 1e6)) found.push(parameters === null ? "size" : "too large");
  if (chosen.open && open !== true) found.push(open === null ? "licence" : "closed");
  if (chosen.zs && trained !== "zero-shot") found.push(trained === "unknown" ? "training data" : "trained on it");
  return found;
}
const UNDECLARED = ["size", "licence", "training data"];
const named = (model) => board.models[model].name.toLowerCase().includes(chosen.find.toLowerCase());

// The rows that pass the filters, with their ranks among these, and the models that declare too little.
function filtered(view) {
  const rows = view.rows.filter(({ model }) => !limits(model).length && named(model)).map((row) => ({ ...row }));
  const all = rows.length === view.rows.length && view.exact;
  if (rows.length) rows[0].alike = rows.filter(({ place }, below) => below > 0 && place < rows[0].apart);
  rows.forEach((row, at) => {
    row.rank = at && rows[at - 1].value === row.value ? rows[at - 1].rank : at + 1;
    if (all) return;
    const above = rows.filter((other, place) => place < at && row.place >= other.apart);
    row.best = 1 + above.length;
    row.worst = rows.length - rows.filter((other, place) => place > at && other.place >= row.apart).length;
    row.tier = 1 + Math.max(0, ...above.map(({ tier }) => tier));
  });
  const undeclared = view.rows
    .map(({ model }) => model)
    .filter((model) => named(model) && limits(model).length && limits(model).every((reason) => UNDECLARED.includes(reason)));
  const references = chosen.refs ? view.references.filter(({ model }) => named(model)) : [];
  return { ...view, all: view.rows.length, rows, undeclared, references: references.filter(({ note }) => !note), others: references.filter(({ note }) => note) };
}
