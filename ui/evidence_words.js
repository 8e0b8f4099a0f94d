
// ---- words ---------------------------------------------------------------------------------

function say(word, side) {
  const times = { start: seconds(word.start_s), end: seconds(word.end_s) };
  const sure = word.confidence === null ? "" : percent(word.confidence);
  const pattern = side === "heard" ? texts.heard_word : texts.reference_word;
  return fill(pattern, { word: word.text, sure, ...times });
}

function wordButton(word, side, className) {
  const placed = word.start_s !== null;
  const node = el("button", { type: "button", class: `${className} mh-${word.op}` }, word.text);
  if (!placed) {
    node.setAttribute("aria-disabled", "true");
    explain(node, fill(texts.no_place, { word: word.text }));
    return node;
  }
  const label = say(word, side);
  node.setAttribute("aria-label", label);
  explain(node, label);
  timed.push({ node, ...word });
  node.addEventListener("click", () => {
    play(word.start_s, Math.max(word.end_s, word.start_s + BLINK_S));
    chooseWord(word);
  });
  return node;
}

function walkWithArrows(container) {
  container.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const buttons = [...container.querySelectorAll("button")];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    if (next) next.focus();
    event.preventDefault();
  });
  return container;
}

function transcript(lane) {
  if (!lane.words.length) return notice({ title: texts.nothing, text: texts.nothing_why }, "empty");
  const words = lane.words.map((word) => wordButton(word, "heard", "mh-big"));
  const size = words.length > MANY_WORDS ? "mh-transcript mh-long" : "mh-transcript";
  return walkWithArrows(el("div", { class: size, role: "group",
    "aria-label": texts.transcript }, ...words));
}

function diff(value) {
  const [reference, heard] = value.lanes;
  const columns = value.steps.map((step) => {
    const said = step.reference === null ? null : reference.words[step.reference];
    const got = step.heard === null ? null : heard.words[step.heard];
    const gap = () => el("span", { class: "mh-gap", "aria-label": texts.no_word }, "–");
    const sign = el("span", { class: "mh-sign" }, SIGNS[step.op]);
    const name = step.op === "equal" ? null : el("span", { class: "mh-op" }, texts.ops[step.op]);
    return el("div", { class: `mh-column mh-${step.op}`, role: "listitem" },
      said ? wordButton(said, "reference", "mh-said") : gap(),
      el("span", { class: "mh-change" }, sign, name),
      got ? wordButton(got, "heard", "mh-got") : gap());
  });
  const names = el("div", { class: "mh-column mh-names", "aria-hidden": "true" },
    el("span", {}, texts.sides.reference), el("span", {}), el("span", {}, texts.sides.heard));
  const list = el("div", { class: "mh-columns", role: "list", "aria-label": texts.diff },
    ...columns);
  return el("div", { class: "mh-diff" }, names, walkWithArrows(list));
}

function wordTable(lane) {
  const heads = texts.columns.map((name) => el("th", { scope: "col" }, name));
  const rows = lane.words.map((word) => {
    const bar = el("span", { class: "mh-bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", word.confidence);
    const row = el("tr", {},
      el("th", { scope: "row" }, word.text),
      el("td", {}, `${seconds(word.start_s)} ${texts.seconds}`),
      el("td", {}, `${seconds(word.end_s)} ${texts.seconds}`),
      el("td", {}, bar, `${percent(word.confidence)} %`));
    row.addEventListener("click", () => { play(word.start_s, word.end_s); chooseWord(word); });
    timed.push({ node: row, ...word });
    return row;
  });
  return el("div", { class: "mh-words" }, el("table", {},
    el("caption", {}, texts.table), el("thead", {}, el("tr", {}, ...heads)),
    el("tbody", {}, ...rows)));
}

function readingTable(readings) {
  const heads = texts.reading_columns.map(([name, hint]) => el("th", { scope: "col" },
    el("span", { class: "mh-term", title: hint }, name)));
  const rows = readings.map((reading) => el("tr", {},
    el("th", { scope: "row" }, ...reading.words.flatMap(([op, word]) => [
      el("span", { class: `mh-${op}` }, `${SIGNS[op]}${SIGNS[op] && " "}${word}`), " "])),
    el("td", {}, `${percent(reading.share)} %`),
    el("td", {}, nats(reading.score)), el("td", {}, nats(reading.log_prob))));
  return el("div", { class: "mh-words mh-readings" }, el("table", {},
    el("caption", { title: texts.readings_hint }, texts.readings),
    el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)));
}
