// Playback of a pair: grey, original, grey, clip to rate, grey; from the start if it is disturbed.
"use strict";

class Player {
  constructor(stage, session) {
    this.caption = stage.querySelector("#caption");
    this.videos = [stage.querySelector("#reference"), stage.querySelector("#test")];
    this.pause = session.pauseSeconds * 1000;
    this.frames = 0;
    this.dropped = 0;
  }

  /** Shows both clips once. Begins anew if the page was hidden meanwhile. */
  async show(pair) {
    const files = [pair.reference, pair.test];
    await Promise.all(this.videos.map((video, i) => loaded(video, files[i], pair)));
    for (;;) {
      const watch = new HiddenWatch();
      await this.showOne(0, "Original");
      await this.showOne(1, "Clip to rate");
      if (!watch.end()) return;
      await pageVisible();
    }
  }

  async showOne(index, name) {
    this.caption.textContent = name;
    this.caption.classList.add("shown");
    await wait(this.pause);
    this.caption.classList.remove("shown");
    const video = this.videos[index];
    video.currentTime = 0;
    const before = video.getVideoPlaybackQuality();
    const ended = new Promise((resolve) => video.addEventListener("ended", resolve, { once: true }));
    video.classList.add("shown");
    await video.play();
    await ended;
    video.classList.remove("shown");
    const after = video.getVideoPlaybackQuality();
    this.frames += after.totalVideoFrames - before.totalVideoFrames;
    this.dropped += after.droppedVideoFrames - before.droppedVideoFrames;
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

/** The clip, wholly loaded and at one device pixel per sample; rejects if it cannot be played. */
function loaded(video, file, pair) {
  return new Promise((resolve, reject) => {
    video.oncanplaythrough = resolve;
    video.onerror = () => reject(new Error(`${file}: ${video.error?.message || "no such file"}`));
    video.preload = "auto";
    video.src = file;
    video.style.width = `${pair.width / devicePixelRatio}px`;
    video.load();
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
