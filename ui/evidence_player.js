
// ---- playing -------------------------------------------------------------------------------

function play(start_s, end_s) {
  stopAt = end_s;
  audio.currentTime = start_s;
  audio.play().catch(() => {}); // the error event of <audio> tells the reader
}

function playOrPause() {
  stopAt = null;
  if (audio.paused) audio.play().catch(() => {});
  else audio.pause();
}

function seek(time_s) {
  stopAt = null;
  audio.currentTime = Math.min(Math.max(0, time_s), props.value.duration_s);
  readout.textContent = fill(texts.best_at,
    { time: seconds(audio.currentTime), symbols: symbolsAt(audio.currentTime) });
}

function paint() {
  if (!audio) return;
  const now = audio.currentTime;
  if (stopAt !== null && now >= stopAt && !audio.paused) {
    stopAt = null;
    audio.pause();
  }
  const { span_s } = props.value;
  cursor.style.left = share(now, span_s);
  cursor.classList.toggle("mh-moved", now > 0);
  plot.setAttribute("aria-valuenow", now.toFixed(2));
  plot.setAttribute("aria-valuetext", fill(texts.position, { now: seconds(now) })
    + (audio.paused ? `, ${symbolsAt(now)}` : "")); // nobody can listen to as many as pass
  for (const { node, start_s, end_s } of timed) {
    node.classList.toggle("mh-lit", now > 0 && now >= start_s && now < end_s);
  }
  if (!audio.paused) follow(now / span_s);
}

function follow(fraction) {
  const x = fraction * plot.offsetWidth;
  const { scrollLeft, clientWidth } = scroller;
  if (x < scrollLeft || x > scrollLeft + clientWidth) scroller.scrollLeft = x - clientWidth / 8;
}

function loop() {
  paint();
  ticking = !audio.paused;
  if (ticking) requestAnimationFrame(loop);
}

function player(value) {
  const node = el("audio", {
    controls: "", preload: "metadata", src: value.audio_url, "aria-label": texts.player,
  });
  node.addEventListener("play", () => { if (!ticking) loop(); });
  for (const event of ["seeked", "timeupdate", "pause"]) node.addEventListener(event, paint);
  node.addEventListener("error", () => {
    node.replaceWith(el("p", { class: "mh-warning", role: "alert" }, texts.unplayable));
  });
  return node;
}
