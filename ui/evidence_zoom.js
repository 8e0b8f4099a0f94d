
// ---- zoom: one width, one scroller; all rows follow ---------------------------------------------

const ZOOM_STEP = 1.6;
const WIDEST_PX = 60000;
const MOST_PX_A_SECOND = 2500;
const WHEEL_STEP = 0.003; // of the logarithm of the zoom, a pixel of the wheel
const AROUND = 1.25; // what is zoomed to gets this much of the window's width around it
const ROUND_S = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600];
const PX_A_TICK = 56;

let zoom = 1; // times the width at which the picture is first shown
let chosenWord = null;
let chosenRegion = -1;
let zoomButtons = {};
let pinch = null; // { distance, zoom } when two fingers came down

const firstWidth = () => Math.max(scroller.clientWidth, props.value.picture.min_width_px);
const wholeZoom = () => scroller.clientWidth / firstWidth();
const mostZoom = () => Math.max(1,
  Math.min(WIDEST_PX, MOST_PX_A_SECOND * props.value.span_s) / firstWidth());

function setZoom(wanted) {
  zoom = Math.min(mostZoom(), Math.max(wholeZoom(), wanted));
  plot.style.setProperty("--zoom", zoom);
  zoomButtons.zoom_in.disabled = zoom >= mostZoom();
  zoomButtons.zoom_out.disabled = zoom <= wholeZoom();
  drawTimes();
}

// The place that stays where it is: given in pixels of the window, else the cursor, else its middle.
function zoomBy(factor, x = null) {
  const at = cursor.offsetLeft - scroller.scrollLeft;
  const seen = audio.currentTime > 0 && at >= 0 && at <= scroller.clientWidth;
  const fixed = x ?? (seen ? at : scroller.clientWidth / 2);
  const fraction = (scroller.scrollLeft + fixed) / plot.offsetWidth;
  setZoom(zoom * factor);
  scroller.scrollLeft = fraction * plot.offsetWidth - fixed;
}

function zoomWhole() {
  setZoom(0);
}

function zoomTo(start_s, end_s) {
  const { span_s } = props.value;
  const width_s = Math.max((end_s - start_s) * AROUND, props.value.frame_s);
  setZoom((wholeZoom() * span_s) / width_s);
  const middle = (start_s + end_s) / 2 / span_s;
  scroller.scrollLeft = middle * plot.offsetWidth - scroller.clientWidth / 2;
}

function chooseWord(word) {
  chosenWord = word;
  zoomButtons.zoom_word.disabled = false;
}

// A region and the sound that led to it, which this model hears `delay_s` before.
function chooseRegion(i) {
  chosenRegion = i;
  const { paths, delay_s } = props.value;
  const { start_s, end_s } = paths.regions[i];
  zoomTo(Math.max(0, start_s - 2 * (delay_s ?? 0)), end_s);
  root.querySelectorAll(".mh-part, .mh-region").forEach((node) => {
    node.classList.remove("mh-chosen");
  });
  root.querySelectorAll(".mh-part")[i].classList.add("mh-chosen");
  root.querySelectorAll(".mh-region")[i].classList.add("mh-chosen");
  readout.textContent = `${i + 1}. ${paths.regions[i].title}. ${paths.regions[i].text}`;
}

function drawTimes() {
  const { duration_s, span_s } = props.value;
  const width = plot.offsetWidth;
  const step = ROUND_S.find((s) => (s * width) / span_s >= PX_A_TICK) ?? ROUND_S.at(-1);
  const places = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  const ticks = [];
  for (let i = 0; i * step <= duration_s && width; i += 1) {
    const at = (i * step) / span_s;
    const node = el("span", {}, (i * step).toFixed(places));
    node.style.left = `${100 * at}%`;
    if ((1 - at) * width < 12) node.className = "mh-last";
    ticks.push(node);
  }
  plot.querySelector(".mh-times").replaceChildren(...ticks);
}

function zoomable(node) {
  node.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY * WHEEL_STEP),
      event.clientX - node.getBoundingClientRect().left);
  }, { passive: false });
  const fingers = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  node.addEventListener("touchstart", ({ touches }) => {
    pinch = touches.length === 2 ? { distance: fingers(touches), zoom } : null;
  }, { passive: true });
  node.addEventListener("touchmove", (event) => {
    if (!pinch || event.touches.length !== 2) return;
    event.preventDefault();
    const middle = (event.touches[0].clientX + event.touches[1].clientX) / 2;
    const wanted = (pinch.zoom * fingers(event.touches)) / pinch.distance;
    zoomBy(wanted / zoom, middle - node.getBoundingClientRect().left);
  }, { passive: false });
  new ResizeObserver(() => {
    if (node === scroller && node.clientWidth) setZoom(zoom);
  }).observe(node);
  return node;
}

function zoomBar({ paths }) {
  const button = (name, sign, act) => {
    const node = el("button", { type: "button", title: texts[`${name}_hint`] ?? texts[name] }, sign);
    if (sign !== texts[name]) node.setAttribute("aria-label", texts[name]);
    node.addEventListener("click", act);
    zoomButtons[name] = node;
    return node;
  };
  zoomButtons = {};
  const bar = el("div", { class: "mh-zoom", role: "group", "aria-label": texts.zoom },
    el("span", { "aria-hidden": "true" }, texts.zoom),
    button("zoom_out", "−", () => zoomBy(1 / ZOOM_STEP)),
    button("zoom_in", "+", () => zoomBy(ZOOM_STEP)),
    button("zoom_whole", texts.zoom_whole, zoomWhole),
    button("zoom_word", texts.zoom_word, () => zoomTo(chosenWord.start_s, chosenWord.end_s)),
    paths.regions.length ? button("zoom_region", texts.zoom_region,
      () => chooseRegion((chosenRegion + 1) % paths.regions.length)) : null);
  zoomButtons.zoom_word.disabled = true;
  return bar;
}
