"use strict";

// The comparison of the models that the address names, from the same data as the tables.

const { means, subsets } = window.xbench;
const form = document.getElementById("choice");
const MEASURED = "measured";

const chosen = () =>
  (new URLSearchParams(location.search).get("models") ?? "").split(",").filter((slug) => slug in means.rows);

function element(name, content = [], attributes = {}) {
  const made = document.createElement(name);
  made.append(...[content].flat());
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function written(value, { decimals }, signed = false) {
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  const text = value.toLocaleString("en-US", { ...options, signDisplay: signed ? "exceptZero" : "auto" });
  return text.replace("-", "−");
}

// What tells a model from others of its name.
function label(slug) {
  const { model, origin, source, revision, passage_form: passages } = means.rows[slug];
  return [model, source ?? revision, origin, passages === "context" ? "with paragraph" : ""].filter(Boolean).join(" · ");
}

function show(models) {
  history.pushState(null, "", models.length ? `?models=${models.join(",")}` : location.pathname);
  apply();
}

function cell(column, figure, base, best) {
  if (!figure) return element("td", [], { class: "figure" });
  const text = written(figure[0], column);
  const made = element("td", text === best ? element("strong", text) : text, { class: "figure" });
  if (figure.length > 1) made.append(element("small", `${written(figure[1], column)}–${written(figure[2], column)}`));
  if (base) made.append(element("small", written(figure[0] - base[0], column, true), { class: "difference" }));
  return made;
}

// A line of figures, each with its difference from the first model's where the two may be compared.
function line(heading, column, figures, models) {
  const comparable = models.map((slug) => means.rows[slug].passage_form === means.rows[models[0]].passage_form);
  const known = figures.filter(Boolean).map(([value]) => value);
  const best =
    column.lower !== null && known.length > 1 && comparable.every(Boolean)
      ? written(Math[column.lower ? "min" : "max"](...known), column)
      : null;
  const cells = figures.map((figure, index) =>
    cell(column, figure, index > 0 && comparable[index] ? figures[0] : null, best),
  );
  return element("tr", [element("th", heading, { scope: "row" }), ...cells]);
}

// A line is shown if two of the models have it, so that there is something to compare.
const enough = (figures) => figures.filter(Boolean).length >= Math.min(2, figures.length);

function tableOf(caption, models, bodies) {
  const heads = models.map((slug) => {
    const { model, origin, source, revision } = means.rows[slug];
    const link = element("a", element("bdi", model), { href: `models/${slug}.html` });
    return element("th", [link, element("small", `${origin} · ${source ?? revision}`)], { scope: "col", class: "figure" });
  });
  const head = element("thead", element("tr", [element("td"), ...heads]));
  const table = element("table", [element("caption", element("span", caption)), head, ...bodies], { class: "side" });
  return element("div", table, { class: "scroll fit", role: "region", tabindex: "0", "aria-label": caption });
}

function meansTable(dataset, models) {
  const lines = means.columns.flatMap((column, number) => {
    const figures = models.map((slug) => (column.dataset === dataset ? means.rows[slug].figures[number] : null));
    return enough(figures) ? [line(column.label, column, figures, models)] : [];
  });
  return lines.length ? [tableOf(`${dataset}: means, and differences from the first`, models, [element("tbody", lines)])] : [];
}

// A model's figures of a column by query language; cross-lingual ones are means over the pairs.
function byLanguage(column, values) {
  const groups = Map.groupBy(column.subsets.keys(), (index) => column.subsets[index].split("-")[0]);
  return new Map(
    [...groups].map(([language, places]) => {
      const own = places.map((place) => values?.[place] ?? null);
      return [language, own.includes(null) ? null : [own.reduce((a, b) => a + b, 0) / own.length]];
    }),
  );
}

function languageTable(column, number, models) {
  const own = models.map((slug) => byLanguage(column, subsets.rows[slug]?.[number]));
  const lines = [...own[0].keys()].flatMap((language) => {
    const figures = own.map((of) => of.get(language));
    return enough(figures) ? [line(`${subsets.languages[language]} (${language})`, column, figures, models)] : [];
  });
  return lines.length ? [tableOf(`${column.dataset}: ${column.label} by query language`, models, [element("tbody", lines)])] : [];
}

function command(models) {
  const names = models
    .map((slug) => means.rows[slug])
    .filter(({ model, origin }) => origin === MEASURED && /^[\w.-]+\/[\w.-]+$/.test(model))
    .map(({ model, revision }) => (/^[\w.-]+$/.test(revision) ? `${model}@${revision}` : model));
  document.getElementById("tests").hidden = names.length < 2;
  document.getElementById("command").textContent = `xbench compare ${names.join(" ")}`;
}

function apply() {
  const models = chosen();
  const items = models.map((slug) => {
    const button = element("button", "Remove", { type: "button", "aria-label": `Remove ${label(slug)}` });
    button.addEventListener("click", () => show(models.filter((other) => other !== slug)));
    return element("li", [element("bdi", label(slug)), " ", button]);
  });
  document.getElementById("chosen").replaceChildren(...items);
  const forms = new Set(models.map((slug) => means.rows[slug].passage_form));
  document.getElementById("status").textContent =
    models.length < 2
      ? "Choose two models or more."
      : forms.size > 1
        ? "Passages of the one are sentences and of the other sentences with their paragraph: their scores are not compared."
        : "";
  command(models);
  const datasets = [...new Set(means.columns.map(({ dataset }) => dataset))];
  const tables = models.length
    ? datasets.map((dataset) => {
        const languages = subsets.columns.flatMap((column, number) =>
          column.dataset === dataset ? languageTable(column, number, models) : [],
        );
        return element("div", [...meansTable(dataset, models), element("div", languages)], { class: "beside" });
      })
    : [];
  document.getElementById("comparison").replaceChildren(...tables);
}

const bySearch = new Map(Object.keys(means.rows).map((slug) => [label(slug), slug]));
document.getElementById("models").append(...[...bySearch.keys()].map((text) => element("option", [], { value: text })));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const slug = bySearch.get(form.elements.model.value);
  if (!slug) {
    document.getElementById("status").textContent = "No model of that name; choose one of the list.";
    return;
  }
  form.reset();
  show([...chosen().filter((other) => other !== slug), slug]);
});
window.addEventListener("popstate", apply);
form.hidden = false;
apply();
