"use strict";

// The answer in words: honest about what cannot be distinguished, what is near guessing, and who declares too little.

const WEAK = 0.05;

function whose(query = chosen.q) {
  const codes = query.split(",");
  if (query === "all") return `questions in all ${dataset().languages.length} languages`;
  return codes.length < 4 ? `${listed(codes.map(nameOf))} questions` : `questions in ${codes.length} languages`;
}

function over() {
  const codes = chosen.a.split(",");
  const rules = {
    pool: chosen.q === "all" ? "over one pool of them all" : `over one pool of all ${dataset().languages.length} languages`,
    same: "over passages in the same language",
    other: "over passages in each other language",
  };
  if (rules[chosen.a]) return rules[chosen.a];
  return codes.length < 4 ? `over ${listed(codes.map(nameOf))} passages` : `over passages in ${codes.length} languages`;
}

const half = ({ low, high }) => (low === null ? "" : ` ± ${points((high - low) / 2)}`);
const source = ({ model, table }) => `${board.models[model].source ?? board.models[model].origin}${table ? `, table ${table.replace("-", "–")}` : ""}`;

function answer(view) {
  const big = view.rows.length ? sentence(view) : view.all ? nothingFits(view) : [`No model is measured on ${dataset().title} for this choice yet.`];
  put("answer", make("p", { class: "big" }, big), make("p", { class: "small" }, remarks(view)));
}

function nothingFits() {
  const filters = { size: "the size", open: "the licence", zs: "the training data", find: "the name" };
  const links = Object.entries(filters)
    .filter(([field]) => chosen[field])
    .map(([field, words]) => make("a", { href: addressOf({ [field]: "" }) }, words));
  return ["No measured model fits this choice. Drop ", woven(links).map(([between, link]) => [between.replace("and", "or"), link]), "."];
}

function sentence({ rows, all, chance }) {
  const [first, next] = rows;
  const number = rows.length;
  const scope = `${whose()} ${over()}`;
  const score = [`${dataset().measure} `, bold(points(first.value)), half(first)];
  const name = bold(isolated(shortName(first.model)));
  const some = all > number ? `Of ${all} measured models ${number === 1 ? "one fits" : `${number} fit`}` : "";
  const weak = first.value - (chance ?? 0) < WEAK;
  const said = [];
  if (weak) {
    const finds = number === 1 ? "does not find much" : `${number === 2 ? "neither" : "none"} finds much`;
    const start = some ? `${some}, and ${number === 1 ? "it " : ""}${finds}` : number === 1 ? `The one measured model ${finds}` : `None of ${all} measured models finds much`;
    said.push(`${start}. For ${scope} the best, `, name, ", reaches ", score, `; guessing gives ${points(chance)}.`);
  } else if (all === 1) {
    said.push("One model is measured, ", name, `: for ${scope} it reaches `, score, ".");
  } else {
    said.push(some ? `${some}: ` : `Of ${all} measured models, `, name, ` is ${first.alike.length ? "highest" : "ahead"} for ${scope}: `, score, ".");
  }
  if (first.alike.length) {
    const shown = first.alike.slice(0, 3).map(({ model, value }) => [isolated(shortName(model)), ` (${points(value)})`]);
    const more = first.alike.length > 3 ? [`${first.alike.length - 3} more`] : [];
    said.push(" It is not distinguished from ", woven([...shown, ...more]), ".");
  } else if (next && !weak) {
    said.push(" The next, ", isolated(shortName(next.model)), ` (${points(next.value)}), is clearly behind.`);
  }
  return said;
}

function remarks({ references, undeclared, exact, rows, all, missing }) {
  const said = [];
  const [top] = references;
  if (top) said.push("Best published, not run again here: ", isolated(board.models[top.model].name), `, ${points(top.value)} (${source(top)}).`);
  else if (chosen.refs && !chosen.find) said.push("Nothing is published for exactly this choice.");
  if (undeclared.length) {
    const reasons = UNDECLARED.filter((reason) => undeclared.some((model) => limits(model).includes(reason)));
    const models = undeclared.length > 3 ? [`${undeclared.length} models`] : undeclared.map((model) => isolated(shortName(model)));
    const several = undeclared.length > 1;
    said.push(" ", woven(models), ` ${several ? "are" : "is"} excluded because ${several ? "their" : "its"} ${listed(reasons)} ${reasons.length > 1 ? "are" : "is"} not declared.`);
  }
  if (!exact && rows.length) said.push(" For several languages at once two models count as different only if their intervals do not meet; A against B tests them exactly.");
  const measured = dataset().measured;
  if (all && all < measured) said.push(` ${measured - all} of ${measured} measured models do not have all of these languages.`);
  return said;
}
