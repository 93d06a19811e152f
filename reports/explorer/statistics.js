// Means over the sequences that a filter leaves: averages of evaluation's values by evaluation's weights.

const N_DRAWS = 1000;

// Weighted mean of a row of `size` values over the chosen sequences. A value that is not known spoils it, a sequence
// without weight does not count: as evaluation has it.
function computeMean(values, weights, row, chosen) {
  const size = SEQUENCES.length;
  let sum = 0, total = 0, scored = 0;
  for (const place of chosen) {
    const weight = weights[row * size + place];
    if (!(weight > 0)) continue;
    sum += weight * values[row * size + place];
    total += weight;
    scored += 1;
  }
  return { value: scored ? sum / total : NaN, scored };
}

function computeMeanCurve(curve, tracker, chosen) {
  const values = unpack(curve.values[tracker], Uint16Array), weights = unpack(curve.weights, Float32Array);
  const points = curve.x.length, sums = new Float64Array(points);
  let total = 0;
  for (const place of chosen) {
    const weight = weights[tracker * SEQUENCES.length + place];
    if (!(weight > 0)) continue;
    total += weight;
    for (let i = 0; i < points; i++) sums[i] += (weight * values[place * points + i]) / (NO_SHARE - 1);
  }
  return total > 0 ? Array.from(sums, (sum) => sum / total) : null;
}

// A small seeded generator (mulberry32): the same page gives the same intervals.
function makeRandom(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function quantile(sorted, share) {
  const place = share * (sorted.length - 1), below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

// 95 % percentile bootstrap over the sequences that the tracker is scored on; null where there is nothing to draw.
function computeInterval(values, weights, row, chosen) {
  const size = SEQUENCES.length;
  const scored = chosen.filter((place) => weights[row * size + place] > 0);
  if (scored.length < 2 || scored.some((place) => Number.isNaN(values[row * size + place]))) return null;
  const parts = scored.map((place) => weights[row * size + place] * values[row * size + place]);
  const heavy = scored.map((place) => weights[row * size + place]);
  const random = makeRandom(1), means = new Float64Array(N_DRAWS);
  for (let draw = 0; draw < N_DRAWS; draw++) {
    let sum = 0, total = 0;
    for (let i = 0; i < parts.length; i++) {
      const place = Math.floor(random() * parts.length);
      sum += parts[place];
      total += heavy[place];
    }
    means[draw] = sum / total;
  }
  means.sort();
  return [quantile(means, 0.025), quantile(means, 0.975)];
}

const summaries = new Map();

// One metric of one convention over the filtered sequences: {values, scored, intervals}, a number a tracker.
function summarize(convention, metric, intervals) {
  const key = [convention, metric.id, state.filterKey].join("|");
  if (!summaries.has(key)) summaries.set(key, computeSummary(metric));
  const summary = summaries.get(key);
  if (intervals && !summary.intervals) summary.intervals = computeIntervals(metric);
  return summary;
}

function computeSummary(metric) {
  const values = unpack(metric.values, Float32Array), weights = unpack(metric.weights, Float32Array);
  const single = state.attributes.size === 1 ? [...state.attributes][0] : null;
  const means = TRACKERS.map((_, tracker) => computeMean(values, weights, tracker, state.chosen));
  const given = !state.attributes.size ? metric.overall : single !== null ? metric.byAttribute[single] : null;
  const known = (tracker) => (given ? given[tracker] : metric.mean ? means[tracker].value : NaN);
  return { values: TRACKERS.map((_, tracker) => known(tracker) ?? NaN), scored: means.map((mean) => mean.scored) };
}

function computeIntervals(metric) {
  if (!metric.mean || metric.speed) return TRACKERS.map(() => null);
  if (!state.attributes.size) {
    return TRACKERS.map((_, i) => (isKnown(metric.low[i]) ? [metric.low[i], metric.high[i]] : null));
  }
  const values = unpack(metric.values, Float32Array), weights = unpack(metric.weights, Float32Array);
  return TRACKERS.map((_, tracker) => computeInterval(values, weights, tracker, state.chosen));
}
