// Words play their part of the recording; the picture shows where the player is.
"use strict";
const AROUND_S = 0.12; // before and after a word, so that it is heard in its place
let until = Infinity;

function play(audio, startS, endS) {
  for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
  const begin = () => {
    until = Infinity; // while the player seeks it still says the old time
    audio.currentTime = startS;
    audio.addEventListener("seeked", () => { until = endS; }, { once: true });
    audio.play();
  };
  if (audio.readyState) begin();
  else {
    audio.addEventListener("loadedmetadata", begin, { once: true });
    audio.load();
  }
}

function follow(audio) {
  const screen = audio.closest("article").querySelector(".screen");
  const now = screen && screen.querySelector(".now");
  if (now) {
    now.hidden = false;
    now.style.left = `${100 * audio.currentTime / screen.dataset.length}%`;
  }
  if (audio.currentTime >= until) {
    until = Infinity;
    audio.pause();
  }
  if (!audio.paused) requestAnimationFrame(() => follow(audio));
}

document.addEventListener("click", (event) => {
  const word = event.target.closest("[data-start]");
  const screen = event.target.closest(".screen");
  const article = event.target.closest("article");
  const audio = article && article.querySelector("audio");
  if (!audio) return;
  if (word) {
    const { start, end } = word.dataset;
    play(audio, Math.max(0, start - AROUND_S), Number(end) + AROUND_S);
  } else if (screen) {
    const box = screen.getBoundingClientRect();
    play(audio, (event.clientX - box.left) / box.width * screen.dataset.length, Infinity);
  }
});

for (const audio of document.querySelectorAll("audio")) {
  audio.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
    follow(audio);
  });
  audio.addEventListener("seeked", () => follow(audio));
  audio.addEventListener("pause", () => { until = Infinity; });
}
