
// ---- picture -------------------------------------------------------------------------------

function laneOf(lane) {
  const row = el("div", { class: `mh-lane mh-lane-${lane.side}` });
  for (const word of lane.words.filter((w) => w.start_s !== null)) {
    const node = wordButton(word, lane.side, "mh-span");
    node.tabIndex = -1; // the same word stands above, where the keyboard reaches it
    node.replaceChildren(`${SIGNS[word.op]}${SIGNS[word.op] && " "}${word.text}`);
    row.append(place(node, word.start_s, word.end_s));
  }
  return row;
}

function steer(node) {
  node.addEventListener("click", (event) => {
    if (event.target.closest("button")) return;
    const box = node.getBoundingClientRect();
    seek((props.value.span_s * (event.clientX - box.left)) / box.width);
  });
  node.addEventListener("keydown", (event) => {
    if (event.target !== node || event.ctrlKey || event.metaKey || event.altKey) return;
    const now = audio.currentTime;
    const act = {
      " ": playOrPause,
      ArrowRight: () => seek(now + ARROW_STEP_S),
      ArrowLeft: () => seek(now - ARROW_STEP_S),
      Home: () => seek(0),
      End: () => seek(props.value.duration_s),
      "+": () => zoomBy(ZOOM_STEP),
      "=": () => zoomBy(ZOOM_STEP),
      "-": () => zoomBy(1 / ZOOM_STEP),
      0: zoomWhole,
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  return node;
}

function figure(value) {
  const { picture, duration_s, span_s, lanes, paths } = value;
  const image = el("img", { src: picture.src, alt: texts.picture, draggable: "false" });
  image.style.width = `${(100 * picture.width_s) / span_s}%`;
  cursor = el("div", { class: "mh-cursor" });
  plot = steer(el("div", { class: "mh-plot", role: "slider", tabindex: "0",
    "aria-label": texts.slider, "aria-valuemin": "0", "aria-valuemax": duration_s.toFixed(2) }));
  plot.style.setProperty("--least", `${picture.min_width_px}px`);
  const above = lanes.length > 1 ? [laneOf(lanes[0])] : [];
  plot.append(...above, el("div", { class: "mh-screen" }, image),
    laneOf(lanes[lanes.length - 1]), beliefs(value), ...paths.rows.map(pathRow),
    ...(paths.regions.length ? [regionStrip(value), ...regionMarks(value)] : []),
    el("div", { class: "mh-times", "aria-hidden": "true" }), cursor);
  scroller = zoomable(el("div", { class: "mh-scroller" }, plot));
  return el("div", { class: "mh-figure" }, gutter(value), scroller);
}

function gutter(value) {
  const { picture, lanes } = value;
  const hertz = picture.frequencies.map((tick) => {
    const node = el("span", {}, tick.label);
    node.style.bottom = `${100 * tick.at}%`;
    return node;
  });
  const side = (lane) => el("span", { class: "mh-side", title: texts.side_hints[lane.side] },
    texts.sides[lane.side]);
  return el("div", { class: "mh-gutter" },
    lanes.length > 1 ? side(lanes[0]) : null,
    el("div", { class: "mh-hertz", "aria-hidden": "true" }, ...hertz,
      el("em", {}, texts.hertz)),
    side(lanes[lanes.length - 1]),
    ...rowNames(value),
    el("em", { class: "mh-unit", "aria-hidden": "true" }, texts.seconds));
}
