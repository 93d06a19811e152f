// What the reader has chosen; everything on the page follows from it.

const state = {
  convention: 0,
  attributes: new Set(),
  mode: "any",
  chosen: SEQUENCES.map((_, place) => place),
  filterKey: "",
  shown: new Set(TRACKERS.map((_, tracker) => tracker)),
  focus: null,
  view: "overview",
  sequence: 0,
  rankingSort: null,
  sequenceSort: { key: "name", falling: false },
  sequenceMetric: null,
  printing: false,
};

const convention = () => DATA.conventions[state.convention];
const findMetric = (id) => convention().metrics.find((metric) => metric.id === id);
const rankingMetric = () => findMetric(convention().rankedBy) ?? convention().metrics[0];

function applyFilter() {
  const wanted = [...state.attributes].sort((a, b) => a - b);
  const has = (sequence) =>
    !wanted.length || wanted[state.mode === "all" ? "every" : "some"]((one) => sequence.attributes.includes(one));
  state.chosen = SEQUENCES.map((_, place) => place).filter((place) => has(SEQUENCES[place]));
  // With one attribute, any and all are the same.
  state.filterKey = wanted.join(",") + (wanted.length > 1 ? state.mode : "");
}

function describeFilter() {
  if (!state.attributes.size) return "";
  const names = [...state.attributes].map((place) => DATA.attributes[place].name);
  return names.length === 1 ? names[0] : `${state.mode} of: ${names.join(", ")}`;
}

function describeState() {
  const all = SEQUENCES.length, left = state.chosen.length;
  const which = state.attributes.size ? `${count(left)} of ${count(all, "sequence")} (${describeFilter()})` : `all ${count(all, "sequence")}`;
  return `Convention ${convention().name}, ${which}.`;
}
