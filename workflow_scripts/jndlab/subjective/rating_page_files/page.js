// The course of a sitting: welcome, setup, training, trials with breaks, thanks. `SESSION` is
// session.js.
"use strict";

const element = (id) => document.getElementById(id);
const player = new Player(element("stage"), SESSION);
const KEYS = PROCEDURES[SESSION.procedure].keys(SESSION);

/** A text in the language of the session, with values in place of {names}. */
function T(key, values = {}) {
  return SESSION.texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A text of this procedure. */
function P(key) {
  return T(`${SESSION.procedure}_${key}`);
}

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
function say(name, button, values) {
  element("message-title").textContent = T(`${name}_title`);
  element("message-text").textContent = T(name, values);
  element("message").dataset.name = name;
  element("go-on").hidden = !button;
  element("go-on").textContent = button ? `${T(button)} (Enter)` : "";
  showScreen("message");
  (button ? element("go-on") : element("message-title")).focus();
  return new Promise((resolve) => { element("go-on").onclick = resolve; });
}

/** The answer that the subject chooses and confirms: its key, or "again" for one more look. */
function askAnswer(replays) {
  const ballot = element("ballot");
  ballot.reset();
  element("confirm").disabled = true;
  element("again").hidden = replays <= 0;
  element("again").textContent = T("again", { n: replays });
  showScreen("vote");
  element("choices").querySelector("input").focus({ focusVisible: false });
  return new Promise((resolve) => {
    element("again").onclick = () => resolve("again");
    ballot.onchange = () => { element("confirm").disabled = false; };
    ballot.onsubmit = (event) => {
      event.preventDefault();
      const answer = new FormData(ballot).get("grade");
      if (answer) resolve(answer);
    };
  });
}

/** Shows a presentation until it is answered; returns what is recorded of it. */
async function ask(shown, trial) {
  const facts = { frames: 0, dropped: 0, interruptions: 0, replays: 0 };
  const note = shown.instructed ? T("check", { key: shown.expected }) : "";
  for (;;) {
    showScreen("play");
    const seen = await player.show(shown.clips, trial, note);
    for (const name of Object.keys(seen)) facts[name] += seen[name];
    const began = performance.now();
    const answer = await askAnswer(SESSION.replays - facts.replays);
    if (answer === "again") {
      facts.replays += 1;
      continue;
    }
    return {
      ...facts,
      stimulus: shown.stimulus,
      score: scoreOf(SESSION.procedure, answer, shown.swapped),
      expected: shown.expected && scoreOf(SESSION.procedure, shown.expected, shown.swapped),
      level: shown.level,
      swapped: Number(shown.swapped),
      vote_seconds: ((performance.now() - began) / 1000).toFixed(2),
      full_screen: Number(document.fullscreenElement !== null),
    };
  }
}

/** A sitting of a subject: the first block that is not done. */
async function run(records, index) {
  const blocks = blocksOf(SESSION, records.subject, index);
  const waiting = () => element("progress-text").replaceChildren(T("waiting"));
  await records.send(waiting);
  for (const [sitting, block] of blocks.entries()) {
    const plan = planOf(SESSION, records.subject, block, sitting === 0);
    const isDone = (item, position) => !presentationOf(
      SESSION, records.subject, item, records.at(block, position));
    if (plan.every(isDone)) continue;
    if (records.count(block)) await say("welcome_back", "go_on");
    if (!records.kept && !records.served) await say("not_kept", "go_on");
    await sit(records, block, plan, waiting);
    return finish(records, block, blocks.length - sitting - 1);
  }
  return finish(records, blocks.at(-1), 0);
}

async function sit(records, block, plan, waiting) {
  const training = plan.filter(({ kind }) => kind === "training").length;
  const all = plan.length - training;
  for (const [position, item] of plan.entries()) {
    const next = () => presentationOf(SESSION, records.subject, item, records.at(block, position));
    if (!next()) continue;
    const done = position - training;
    if (position === 0 && training) await say("training", "begin", { n: training });
    if (done === 0 && training) await say("ready", "start_test");
    else if (done > 0 && done % SESSION.breakEvery === 0) {
      showProgress(T("rated", { n: done, all }), done, all);
      await say("break", "go_on");
    }
    for (let shown = next(); shown; shown = next()) {
      if (done < 0) showProgress(T("training_trial", { n: position + 1, all: training }), position, training);
      else showProgress(T("trial", { n: done + 1, all }), done, all);
      const step = records.at(block, position).length;
      const given = await ask(shown, item.trial);
      await records.add({ ...given, block, position, step, kind: item.kind }, waiting);
    }
  }
  showProgress(T("rated", { n: all, all }), all, all);
}

/** Saves the answers of the sitting (where no server has them) and thanks. */
function finish(records, block, left) {
  const name = `ratings_${records.subject}_${SESSION.id}${SESSION.blocks > 1 ? `_${block + 1}` : ""}.csv`;
  const share = player.frames ? player.dropped / player.frames : 0;
  const values = {
    file: name,
    stutter: share > 0.01 ? T("stutter", { percent: (100 * share).toFixed(0) }) : "",
    left: left ? T("sittings_left", { n: left }) : "",
  };
  if (document.fullscreenElement) document.exitFullscreen();
  if (records.served) return say("thanks_served", "", values);
  const link = element("download");
  link.href = URL.createObjectURL(new Blob([records.csv(block)], { type: "text/csv" }));
  link.download = name;
  element("message-file").hidden = false;
  say("thanks", "", values);
  link.click();
}

function fail(error) {
  say("failed", "", { error: error.message });
}

/** Frames a second of this screen: the median of the times between 30 of them. */
async function refreshRate() {
  const times = [];
  for (let n = 0; n <= 30; n += 1) times.push(await new Promise(requestAnimationFrame));
  const gaps = times.slice(1).map((time, n) => time - times[n]).sort((a, b) => a - b);
  return 1000 / gaps[15];
}

/** What would spoil the test on this computer, or nothing. */
function complaint(refresh) {
  const { width, height, fps } = SESSION;
  const plays = document.createElement("video").canPlayType('video/mp4; codecs="avc1.640028"');
  if (fps && !plays) return T("no_h264");
  if (screen.width * devicePixelRatio < width || screen.height * devicePixelRatio < height) {
    return T("screen_small", { width, height });
  }
  if (fps && refresh < 0.9 * fps) return T("screen_slow", { fps, refresh: refresh.toFixed(0) });
  return "";
}

async function toggleFullScreen() {
  if (document.fullscreenElement) return document.exitFullscreen();
  return document.documentElement.requestFullscreen().catch(() => {}); // refused: seen by its absence
}

/** Agreement, vision and display; resolves with the facts that are recorded of the sitting. */
function setUp(subject) {
  const { consent, questions, displayCheck, fullScreen } = SESSION.screening;
  element("consent").hidden = !consent;
  element("consent-text").textContent = consent;
  element("vision").hidden = !questions;
  element("display").hidden = !displayCheck;
  for (const id of ["consent", "vision", "display"]) {
    for (const input of element(id).querySelectorAll("input")) input.disabled = element(id).hidden;
  }
  const random = generator(`${SESSION.seed}/${subject}/digits`);
  const digits = () => String(Math.floor(100 + 900 * random()));
  element("dark").textContent = digits();
  element("light").textContent = digits();
  showScreen("setup");
  (element("setup").querySelector("input:enabled") ?? element("setup").querySelector("button")).focus();
  return new Promise((resolve) => {
    element("setup-form").onsubmit = async (event) => {
      event.preventDefault();
      const given = new FormData(event.target);
      const right = element("dark").textContent + element("light").textContent;
      if (displayCheck && element("digits").value !== right) return refuse("digits_wrong");
      if (!document.fullscreenElement) await toggleFullScreen();
      if (fullScreen && !document.fullscreenElement) return refuse("window_refused");
      return resolve({
        consent_time: consent ? new Date().toISOString() : "",
        acuity: given.get("acuity") ?? "",
        colour_vision: given.get("colour_vision") ?? "",
        display_check: displayCheck ? "passed" : "",
      });
    };
  });
}

function refuse(key) {
  element("setup-warning").textContent = T(key);
  element("setup-warning").hidden = false;
  element("digits").value = "";
  if (key === "digits_wrong") element("digits").focus();
}

/** The answers as rows: a key and its words. */
function showAnswers() {
  for (const key of KEYS) {
    const choice = document.createElement("label");
    choice.className = "choice";
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "grade", value: key });
    const words = Object.assign(document.createElement("span"), { textContent: P(key) });
    const shown = Object.assign(document.createElement("kbd"), { textContent: key });
    choice.append(input, shown, words);
    element("choices").append(choice);
    const row = document.createElement("li");
    row.append(shown.cloneNode(true), words.cloneNode(true));
    element("grades").append(row);
  }
}

function minutesOfSitting() {
  const seconds = SESSION.sittingSeconds;
  return seconds < 90 ? T("a_minute") : T("minutes", { n: Math.round(seconds / 60) });
}

function showTexts() {
  document.documentElement.lang = SESSION.language;
  document.title = P("title");
  for (const place of document.querySelectorAll("[data-text]")) place.textContent = T(place.dataset.text);
  element("title").textContent = P("title");
  element("intro").textContent = T(`${SESSION.procedure}_intro`, {
    n: Math.ceil(SESSION.trials.length / SESSION.blocks), minutes: minutesOfSitting(),
  });
  element("advice-task").textContent = P("advice");
  element("question").textContent = P("question");
  element("keys").textContent = T("keys", { first: KEYS.toSorted()[0], last: KEYS.toSorted().at(-1) });
  element("subject").title = T("name_hint");
}

async function welcome() {
  const [state, refresh] = [await serverState(), await refreshRate()];
  showTexts();
  showAnswers();
  element("who").hidden = element("subject").disabled = state !== null;
  element("warning").textContent = complaint(refresh);
  element("warning").hidden = !complaint(refresh);
  element("start").querySelector("button").disabled = SESSION.screening.fitScreen && complaint(refresh) !== "";
  element("start").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const subject = state?.subject ?? element("subject").value;
      const facts = await setUp(subject);
      const records = new Records(SESSION, subject, state);
      records.facts = {
        ...facts,
        screen_width: screen.width,
        screen_height: screen.height,
        pixel_ratio: devicePixelRatio,
        refresh_hz: refresh.toFixed(1),
        browser: navigator.userAgent,
      };
      await run(records, state?.index);
    } catch (error) {
      fail(error);
    }
  });
  showScreen("welcome");
  (state ? element("start").querySelector("button") : element("subject")).focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  const screen = document.body.dataset.screen;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (screen === "vote" && KEYS.includes(event.key)) {
    const choice = element("choices").querySelector(`[value="${event.key}"]`);
    choice.click();
    choice.focus();
  }
  if (screen === "vote" && event.key.toLowerCase() === "r" && !element("again").hidden) element("again").click();
  if (event.key.toLowerCase() === "f" && !["welcome", "setup"].includes(screen)) toggleFullScreen();
});

// Leaving by mistake asks back while a session runs.
window.addEventListener("beforeunload", (event) => {
  if (["play", "vote"].includes(document.body.dataset.screen)) event.preventDefault();
});

welcome().catch(fail);
