"use strict";

// Elements, copies of the page's templates, files of data, and numbers as text. What is written is always text.

const SVG_TAGS = new Set(["svg", "line", "circle", "text", "title"]);
const byId = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...content) {
  const element = SVG_TAGS.has(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...kept(content));
  return element;
}

const kept = (content) => content.flat(5).filter((part) => part !== null && part !== undefined && part !== false && part !== "");
const put = (id, ...content) => byId(id).replaceChildren(...kept(content));
const bold = (...content) => make("strong", {}, ...content);
const isolated = (text) => make("bdi", {}, text);

// A copy of a template and its slots by name.
function copyOf(id) {
  const element = byId(id).content.firstElementChild.cloneNode(true);
  const slots = {};
  for (const slot of element.querySelectorAll("[data-s]")) slots[slot.dataset.s] = slot;
  if (element.dataset.s) slots[element.dataset.s] = element;
  return [element, slots];
}

const minus = (text) => text.replace("-", "−");
const points = (value, decimals = 1) => (value === null ? "" : minus((100 * value).toFixed(decimals)));
const signed = (value, decimals = 1) => (value > 0 ? "+" : "") + points(value, decimals);
const percent = (share) => `${(100 * Math.max(0, Math.min(1, share))).toFixed(3)}%`;
const whole = (number) => number.toLocaleString("en-US");
const listed = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

// Parts of a sentence with commas and "and" between them.
const woven = (parts) => parts.map((part, at) => [at ? (at === parts.length - 1 ? " and " : ", ") : "", part]);

// An axis from 0 to the next round step above what is shown, with five ticks at most.
const STEPS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25];
function axisTo(top) {
  const step = STEPS.find((own) => top / own <= 5.0001) ?? 0.25;
  const end = Math.min(1, Math.ceil(top / step - 1e-9) * step);
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, number) => number * step);
  return { end, step, ticks, at: (value) => percent(value / end), label: (tick) => String(+(100 * tick).toPrecision(4)) };
}

const vertical = (kind, x) => make("line", { class: kind, x1: x, x2: x, y1: 0, y2: "100%" });
const horizontal = (kind, x1, x2) => make("line", { class: kind, x1, x2, y1: "50%", y2: "50%" });
const dot = (kind, x, r) => make("circle", { class: kind, cx: x, cy: "50%", r });
const heading = (kind, ...content) => make("th", { class: kind, role: "columnheader", scope: "col" }, ...content);

const loading = new Map();
// What a file of data sets, loaded once; a script, so that it works from disk and under a strict policy.
function loaded(kind, name) {
  const known = () => (window.xbench[kind] ?? {})[name];
  if (known()) return Promise.resolve(known());
  const path = `${kind}/${name}.js`;
  if (!loading.has(path)) {
    const script = document.createElement("script");
    script.src = path;
    loading.set(
      path,
      new Promise((done, failed) => {
        script.addEventListener("load", () => done(known()));
        script.addEventListener("error", () => failed(new Error(`${path} cannot be loaded`)));
      }),
    );
    document.head.append(script);
  }
  return loading.get(path);
}
