"use strict";

// Student's t distribution: tail and quantile, by the continued fraction of the incomplete beta function.

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

function logGamma(x) {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const own = x - 1;
  const sum = LANCZOS.reduce((total, factor, place) => total + factor / (own + place + 1), 0.99999999999980993);
  const t = own + LANCZOS.length - 0.5;
  return 0.5 * Math.log(2 * Math.PI) + (own + 0.5) * Math.log(t) - t + Math.log(sum);
}

// The regularised incomplete beta function (Lentz's method).
function incompleteBeta(x, a, b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x)) / a;
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || tiny);
  let fraction = d;
  for (let m = 1; m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let change = 1;
    for (const term of [even, odd]) {
      d = 1 / (1 + term * d || tiny);
      c = 1 + term / c || tiny;
      change = c * d;
      fraction *= change;
    }
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return front * fraction;
}

// Chance of a t statistic as far from 0 as this one, in either direction.
const twoSided = (t, degrees) => incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5);

const quantiles = new Map();
// The t that is exceeded, in either direction, with the chance of 5 %.
function quantile(degrees) {
  if (!quantiles.has(degrees)) {
    let [low, high] = [0, 1e3];
    for (let step = 0; step < 80; step++) {
      const middle = (low + high) / 2;
      if (twoSided(middle, degrees) > 0.05) low = middle;
      else high = middle;
    }
    quantiles.set(degrees, (low + high) / 2);
  }
  return quantiles.get(degrees);
}

// Holm's correction of p values for their number.
function holm(values) {
  const order = [...values.keys()].sort((a, b) => values[a] - values[b]);
  const corrected = Array(values.length);
  let largest = 0;
  order.forEach((place, rank) => {
    largest = Math.max(largest, Math.min(1, values[place] * (values.length - rank)));
    corrected[place] = largest;
  });
  return corrected;
}
