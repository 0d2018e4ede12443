// The course of a session: welcome, training, pairs with breaks, thanks. `SESSION` is session.js.
"use strict";

const GRADES = [
  [5, "imperceptible"],
  [4, "perceptible, but not annoying"],
  [3, "slightly annoying"],
  [2, "annoying"],
  [1, "very annoying"],
];

const element = (id) => document.getElementById(id);
const player = new Player(element("stage"), SESSION);

/** Shows one screen and hides the others. */
function showScreen(name) {
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = section.id !== (name === "play" ? "stage" : name);
  }
  document.body.dataset.screen = name;
}

function showProgress(text, done, all) {
  element("progress-text").textContent = text;
  element("progress").max = all;
  element("progress").value = done;
}

/** A page of text; resolves when the subject goes on. */
function say(title, text, button) {
  element("message-title").textContent = title;
  element("message-text").textContent = text;
  element("go-on").hidden = !button;
  element("go-on").textContent = button ? `${button} (Enter)` : "";
  showScreen("message");
  (button ? element("go-on") : element("message-title")).focus();
  return new Promise((resolve) => { element("go-on").onclick = resolve; });
}

/** The grade that the subject chooses and confirms. */
function askGrade() {
  const ballot = element("ballot");
  ballot.reset();
  element("confirm").disabled = true;
  showScreen("vote");
  element("choices").querySelector("input").focus({ focusVisible: false });
  return new Promise((resolve) => {
    ballot.onchange = () => { element("confirm").disabled = false; };
    ballot.onsubmit = (event) => {
      event.preventDefault();
      const grade = new FormData(ballot).get("grade");
      if (grade) resolve(Number(grade));
    };
  });
}

async function rate(pair) {
  showScreen("play");
  await player.show(pair);
  return askGrade();
}

async function train() {
  const pairs = SESSION.training;
  await say("Training", `${pairs.length} pairs show what to expect, from slight to strong changes. ` +
    "Their ratings do not count.", "Begin");
  for (const [done, pair] of pairs.entries()) {
    showProgress(`Training ${done + 1} of ${pairs.length}`, done, pairs.length);
    await rate(pair);
  }
  await say("Ready?", "From now on your ratings count.", "Start the test");
}

async function run(subject) {
  const ratings = new Ratings(SESSION.id, subject);
  const order = orderOf(SESSION.pairs, SESSION.seed, subject);
  const all = order.length;
  if (ratings.count && ratings.count < all) {
    await say("Welcome back", `${ratings.count} of ${all} pairs are rated.`, "Go on");
  }
  if (!ratings.data.trained && SESSION.training.length) await train();
  ratings.finishTraining();
  if (!ratings.kept) {
    await say("Please note", "This browser keeps nothing (a private window?). If the page is closed " +
      "before the end, the ratings are lost.", "Go on");
  }
  for (const pair of order.filter(({ stimulus }) => !ratings.has(stimulus))) {
    showProgress(`Pair ${ratings.count + 1} of ${all}`, ratings.count, all);
    ratings.add(pair.stimulus, await rate(pair));
    if (ratings.count % SESSION.breakEvery === 0 && ratings.count < all) {
      showProgress(`${ratings.count} of ${all} pairs rated`, ratings.count, all);
      await say("Time for a break", "Look into the distance, stretch, and go on when you are rested.",
        "Go on");
    }
  }
  showProgress(`${all} of ${all} pairs rated`, all, all);
  finish(ratings);
}

/** Saves the ratings and thanks. */
function finish(ratings) {
  const link = element("download");
  link.href = URL.createObjectURL(new Blob([ratings.csv()], { type: "text/csv" }));
  link.download = ratings.fileName;
  element("message-file").hidden = false;
  const share = player.frames ? player.dropped / player.frames : 0;
  const stutter = share > 0.01
    ? ` This computer did not show ${(100 * share).toFixed(0)} % of the frames: please say so.` : "";
  say("Thank you!", `Your ratings were saved to the downloads as ${ratings.fileName}. ` +
    `Please hand this file in.${stutter}`, "");
  if (document.fullscreenElement) document.exitFullscreen();
  link.click();
}

function fail(error) {
  say("Something went wrong", `${error.message}. Please tell the person who runs the test; ` +
    "ratings given so far are kept.", "");
}

/** What would spoil the test on this computer, or nothing. */
function complaint() {
  const { width, height } = SESSION;
  if (!document.createElement("video").canPlayType('video/mp4; codecs="avc1.640028"')) {
    return "This browser does not play H.264. Please use Chrome, Edge, Firefox or Safari.";
  }
  if (screen.width * devicePixelRatio < width || screen.height * devicePixelRatio < height) {
    return `The clips are ${width} x ${height} pixels, more than this screen has: they would be shrunk.`;
  }
  return "";
}

function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen().catch(() => {}); // refused: rate in the window
}

function welcome() {
  const seconds = SESSION.pairs.concat(SESSION.training).reduce(
    (sum, pair) => sum + 2 * (pair.seconds + SESSION.pauseSeconds) + 4, 0);
  element("pair-count").textContent = SESSION.pairs.length;
  element("minutes").textContent = seconds < 90 ? "a minute" : `${Math.round(seconds / 60)} minutes`;
  for (const [grade, words] of GRADES) {
    element("grades").insertAdjacentHTML("beforeend", `<li><kbd>${grade}</kbd> ${words}</li>`);
    element("choices").insertAdjacentHTML("beforeend",
      `<label class="choice"><input type="radio" name="grade" value="${grade}">` +
      `<kbd>${grade}</kbd> <span>${words}</span></label>`);
  }
  element("warning").textContent = complaint();
  element("warning").hidden = !complaint();
  element("start").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!document.fullscreenElement) toggleFullScreen();
    run(element("subject").value).catch(fail);
  });
  showScreen("welcome");
  element("subject").focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  const screen = document.body.dataset.screen;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (screen === "vote" && GRADES.some(([grade]) => String(grade) === event.key)) {
    const choice = element("choices").querySelector(`[value="${event.key}"]`);
    choice.click();
    choice.focus();
  }
  if (event.key.toLowerCase() === "f" && screen !== "welcome") toggleFullScreen();
});

// Leaving by mistake asks back while a session runs.
window.addEventListener("beforeunload", (event) => {
  if (["play", "vote"].includes(document.body.dataset.screen)) event.preventDefault();
});

welcome();
