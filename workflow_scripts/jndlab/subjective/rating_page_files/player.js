// Shows clips or pictures of a trial one after the other, or in turn in one place (flicker).
"use strict";

const FLICKER_HZ = 10; // changes a second between the two pictures

class Player {
  constructor(stage, session) {
    this.stage = stage;
    this.caption = stage.querySelector("#caption");
    this.pause = session.pauseSeconds * 1000;
    this.flicker = session.flicker;
    this.frames = 0;
    this.dropped = 0;
  }

  /**
   * Shows all clips once; begins again if the page was hidden meanwhile. `note` is a line that is
   * shown behind them. Returns frames, dropped frames and interruptions of this trial.
   */
  async show(clips, trial, note) {
    const facts = { frames: 0, dropped: 0, interruptions: 0 };
    const views = await Promise.all(clips.map(([, file]) => loaded(file, trial)));
    this.stage.prepend(...views);
    for (;;) {
      const watch = new HiddenWatch();
      if (this.flicker) await this.alternate(views, trial.seconds);
      else for (const [i, [caption]] of clips.entries()) await this.showOne(views[i], caption, trial, facts);
      if (note) await this.say(note, 2 * this.pause);
      if (!watch.end()) break;
      facts.interruptions += 1;
      await pageVisible();
    }
    views.forEach((view) => view.remove());
    this.frames += facts.frames;
    this.dropped += facts.dropped;
    return facts;
  }

  async say(text, milliseconds) {
    this.caption.textContent = text;
    this.caption.classList.add("shown");
    await wait(milliseconds);
    this.caption.classList.remove("shown");
  }

  async showOne(view, caption, trial, facts) {
    await this.say(T(caption), this.pause);
    if (view instanceof HTMLImageElement) {
      view.classList.add("shown");
      await wait(trial.seconds * 1000);
      view.classList.remove("shown");
      return;
    }
    view.currentTime = 0;
    const before = view.getVideoPlaybackQuality();
    const ended = new Promise((resolve) => view.addEventListener("ended", resolve, { once: true }));
    view.classList.add("shown");
    await view.play();
    await ended;
    view.classList.remove("shown");
    const after = view.getVideoPlaybackQuality();
    facts.frames += after.totalVideoFrames - before.totalVideoFrames;
    facts.dropped += after.droppedVideoFrames - before.droppedVideoFrames;
  }

  /** Both pictures in turn in the same place, as long as a picture is shown. */
  async alternate(views, seconds) {
    await this.say(T("flicker"), this.pause);
    for (let turn = 0; turn < seconds * FLICKER_HZ; turn += 1) {
      views.forEach((view, i) => view.classList.toggle("shown", i === turn % 2));
      await wait(1000 / FLICKER_HZ);
    }
    views.forEach((view) => view.classList.remove("shown"));
  }
}

/** Notices whether the page was hidden (another tab, a locked screen) at any time. */
class HiddenWatch {
  constructor() {
    this.hidden = document.hidden;
    this.listener = () => { this.hidden ||= document.hidden; };
    document.addEventListener("visibilitychange", this.listener);
  }

  end() {
    document.removeEventListener("visibilitychange", this.listener);
    return this.hidden;
  }
}

/** A clip or picture, ready, at one device pixel per sample; rejects if it cannot be shown. */
function loaded(file, trial) {
  const isPicture = file.endsWith(".png");
  const view = document.createElement(isPicture ? "img" : "video");
  view.style.width = `${trial.width / devicePixelRatio}px`;
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`${file}: ${view.error?.message || "no such file"}`));
    view.onerror = fail;
    if (isPicture) {
      view.alt = "";
      view.src = file;
      view.decode().then(() => resolve(view), fail);
      return;
    }
    view.oncanplaythrough = () => resolve(view);
    Object.assign(view, { muted: true, playsInline: true, disablePictureInPicture: true });
    view.preload = "auto";
    view.src = file;
    view.load();
  });
}

function pageVisible() {
  return new Promise((resolve) => {
    if (!document.hidden) return resolve();
    document.addEventListener("visibilitychange", resolve, { once: true });
  });
}

function wait(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}
