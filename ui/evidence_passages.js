
// ---- long recordings: a passage at a time ----------------------------------------------------

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

function passageList({ passages, passage, recording }) {
  const rows = passages.map(({ start_s, end_s, text }, index) => {
    const node = el("button", { type: "button", "aria-current": index === passage ? "true" : null,
      title: fill(texts.passage, { start: clock(start_s), end: clock(end_s) }) },
      el("time", {}, clock(start_s)), el(text ? "span" : "i", {}, text || texts.nothing));
    node.addEventListener("click", () => trigger("passage", { key: recording, index }));
    return node;
  });
  return el("div", { class: "mh-passages", role: "group", "aria-label": texts.passages }, ...rows);
}

function stopButton({ stop, progress }) {
  const node = el("button", { type: "button", class: "mh-stop" }, texts.stop);
  node.addEventListener("click", () => {
    node.disabled = true;
    trigger("halt", { key: stop });
  });
  const bar = el("progress", { max: "1", value: progress, "aria-label": texts.progress });
  return el("div", { class: "mh-stopping" }, bar, node);
}
