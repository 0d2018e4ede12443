// Ratings of one subject: kept in the browser after each one, and handed out as CSV.
"use strict";

class Ratings {
  /** Takes up what `subject` has rated before on this computer in this session. */
  constructor(sessionId, subject) {
    this.subject = subject;
    this.key = `rating/${sessionId}/${subject}`;
    this.fileName = `ratings_${subject}_${sessionId}.csv`;
    this.kept = true;
    this.data = { trained: false, given: [] };
    try {
      this.data = JSON.parse(localStorage.getItem(this.key)) ?? this.data;
    } catch {
      this.kept = false;
    }
  }

  get count() {
    return this.data.given.length;
  }

  has(stimulus) {
    return this.data.given.some((rating) => rating.stimulus === stimulus);
  }

  add(stimulus, score) {
    this.data.given.push({ stimulus, score, time: new Date().toISOString() });
    this.keep();
  }

  finishTraining() {
    this.data.trained = true;
    this.keep();
  }

  keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify(this.data));
    } catch {
      this.kept = false; // a private window: told to the subject, who can still finish
    }
  }

  /** The table that the analysis reads; no cell needs quotes. */
  csv() {
    const rows = this.data.given.map(
      ({ stimulus, score, time }) => `${this.subject},${stimulus},${score},${time}`,
    );
    return ["subject,stimulus,score,time", ...rows, ""].join("\n");
  }
}
