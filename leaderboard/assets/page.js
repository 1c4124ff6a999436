"use strict";

// The first page: its controls, and what is drawn when the choice changes.

const form = byId("strip");
let shownView = { ...EMPTY, rows: [] };

const option = (value, text) => make("option", { value }, text);
const possible = (q, a) => {
  const keys = a === q ? `${q}>same` : `${q}>${a}`;
  return dataset().choices.includes(keys);
};

function controls() {
  const fields = form.elements;
  const { languages, choices } = dataset();
  const sorted = [...languages].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
  const several = (value, text) => option("several", value.includes(",") ? value.split(",").map(nameOf).join(", ") : text);
  const single = choices.some((key) => languages.includes(key.split(">")[1]));
  const group = (label, ...options) => make("optgroup", { label }, ...options);
  const rules = [["pool", "a mixed pool"], ["same", "the same language"], ["other", "each other language"]].filter(([rule]) => choices.some((key) => key.endsWith(`>${rule}`)));
  fields.d.replaceChildren(...board.datasets.map(({ id, title }) => option(id, title)));
  fields.q.replaceChildren(option("all", "all languages"), group("One language", sorted.map((code) => option(code, nameOf(code)))), several(chosen.q, "several…"));
  fields.a.replaceChildren(group("A rule", rules.map(([rule, text]) => option(rule, text))), ...(single ? [group("One language", sorted.map((code) => option(code, nameOf(code)))), several(chosen.a, "several…")] : []));
  fields.d.value = chosen.d;
  fields.q.value = chosen.q.includes(",") ? "several" : chosen.q;
  fields.a.value = chosen.a.includes(",") ? "several" : chosen.a;
  for (const field of ["size", "open"]) fields[field].value = chosen[field];
  if (fields.find !== document.activeElement) fields.find.value = chosen.find;
  fields.zs.checked = Boolean(chosen.zs);
  fields.refs.checked = Boolean(chosen.refs);
  for (const field of ["q", "a"]) {
    const box = byId(`several-${field}`);
    box.hidden = !(chosen[field].includes(",") || box.dataset.open);
    if (box.hidden) continue;
    const boxes = sorted.map((code) => make("label", {}, make("input", { type: "checkbox", value: code, checked: chosen[field].split(",").includes(code) }), nameOf(code)));
    box.replaceChildren(make("legend", {}, field === "q" ? "Questions in" : "Answers in"), ...boxes);
  }
  byId("reset").hidden = addressOf({}) === "#";
  put("rest", [dataset().title, chosen.size ? `≤ ${chosen.size}M` : "any size", chosen.open ? "open licence" : "any licence", chosen.zs && "not trained on it", chosen.find].filter(Boolean).join(" · "));
}

function go(changes) {
  history["find" in changes ? "replaceState" : "pushState"](null, "", addressOf(changes) === "#" ? location.pathname + location.search : addressOf(changes));
  return changed();
}

// Sections below the table are drawn when they come into view.
const pictures = { versus: () => versus(shownView), favours: () => favours(), languages: () => languagesMap(shownView) };
const inView = new Set();
const drawn = new Map();
const drawSection = (id) => {
  if (drawn.get(id) === shownView) return;
  drawn.set(id, shownView);
  pictures[id]().catch(failed);
};
const watching = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) inView.add(target.id);
      else inView.delete(target.id);
      if (isIntersecting && shownView.loaded) drawSection(target.id);
    }
  },
  { rootMargin: "300px" },
);

const failed = (error) => put("answer", make("p", { class: "big" }, `Not shown: ${error.message}.`));

async function changed() {
  chosen = understood(location.hash.slice(1));
  controls();
  const at = addressOf({});
  const view = await viewOf();
  if (at !== addressOf({})) return;
  shownView = { ...filtered(view), loaded: true };
  const focused = document.activeElement;
  const [box, name] = [focused?.closest("table"), focused?.getAttribute("aria-label")];
  lede();
  answer(shownView);
  table(shownView);
  if (box && name && !focused.isConnected) box.querySelector(`[aria-label="${CSS.escape(name)}"]`)?.focus({ preventScroll: true });
  for (const id of inView) drawSection(id);
  document.documentElement.dataset.shown = at;
  performance.mark("shown");
}

function lede() {
  const { title, page, languages } = dataset();
  const asked = shownView.questions ? `${whole(shownView.questions)} questions` : "questions";
  put("lede", `${title} asks ${asked} in ${languages.length} languages. A model has to find the passage that has the answer. `, make("a", { href: page }, `All scores on ${title}`));
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", ({ target }) => {
  const { name, value, type, checked } = target;
  const box = target.closest(".several");
  if (box) {
    const codes = [...box.querySelectorAll(":checked")].map((own) => own.value);
    const field = box.id.slice("several-".length);
    if (codes.length) go({ [field]: codes.join(",") }).then(() => box.querySelector(`[value="${value}"]`)?.focus());
    return;
  }
  if (value === "several") {
    byId(`several-${name}`).dataset.open = "1";
    controls();
    byId(`several-${name}`).querySelector("input")?.focus();
    return;
  }
  if (name === "q" || name === "a") delete byId(`several-${name}`).dataset.open;
  const change = { [name]: type === "checkbox" ? (checked ? "1" : "") : value };
  if (name === "d") Object.assign(change, keptLanguages(value));
  go(change);
});

// Of a choice, what another dataset has too; the rest is its default.
function keptLanguages(id) {
  const { languages, default: own, choices } = board.datasets.find((other) => other.id === id);
  const [q, a] = own.split(">");
  const known = (value, words) => value.split(",").every((code) => words.includes(code) || languages.includes(code));
  const passages = ["pool", "same", "other"].filter((rule) => choices.some((key) => key.endsWith(`>${rule}`)));
  return { q: known(chosen.q, ["all"]) ? chosen.q : q, a: known(chosen.a, passages) ? chosen.a : a };
}

form.addEventListener("reset", (event) => {
  event.preventDefault();
  for (const field of ["q", "a"]) delete byId(`several-${field}`).dataset.open;
  opened.rows = opened.references = false;
  history.pushState(null, "", location.pathname + location.search);
  changed();
});
byId("rest").addEventListener("click", () => byId("rest").setAttribute("aria-expanded", form.classList.toggle("open")));
byId("pair").addEventListener("input", () => {
  const [A, B] = [...byId("pair").querySelectorAll("select")].map(({ value }) => value);
  go({ A, B });
});
byId("focus").addEventListener("input", ({ target }) => go({ f: target.value }));
for (const kind of ["csv", "json"]) byId(kind).addEventListener("click", () => download(kind));
byId("copy-link").addEventListener("click", ({ target }) => copyFrom(target, location.href));
byId("latex").addEventListener("click", ({ target }) => copyFrom(target, latexOf(records(shownView))));
byId("command").addEventListener("click", ({ target }) => copyFrom(target, commandOf(shownView)));
for (const head of document.querySelectorAll("#board th[data-sort]")) {
  const button = make("button", { type: "button" }, ...head.childNodes);
  button.addEventListener("click", () => go({ sort: head.dataset.sort }));
  head.append(button);
}
window.addEventListener("popstate", changed);
document.documentElement.classList.add("js");
for (const id of Object.keys(pictures)) watching.observe(byId(id));
changed().then(() => {
  const id = new URLSearchParams(location.hash.slice(1)).get("s");
  if (SECTIONS.includes(id)) byId(id).scrollIntoView();
}, failed);
