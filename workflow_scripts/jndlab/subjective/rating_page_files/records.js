// Answers of one subject: kept in the browser after each one, sent to the server where there is
// one, and handed out as CSV.
"use strict";

/** What the server keeps of this subject, or null where the page comes from a folder. */
async function serverState() {
  if (!location.protocol.startsWith("http")) return null;
  const answer = await fetch("votes", { cache: "no-store" }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

class Records {
  /** Takes up what `subject` answered before: on this computer, and by the server's `state`. */
  constructor(session, subject, state) {
    this.columns = session.columns;
    this.subject = subject;
    this.served = state !== null;
    this.key = `rating/${session.id}/${subject}`;
    this.kept = true;
    this.facts = {};
    this.answers = [];
    try {
      this.answers = JSON.parse(localStorage.getItem(this.key)) ?? [];
    } catch {
      this.kept = false;
    }
    const known = new Set((state?.votes ?? []).map(keyOf));
    this.unsent = this.served ? this.answers.filter((answer) => !known.has(keyOf(answer))) : [];
    if (this.served) this.answers = [...state.votes, ...this.unsent];
  }

  /** Answers at a place of a block's plan, in their order. */
  at(block, position) {
    return this.answers
      .filter((answer) => answer.block === block && answer.position === position)
      .sort((a, b) => a.step - b.step);
  }

  count(block) {
    return this.answers.filter((answer) => answer.block === block).length;
  }

  /** Keeps an answer; resolves once the server has it. `waiting` is called while it does not. */
  async add(answer, waiting) {
    const whole = { subject: this.subject, ...this.facts, ...answer, time: new Date().toISOString() };
    this.answers.push(whole);
    if (this.served) this.unsent.push(whole);
    try {
      localStorage.setItem(this.key, JSON.stringify(this.answers));
    } catch {
      this.kept = false; // a private window: told to the subject, who can still finish
    }
    await this.send(waiting);
  }

  /** Sends what the server lacks until it has it: once more after a second, then two, four, eight. */
  async send(waiting) {
    for (let pause = 1000; this.unsent.length; pause = Math.min(2 * pause, 8000)) {
      const answer = await fetch("votes", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(this.unsent[0]),
      }).catch(() => null);
      if (answer?.ok) {
        this.unsent.shift();
        pause = 500;
        continue;
      }
      if (answer && answer.status >= 400 && answer.status < 500) {
        throw new Error(await answer.text()); // the server will never take it
      }
      waiting();
      await wait(pause);
    }
  }

  /** The table that the analysis reads. */
  csv(block) {
    const rows = this.answers
      .filter((answer) => answer.block === block)
      .map((answer) => this.columns.map((name) => cell(answer[name])).join(","));
    return [this.columns.join(","), ...rows, ""].join("\n");
  }
}

function keyOf({ block, position, step }) {
  return `${block}/${position}/${step}`;
}

function cell(value) {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
