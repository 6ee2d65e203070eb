// What is embedded in the page: predictions of everyone as bytes, and what people really said.

const NOT_KNOWN = 254;
const SUPPRESSED = 255;
const NOBODY = 65535;

const COMPARE = {
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  "=": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

const [itemCount, people, width] = arrays.answers.shape;
const kind = page.scale.kind;
const TYPED = itemCount; // the number of the text somebody typed, behind the items of the page
let typedAnswers = null; // its answers, uint8 [annotator, level]

// Quantised answers of everyone to one item, uint8 [annotator, level].
function answersTo(item) {
  return item === TYPED ? typedAnswers : arrays.answers.subarray(item * people * width, (item + 1) * people * width);
}

// What person `who` would say about an item: a distribution over levels, probabilities of levels, or [rating].
function answerOf(item, who) {
  const bytes = answersTo(item).subarray(who * width, (who + 1) * width);
  const shares = Array.from(bytes, (byte) => byte / 255);
  if (kind === "rating") return shares.map((share) => page.scale.low + share * (page.scale.high - page.scale.low));
  const total = kind === "multiple" ? 1 : shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share) => share / total);
}

// Probability that each person votes for the event, Float64Array [annotator].
function votesOn(item, event, hard) {
  const votes = new Float64Array(people);
  for (let who = 0; who < people; who++) votes[who] = voteOf(answerOf(item, who), event, hard);
  return votes;
}

function voteOf(answer, event, hard) {
  if (kind === "rating") return Number(COMPARE[event.comparison](answer[0], event.threshold));
  if (hard && kind === "categorical") return Number(event.levels[answer.indexOf(Math.max(...answer))]);
  const chance = Math.min(1, answer.reduce((sum, share, level) => sum + (event.levels[level] ? share : 0), 0));
  return hard ? Number(chance > 0.5) : chance;
}

// Annotations of the items, read from the arrays once: {item, by, label}; `by` is null for people not on the page.
const saidWidth = arrays.said.shape[1] ?? 1;
const annotations = Array.from(arrays.said_item, (item, row) => ({
  item,
  by: arrays.said_by[row] === NOBODY ? null : arrays.said_by[row],
  label: kind === "multiple"
    ? Array.from(arrays.said.subarray(row * saidWidth, (row + 1) * saidWidth))
    : arrays.said[row],
}));
const annotationsOf = Array.from({ length: itemCount + 1 }, () => []);
const annotationsBy = Array.from({ length: people }, () => []);
for (const one of annotations) {
  annotationsOf[one.item].push(one);
  if (one.by !== null) annotationsBy[one.by].push(one);
}

function happened(label, event) {
  if (kind === "rating") return COMPARE[event.comparison](label, event.threshold);
  return kind === "multiple" ? label.some((held, level) => held && event.levels[level]) : event.levels[label];
}

function labelText(label) {
  if (kind === "rating") return decimal(label);
  if (kind === "categorical") return page.scale.levels[label];
  return page.scale.levels.filter((_, level) => label[level]).join(", ") || "none";
}

// What the people who labelled an item said: {positive, negative, majority}; majority 1, −1, 0 (tie) or null (nobody).
function peopleSaid(item, event) {
  const positive = annotationsOf[item].filter((one) => happened(one.label, event)).length;
  const negative = annotationsOf[item].length - positive;
  return { positive, negative, majority: positive + negative ? Math.sign(positive - negative) : null };
}

function textOf(item) {
  return item === TYPED ? typedText : page.items[item];
}
let typedText = null; // {text, pair}
