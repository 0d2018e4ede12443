// What each subject sees, and in which order: random, the same whenever that subject comes back.
"use strict";

/** Blocks of a subject, one a sitting. `index`: the subject's number, if a server gave one. */
function blocksOf(session, subject, index) {
  const random = generator(`${session.seed}/${subject}/blocks`)();
  const first = index ?? Math.floor(random * session.blocks);
  return [...Array(session.blocksPerRater).keys()].map((n) => (first + n) % session.blocks);
}

/** The sitting of a block: training (in the first one), trials, hidden repeats, attention checks. */
function planOf(session, subject, block, first) {
  const random = generator(`${session.seed}/${subject}/${block}/extras`);
  const own = session.trials.filter((trial) => trial.block === block);
  const order = orderOf(own, session.seed, `${subject}/${block}`);
  const plan = order.map((trial) => ({ trial, kind: "test" }));
  for (const trial of shuffled(order, random).slice(0, session.repeats)) {
    insert(plan, { trial, kind: "repeat" }, plan.findIndex((item) => item.trial === trial), random);
  }
  for (let n = 0; n < session.checks; n += 1) {
    const trial = order[Math.floor(random() * order.length)];
    insert(plan, { trial, kind: "check", draw: random() }, 0, random);
  }
  const training = first ? session.training.map((trial) => ({ trial, kind: "training" })) : [];
  return [...training, ...plan];
}

/** Puts an item behind `from`, far from there and apart from its own content where possible. */
function insert(plan, item, from, random) {
  const apart = (place) => [plan[place - 1], plan[place]].every(
    (other) => other?.trial.content !== item.trial.content);
  const places = [...Array(plan.length - from).keys()].map((n) => from + 1 + n);
  const far = places.filter((place) => place - from > plan.length / 4);
  const good = far.filter(apart);
  const chosen = [good, places.filter(apart), far, places].find((found) => found.length);
  plan.splice(chosen[Math.floor(random() * chosen.length)], 0, item);
}

/** Trials shuffled by `seed` and `subject`; one content does not follow itself where avoidable. */
function orderOf(trials, seed, subject) {
  const random = generator(`${seed}/${subject}`);
  const order = shuffled(trials, random);
  const found = [];
  while (order.length) {
    const last = found.at(-1)?.content;
    // Of the contents that may come next, one with most trials left: else it piles up at the end.
    const left = (trial) => order.filter((other) => other.content === trial.content).length;
    const allowed = order.filter((trial) => trial.content !== last);
    const crowded = allowed.find((trial) => left(trial) > order.length / 2);
    const next = crowded ?? allowed[0] ?? order[0];
    found.push(...order.splice(order.indexOf(next), 1));
  }
  return found;
}

/** A shuffled copy (Fisher and Yates). */
function shuffled(items, random) {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}

/** Random numbers in [0, 1) that depend on a text alone: FNV-1a hash, then a 32-bit mixer. */
function generator(text) {
  let state = 2166136261;
  for (const character of text) {
    state = Math.imul(state ^ character.codePointAt(0), 16777619);
  }
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 4294967296;
  };
}
