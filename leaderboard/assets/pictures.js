"use strict";

// Pictures: languages lifted and pushed down, quality against preference, size and time, models by languages.

const MOST = 20;
const stepOf = (value) => Math.max(-5, Math.min(5, Math.round((value - 0.5) / 0.06)));
const modelLink = (model) => make("a", { href: `models/${board.models[model].slug}.html` }, isolated(shortName(model)));
const rowHeading = (model) => make("th", { class: "name", role: "rowheader", scope: "row" }, modelLink(model));
const codeHeading = (code, kind = "") => heading(kind, make("abbr", { title: nameOf(code) }, code));
const colours = (kind, steps, before, after) => [
  before && make("span", {}, before),
  steps.map(([step, text]) => make("i", { class: `${kind}${step}` }, text)),
  after && make("span", {}, after),
];
const fits = ({ model }) => !limits(model).length && named(model);

async function favours() {
  const own = dataset();
  const select = byId("focus").querySelector("select");
  const codes = [...own.languages].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
  select.replaceChildren(...codes.map((code) => make("option", { value: code, selected: code === chosen.f }, nameOf(code))));
  const at = addressOf({});
  const lifts = own.lifts ? await loaded("views", `${own.id}-lifts`) : { rows: [] };
  const pool = await loadedChoice(`${chosen.q.includes(",") ? "all" : chosen.q}>pool`);
  if (at !== addressOf({})) return;
  const rows = lifts.rows.map(([model, values]) => ({ model, values })).filter(fits).filter(({ values }) => values[chosen.f]);
  byId("focus").hidden = !rows.length;
  for (const picture of document.querySelectorAll("#favours .lift")) picture.hidden = !rows.length;
  liftWords(rows);
  if (rows.length) liftTable(rows);
  preferences(pool.rows.map(asRow).filter(fits).filter(({ preference }) => preference !== null));
}

const loadedChoice = (key) => (dataset().choices.includes(key) ? loaded("views", fileOf(key)) : EMPTY);

function liftWords(rows) {
  if (!rows.length) {
    put("favours-say", `This is not known of a model on ${dataset().title} that fits the choice.`);
    return;
  }
  const language = nameOf(chosen.f);
  const value = ({ values }) => values[chosen.f][0];
  const [least] = [...rows].sort((a, b) => value(a) - value(b));
  const [even] = byEvenness(rows);
  const [, low, high] = least.values[chosen.f];
  const tone = high !== null && high < 0.5 ? `so it pushes ${language} down` : low !== null && low > 0.5 ? `so it favours ${language} all the same` : "which is even-handed";
  put(
    "favours-say",
    bold(isolated(shortName(least.model))),
    ` favours ${language} least. For questions in other languages, a passage in ${language} is before its translation into a third language in ${points(value(least), 0)} of 100 cases, ${tone}. `,
    even !== least && [bold(isolated(shortName(even.model))), ` is nearest to even-handed (${points(value(even), 0)}; even is 50).`],
  );
}

const byEvenness = (rows) => [...rows].sort((a, b) => Math.abs(a.values[chosen.f][0] - 0.5) - Math.abs(b.values[chosen.f][0] - 0.5));

function liftTable(rows) {
  const others = dataset().languages.filter((code) => code !== chosen.f);
  const reach = Math.ceil(10 * Math.max(0.1, ...rows.map(({ values }) => Math.max(...values[chosen.f].map((end) => Math.abs((end ?? 0.5) - 0.5)))))) / 10;
  const x = (value) => percent((value - 0.5) / (2 * reach) + 0.5);
  const cell = ({ values }, code) => {
    if (!values[code]) return make("td", { role: "cell", "data-l": code });
    const [value, low, high] = values[code];
    const title = `${nameOf(code)}: ${points(value)}${low === null ? "" : ` (95 %: ${points(low)}–${points(high)})`}`;
    return make("td", { role: "cell", class: `d${stepOf(value)}${code === chosen.f ? " en" : ""}`, "data-l": code, title }, points(value, 0));
  };
  const drawn = ({ values }) => {
    const [value, low, high] = values[chosen.f];
    const bar = low !== null && horizontal("bar", x(low), x(high));
    const svg = make("svg", { "aria-hidden": "true" }, vertical("zero", "50%"), horizontal("track", 0, "100%"), bar, dot("dot", x(value), 4.5));
    return make("td", { class: "draw", role: "cell" }, low !== null && make("span", { class: "off" }, `${points(low, 0)} to ${points(high, 0)}`), svg);
  };
  const head = [heading("name", make("span", { class: "off" }, "Model")), codeHeading(chosen.f, "en"), heading("draw", "95 % interval"), others.map((code) => codeHeading(code))];
  const lines = byEvenness(rows).slice(0, MOST).map((row) => make("tr", { role: "row" }, rowHeading(row.model), cell(row, chosen.f), drawn(row), others.map((code) => cell(row, code))));
  put("lift", make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, head)), make("tbody", { role: "rowgroup" }, lines));
  const steps = Array.from({ length: 11 }, (_, place) => [place - 5, place % 5 ? "" : String(20 + 6 * place)]);
  put("lift-scale", colours("d", steps, "pushed down", "lifted"));
}

function preferences(rows) {
  const scope = whose(chosen.q.includes(",") ? "all" : chosen.q);
  put("scatter-cap", bold("Quality against own-language preference"), ` ${dataset().measure} from the pool of all languages against how much a model keeps to the language of the question; ${scope}.`);
  const dots = rows.map((row) => ({ ...row, x: row.preference, ends: [row.preferenceLow, row.preferenceHigh] }));
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((tick) => [tick, String(100 * tick)]);
  scatter("scatter", dots, ticks, "Own-language preference: 0 = no more than chance, 100 = always first");
}

function sizes(rows) {
  const { times = {} } = dataset();
  const machines = [...new Set(rows.map(({ model }) => times[model]?.[1] ?? "").filter(Boolean))].sort();
  put("sizes-cap", bold("Quality against size"), ` ${dataset().measure} of the view above by number of parameters.`);
  logarithmic("sizes", rows, ({ model }) => board.models[model].parameters, (parameters) => sizeOf({ parameters }), "Parameters, logarithmic", "No model of this view with parameters declares its size.");
  put("times-cap", bold("Quality against time"), ` ${dataset().measure} of the view above by the seconds that 1,000 texts took to encode, each on the machine of its run${machines.length ? ` (${machines.join(", ")})` : ""}: times of unlike machines are not in order, and no rank depends on them.`);
  logarithmic("times", rows, ({ model }) => times[model]?.[0], (seconds) => `${seconds} s`, "Seconds for 1,000 texts, logarithmic", "No model of this view has a time: none is recorded where embeddings were stored before, or there are none.");
}

// Dots by a number on a logarithmic axis, of the rows that have one.
function logarithmic(id, rows, numberOf, label, below, otherwise) {
  const known = rows.filter(numberOf);
  if (!known.length) {
    put(id, make("p", { class: "quiet" }, otherwise));
    return;
  }
  const [low, high] = [Math.min, Math.max].map((end) => Math.log10(end(...known.map(numberOf))));
  const [from, to] = [Math.floor(low - 0.1), Math.ceil(high + 0.1)];
  const x = (number) => (Math.log10(number) - from) / (to - from);
  const ticks = Array.from({ length: to - from + 1 }, (_, place) => [place / (to - from), label(Number((10 ** (from + place)).toPrecision(1)))]);
  scatter(id, known.map((row) => ({ ...row, x: x(numberOf(row)), ends: [null, null] })), ticks, below);
}

// Dots with intervals; names are written for the best, for A and B, and on hover.
function scatter(id, dots, ticks, below) {
  const HEIGHT = 260;
  if (!dots.length) {
    put(id, make("p", { class: "quiet" }, "No measured model fits this choice."));
    return;
  }
  const axis = axisTo(Math.max(0.01, ...dots.map(({ high, value }) => high ?? value)));
  const y = (value) => HEIGHT * (1 - value / axis.end);
  const line = (kind, x1, x2, y1, y2) => make("line", { class: kind, x1, x2, y1, y2 });
  const marks = dots.map(({ model, value, low, high, x, ends }) => [
    ends[0] !== null && line("bar", percent(ends[0]), percent(ends[1]), y(value), y(value)),
    low !== null && line("bar", percent(x), percent(x), y(low), y(high)),
    make("circle", { class: "dot", cx: percent(x), cy: y(value), r: 5 }, make("title", {}, `${shortName(model)}: ${points(value)}`)),
  ]);
  const pair = pairOf(shownView);
  const written = dots.length <= MOST ? dots : dots.filter(({ model, value, x }) => pair.includes(model) || !dots.some((other) => other.value > value && other.x < x));
  let last = -99;
  const names = [...written].sort((a, b) => b.value - a.value).map(({ model, value, x, ends }) => {
    last = Math.max(y(value), last + 16);
    const right = x > 0.5;
    return make("text", { class: right ? "name end" : "name", x: percent(right ? (ends[0] ?? x) - 0.025 : (ends[1] ?? x) + 0.025), y: last + 4 }, shortName(model));
  });
  const grids = [
    axis.ticks.map((tick) => [line("grid", 0, "100%", y(tick), y(tick)), make("text", { class: "ty", x: -8, y: y(tick) + 4 }, axis.label(tick))]),
    ticks.map(([place, text]) => [line(place ? "grid" : "zero", percent(place), percent(place), 0, HEIGHT), make("text", { class: "tx", x: percent(place), y: HEIGHT + 18 }, text)]),
  ];
  const described = dots.slice(0, MOST).map(({ model, value }) => `${shortName(model)}: ${points(value)}`).join("; ");
  put(id, make("svg", { height: HEIGHT, role: "img", "aria-label": described }, grids, marks, names), make("p", { class: "ax" }, below));
}

// Scores of the models by language of the questions.
async function languagesMap(view) {
  const rule = ["pool", "same", "other"].includes(chosen.a) ? chosen.a : chosen.a.includes(",") ? "pool" : chosen.a;
  const at = addressOf({});
  const all = await loadedChoice(`all>${rule}`);
  if (at !== addressOf({})) return;
  const rows = all.rows.map((values, place) => ({ ...asRow(values), by: all.by_language?.[place] ?? [] })).filter(fits).filter(({ by }) => by.some((value) => value !== null));
  const { languages } = dataset();
  sizes(view.rows);
  const where = { pool: "from the pool of all languages", same: "over passages in the same language", other: "over passages in each other language" }[rule] ?? `over ${nameOf(rule)} passages`;
  put("map-cap", bold("Models by language of the questions"), ` ${dataset().measure} × 100 ${where}.`);
  if (!rows.length) {
    put("languages-say", "No measured model fits this choice.");
    for (const id of ["map", "map-scale"]) put(id);
    return;
  }
  const gaps = rows.map((row) => ({ ...row, gap: Math.max(...row.by) - Math.min(...row.by) })).sort((a, b) => a.gap - b.gap);
  const [first] = rows;
  const [best, worst] = [Math.max, Math.min].map((end) => first.by.indexOf(end(...first.by)));
  put("languages-say", bold(isolated(shortName(first.model))), ` is best in ${nameOf(languages[best])} (${points(first.by[best])}) and worst in ${nameOf(languages[worst])} (${points(first.by[worst])})`, rows.length > 1 ? [`; the smallest gap between languages has `, isolated(shortName(gaps[0].model)), ` (${points(gaps[0].gap)} points).`] : ".");
  const cell = (value, code) => make("td", { role: "cell", "data-l": code, class: value === null ? "" : `s${Math.min(10, Math.floor(10 * value + 0.5))}` }, value === null ? "" : points(value, value < 0.0995 ? 1 : 0));
  const head = make("tr", { role: "row" }, heading("name", make("span", { class: "off" }, "Model")), languages.map((code) => codeHeading(code)));
  const lines = rows.slice(0, MOST).map((row) => make("tr", { role: "row" }, rowHeading(row.model), row.by.map((value, place) => cell(value, languages[place]))));
  put("map", make("thead", { role: "rowgroup" }, head), make("tbody", { role: "rowgroup" }, lines));
  put("map-scale", colours("s", Array.from({ length: 11 }, (_, step) => [step, String(10 * step)])));
}
