// Calls the API again and again, and shows what came of it. Without this script the page has a link that does it once.
"use strict";

const board = document.getElementById("board");
const said = document.getElementById("said");
const again = document.getElementById("again");
const pause = document.getElementById("pause");
let paused = false;

// show takes a new board. While it has the shape of the old one only its figures change, so that nobody loses what they
// are about to press.
function show(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.getElementById("calls");
  const old = document.getElementById("calls");
  if (fresh.dataset.shape !== old.dataset.shape) {
    old.replaceWith(fresh);
    said.textContent = fresh.dataset.said;
    return;
  }
  for (const figure of fresh.querySelectorAll("[data-figure]")) {
    const at = old.querySelector(`[data-figure="${figure.dataset.figure}"]`);
    if (at.textContent !== figure.textContent) at.textContent = figure.textContent;
  }
}

async function call() {
  if (!paused && !document.hidden) {
    try {
      const answer = await fetch(board.dataset.calls, {method: "POST"});
      if (answer.redirected) return location.replace(answer.url); // nobody is signed in here any more
      if (answer.ok) show(await answer.text());
    } catch {
      // The demo was stopped, or restarts: the next call tells.
    }
  }
  setTimeout(call, 200);
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Go on calling" : "Pause";
});
again.hidden = true;
pause.hidden = false;
call();
