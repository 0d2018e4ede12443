// What a procedure shows and asks: DCR and ACR of ITU-T P.910, pair comparison, search of a JND.
"use strict";

const GRADES = ["5", "4", "3", "2", "1"];

/** For each procedure: keys of the answers from top to bottom, and what a trial shows. */
const PROCEDURES = {
  dcr: { keys: () => GRADES, show: (trial) => [["original", trial.reference], ["to_rate", trial.test]] },
  acr: { keys: () => GRADES, show: (trial) => [["to_rate", trial.test]] },
  pairs: {
    keys: (session) => (session.ties ? ["1", "2", "3"] : ["1", "2"]),
    show: (trial, swapped) => {
      const [first, second] = swapped ? [trial.b, trial.a] : [trial.a, trial.b];
      return [["first", first], ["second", second]];
    },
  },
  jnd: { keys: () => ["1", "2"] },
};

/** The score of an answer. Pairs: 1 for a, -1 for b, 0 for neither; jnd: 1 where one differs. */
function scoreOf(procedure, key, swapped) {
  if (procedure === "pairs") return { 1: 1, 2: -1, 3: 0 }[key] * (swapped ? -1 : 1) || 0;
  return procedure === "jnd" ? Number(key) - 1 : Number(key);
}

/**
 * The next that an item of the plan shows after the answers `given`, or null where it is done:
 * `stimulus` is what is rated, `clips` are captions and files, `expected` the answer of a check.
 */
function presentationOf(session, subject, item, given) {
  const { trial, kind } = item;
  const procedure = PROCEDURES[session.procedure];
  if (session.procedure === "jnd") return comparisonOf(session, item, given);
  if (given.length) return null;
  const draw = generator(`${session.seed}/${subject}/${trial.stimulus}/${kind}`)();
  const swapped = session.procedure === "pairs" && draw < 0.5;
  const keys = procedure.keys(session);
  return {
    stimulus: trial.stimulus,
    clips: procedure.show(trial, swapped),
    swapped,
    level: "",
    expected: kind === "check" ? keys[Math.floor(item.draw * keys.length)] : "",
    instructed: kind === "check",
  };
}

/** A comparison of a search: the JND of level 1 from the source, of level n from that before. */
function comparisonOf(session, { trial, kind }, given) {
  const name = (place) => (place < 0 ? trial.reference : trial.ladder[place].file);
  const shown = (level, low, place) => ({
    stimulus: place < 0 ? trial.stimulus : trial.ladder[place].stimulus,
    clips: [["reference", name(low)], ["comparison", name(place)]],
    swapped: false,
    level,
    expected: kind === "check" ? "1" : "",
    instructed: false,
  });
  // A check shows the source twice: who sees a difference guesses.
  if (kind === "check") return given.length ? null : shown(1, -1, -1);
  const levels = kind === "test" ? session.levels : 1;
  const answers = given.map(({ score }) => score);
  let from = -1;
  for (let level = 1; level <= levels; level += 1) {
    let [low, high] = [from, trial.ladder.length]; // not seen, seen (or beyond the ladder)
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (!answers.length) return shown(level, from, middle);
      if (answers.shift()) high = middle;
      else low = middle;
    }
    if (high === trial.ladder.length) return null;
    from = high;
  }
  return null;
}
