"use strict";

// The questions that a model fails in a pair of languages. The choice is in the address.

const { languages, settings, models } = window.xbench.failed;
const form = byId("choice");
const POOL = "pool";
const nameOf = (code) => languages[code] ?? code;

// The fields from left to right: what each may be depends on those before it.
const FIELDS = {
  model: { of: ({ entry }) => entry.slug, label: ({ entry }) => entry.model },
  dataset: { of: ({ entry }) => entry.dataset, label: ({ entry }) => entry.dataset },
  setting: { of: ({ entry }) => entry.setting, label: ({ entry }) => settings[entry.setting] },
  query: { of: ({ subset }) => subset.query, label: ({ subset }) => nameOf(subset.query) },
  passages: {
    of: ({ subset }) => (subset.passages.length > 1 ? POOL : subset.passages[0]),
    label: ({ subset }) => (subset.passages.length > 1 ? "the pool of all languages" : nameOf(subset.passages[0])),
  },
};

const subsets = models.flatMap((entry) => entry.subsets.map((subset, number) => ({ entry, subset, number })));

// What is chosen: the first of those that fit, where a field of the address fits none.
function chosen() {
  const given = new URLSearchParams(location.search);
  let left = subsets;
  for (const [field, { of }] of Object.entries(FIELDS)) {
    const options = new Map(left.map((own) => [of(own), FIELDS[field].label(own)]));
    const value = options.has(given.get(field)) ? given.get(field) : options.keys().next().value;
    form.elements[field].replaceChildren(
      ...[...options].map(([key, label]) => make("option", { value: key, selected: key === value }, label)),
    );
    left = left.filter((own) => of(own) === value);
  }
  return left[0];
}

const text = (content, language) => make("bdi", { lang: language }, content);

function shown({ query, rank, right, first }, language) {
  const place = rank === null ? "not retrieved" : `rank ${whole(rank)}`;
  const passage = ({ language: code, text: content }) => [text(content, code), " ", make("small", {}, nameOf(code))];
  return make(
    "li",
    {},
    make("p", { class: "query" }, text(query, language)),
    make(
      "dl",
      { class: "facts" },
      make("dt", {}, "Put first"),
      make("dd", {}, first === null ? "nothing was found" : passage(first)),
      make("dt", {}, `Right, ${place}`),
      make("dd", {}, passage(right)),
    ),
  );
}

async function show() {
  const own = chosen();
  form.hidden = !own;
  if (!own) return put("status", "No model has failed questions to show.");
  const { entry, subset, number } = own;
  const failures = await loaded("questions", `${entry.name}-${number}`);
  const share = `${whole(subset.failed)} of ${whole(subset.questions)} questions are failed`;
  const some = failures.length < subset.failed ? `; the ${failures.length} whose right passage ranks last:` : subset.failed ? ":" : ".";
  put("status", share + some);
  put("failures", failures.map((failure) => shown(failure, subset.query)));
}

form.addEventListener("change", () => {
  const values = Object.keys(FIELDS).map((field) => [field, form.elements[field].value]);
  history.pushState(null, "", `?${new URLSearchParams(values)}`);
  show();
});
window.addEventListener("popstate", show);
show();
