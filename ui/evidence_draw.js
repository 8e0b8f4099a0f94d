
// ---- the whole -----------------------------------------------------------------------------

function factList(facts) {
  if (!facts.length) return null;
  return el("dl", { class: "mh-facts" }, ...facts.map((fact) => el("div",
    { title: fact.hint || null }, el("dt", {}, fact.label), el("dd", {}, fact.value))));
}

function draw() {
  if (audio) audio.pause();
  [audio, stopAt, timed, zoom, chosenWord, chosenRegion] = [null, null, [], 1, null, -1];
  replayed = -1;
  const value = props.value;
  if (!value || value.state !== "ready") {
    root.replaceChildren(...(value ? [notice(value, value.state)] : []));
    if (value?.stop) root.firstChild.append(stopButton(value));
    return;
  }
  readout = el("p", { class: "mh-readout" }, texts.hint);
  audio = player(value);
  levels = unpack(value.emission);
  const compared = value.steps.length > 0 || value.lanes.length > 1;
  const heard = value.lanes[value.lanes.length - 1];
  const facts = factList(value.facts);
  const hints = hintList(value.hints);
  const parts = [
    value.passages.length ? passageList(value) : null,
    compared ? diff(value) : transcript(heard),
    value.note ? el("p", { class: "mh-note" }, value.note) : null,
    compared ? null : facts,
    compared ? null : hints,
    audio,
    zoomBar(value),
    figure(value),
    readout,
    value.delay_s === null ? null : el("p", { class: "mh-delay" },
      fill(texts.delay, { delay: seconds(value.delay_s) })),
    regionList(value),
    value.readings.length ? readingTable(value.readings) : null,
    compared ? hints : null, // why it may be wrong; what else is known comes after
    compared ? facts : null,
    value.download ? downloads(value) : null,
    !compared && heard.words.some((word) => word.start_s !== null) ? wordTable(heard) : null,
  ];
  root.replaceChildren(...parts.filter(Boolean));
  paint();
  if (value.play_s) play(...value.play_s);
}

// ---- keys of the page ----------------------------------------------------------------------

function replay() {
  const wrong = timed.filter((each) => each.op && each.op !== "equal")
    .sort((a, b) => a.start_s - b.start_s);
  if (!wrong.length) return;
  replayed = (replayed + 1) % wrong.length;
  const { start_s, end_s } = wrong[replayed];
  play(start_s, Math.max(end_s, start_s + BLINK_S));
}

document.addEventListener("mh:play", () => { if (root.offsetParent && audio) playOrPause(); });
document.addEventListener("mh:replay", () => { if (root.offsetParent && audio) replay(); });

watch("value", draw);
draw();
