"use strict";

// A against B: t over articles, corrected by Holm over the languages shown, as `xbench compare A B` has it.

const SETTING_OF = { pool: "pool", same: "same", other: "other" };

// A model's columns: mean, number of questions, and what each article adds, nan where it has no question.
async function columnsOf(model) {
  const settings = [...new Set(chosen.a.split(",").flatMap((a) => (SETTING_OF[a] ? [a] : ["other", "same"])))];
  const files = await Promise.all(settings.map((setting) => loaded("sums", `${board.models[model].slug}-${chosen.d}-${setting}`)));
  const found = new Map();
  for (const { pairs, means, numbers, articles, sums } of files) {
    const bytes = Uint8Array.from(atob(sums), (letter) => letter.charCodeAt(0));
    const data = new DataView(bytes.buffer);
    pairs.forEach((pair, column) => {
      const own = Float64Array.from({ length: articles }, (_, at) => data.getFloat32(4 * (column * articles + at), true));
      found.set(pair, { mean: means[column], number: numbers[column], added: own });
    });
  }
  return found;
}

// The columns that a choice with some questions is the mean of.
function pairsOf(queries) {
  const { languages } = dataset();
  return queries.flatMap((q) => {
    if (chosen.a === "pool") return [`${q}>pool`];
    if (chosen.a === "same") return [`${q}>${q}`];
    const passages = chosen.a === "other" ? languages.filter((code) => code !== q) : chosen.a.split(",");
    return passages.map((passage) => `${q}>${passage}`);
  });
}

// Difference, its interval and its p value over some columns; null where the two did not answer the same questions.
function differenceOf(first, second, pairs) {
  const [a, b] = [first, second].map((columns) => pairs.map((pair) => columns.get(pair)));
  if ([...a, ...b].includes(undefined)) return null;
  const articles = a[0].added.length;
  if (a.some((own, at) => own.number !== b[at].number || own.added.length !== b[at].added.length)) return null;
  const mean = (columns) => columns.reduce((sum, own) => sum + own.mean, 0) / columns.length;
  const added = [];
  for (let article = 0; article < articles; article++) {
    let sum = 0;
    let present = false;
    for (let column = 0; column < a.length; column++) {
      const own = a[column].added[article] - b[column].added[article];
      if (Number.isNaN(own)) continue;
      present = true;
      sum += own / a[column].number;
    }
    if (present) added.push(sum);
  }
  const number = added.length;
  const value = mean(a) - mean(b);
  const centre = added.reduce((sum, own) => sum + own, 0) / number;
  const variance = added.reduce((sum, own) => sum + (own - centre) ** 2, 0) / (number - 1);
  const error = (Math.sqrt(variance / number) * number) / a.length;
  const scores = { a: mean(a), b: mean(b), value };
  if (!(error > 0)) return { ...scores, low: value, high: value, p: Number(value === 0) };
  const reach = quantile(number - 1) * error;
  return { ...scores, low: value - reach, high: value + reach, p: twoSided(value / error, number - 1) };
}

// The two models: those that the address names, else the first two of the table.
function pairOf({ rows }) {
  const known = dataset().sums;
  const slugs = new Map(known.map((model) => [board.models[model].slug, model]));
  const candidates = [...rows.map(({ model }) => model).filter((model) => known.includes(model)), ...known];
  const a = slugs.get(chosen.A) ?? candidates[0];
  const b = slugs.get(chosen.B) !== a ? (slugs.get(chosen.B) ?? candidates.find((model) => model !== a)) : candidates.find((model) => model !== a);
  return [a, b];
}

function compareModel(model, on) {
  const [a, b] = pairOf(shownView).map((own) => board.models[own]?.slug ?? "");
  const { slug } = board.models[model];
  go(on && ![a, b].includes(slug) ? { A: a, B: slug } : { A: a, B: b });
}

async function versus(view) {
  const [a, b] = pairOf(view);
  const options = (own) => dataset().sums.map((model) => make("option", { value: board.models[model].slug, selected: model === own }, board.models[model].name));
  for (const [field, own] of [["A", a], ["B", b]]) byId("pair").querySelector(`[name=${field}]`).replaceChildren(...options(own));
  byId("duel").hidden = b === undefined;
  byId("pair").hidden = b === undefined;
  if (b === undefined) {
    put("versus-say", `Two measured models with their per-question files are needed; ${dataset().title} has ${dataset().sums.length}.`);
    put("duel-note");
    return;
  }
  const at = addressOf({});
  const [first, second] = await Promise.all([columnsOf(a), columnsOf(b)]);
  if (at !== addressOf({})) return;
  const asked = chosen.q === "all" ? dataset().languages : chosen.q.split(",");
  const total = differenceOf(first, second, pairsOf(asked));
  const rows = dataset().languages.map((language) => ({ language, ...differenceOf(first, second, pairsOf([language])) })).filter(({ value }) => value !== undefined);
  const corrected = holm(rows.map(({ p }) => p));
  rows.forEach((row, place) => Object.assign(row, { p: corrected[place], apart: corrected[place] <= 0.05 }));
  rows.sort((x, y) => y.value - x.value);
  const one = asked.length === 1 && rows.find(({ language }) => language === asked[0]);
  verdict(a, b, one || (total && { ...total, apart: total.p <= 0.05 }), rows);
  duels(a, b, rows, asked);
}

const chance = (p) => (p < 0.001 ? "p < .001" : `p = ${p.toFixed(3).replace(/^0/, "")}`);

function verdict(a, b, total, rows) {
  const [nameA, nameB] = [a, b].map((model) => isolated(shortName(model)));
  if (!total) {
    put("versus-say", nameA, " and ", nameB, " did not answer the same questions, so they are not compared.");
    return;
  }
  const { value, low, high, p, apart } = total;
  const scope = `For ${whose()} ${over()}, `;
  const [better, worse] = value >= 0 ? [nameA, nameB] : [nameB, nameA];
  const ends = value >= 0 ? [low, high] : [-high, -low];
  const interval = `95 %: ${points(ends[0])} to ${points(ends[1])}; ${chance(p)}`;
  const said = apart
    ? [scope, bold(better), " is better than ", worse, " by ", bold(points(Math.abs(value))), ` points (${interval}).`]
    : [scope, better, " and ", worse, ` are not distinguished: the first is ${points(Math.abs(value))} points higher, but 0 is within reach (${interval}).`];
  const wins = (sign) => rows.filter((row) => row.apart && sign * row.value > 0).length;
  const parts = [[wins(1), `${shortName(a)} is better in`], [wins(-1), `${shortName(b)} is better in`], [rows.length - wins(1) - wins(-1), "they are not distinguished in"]].filter(([number]) => number);
  put("versus-say", said, " By language of the question ", listed(parts.map(([number, words], at) => `${words} ${at ? number : `${number} of ${rows.length}`}`)), ".");
}

function duels(a, b, rows, asked) {
  const [nameA, nameB] = [shortName(a), shortName(b)];
  put("name-a", isolated(nameA));
  put("name-b", isolated(nameB));
  put("left", "← ", isolated(nameB), " better");
  put("right", isolated(nameA), " better →");
  const { end } = axisTo(Math.max(0.01, ...rows.map(({ low, high }) => Math.max(Math.abs(low), Math.abs(high)))));
  const at = (value) => percent(0.5 + (0.5 * value) / end);
  const ticks = [-end, -end / 2, 0, end / 2, end];
  put("duel-axis", ticks.map((tick) => make("text", { x: at(tick), y: "90%", class: Math.abs(tick) === end / 2 && "minor" }, signed(tick).replace(".0", ""))));
  put("duels", rows.map((row) => {
    const [element, slots] = copyOf("t-duel");
    element.classList.toggle("now", chosen.q !== "all" && asked.includes(row.language));
    slots.language.textContent = nameOf(row.language);
    slots.language.href = addressOf({ q: row.language });
    const texts = { a: points(row.a), b: points(row.b), difference: signed(row.value), ends: `${signed(row.low)} to ${signed(row.high)}`, p: chance(row.p).replace("p = ", "").replace("p ", "") };
    for (const [slot, text] of Object.entries(texts)) slots[slot].textContent = text;
    Object.assign(element.dataset, { language: row.language, value: row.value, low: row.low, high: row.high, p: row.p });
    const kind = row.apart ? "" : " no";
    slots.plot.append(...kept([ticks.map((tick) => vertical(tick ? "grid" : "zero", at(tick))), horizontal(`bar${kind}`, at(row.low), at(row.high)), dot(`dot${kind}`, at(row.value), 4.5)]));
    slots.verdict.append(row.apart ? isolated(row.value > 0 ? nameA : nameB) : make("span", { class: "quiet" }, "not distinguished"));
    return element;
  }));
  const names = [a, b].map((model) => board.models[model].name).join(" ");
  const slugs = [a, b].map((model) => board.models[model].slug).join(",");
  const compare = make("a", { href: `compare.html?models=${slugs}` }, "All measures side by side");
  put("duel-note", `Points of ${dataset().measure} on the same questions: t tests over articles, corrected for the languages shown (Holm). Hollow: not distinguished. `, make("code", {}, `xbench compare ${names}`), " makes the same tests by language, corrects that of the mean for the tasks that it compares, and takes three and more models at once. ", compare);
}
