// The order of the pairs: random for each subject, the same whenever that subject comes back.
"use strict";

/** Pairs shuffled by `seed` and `subject`; one content does not follow itself where avoidable. */
function orderOf(pairs, seed, subject) {
  const random = generator(`${seed}/${subject}`);
  const order = shuffled(pairs, random);
  const sequences = [];
  while (order.length) {
    const last = sequences.at(-1)?.reference;
    // Of the contents that may come next, one with most pairs left: else it piles up at the end.
    const left = (pair) => order.filter((other) => other.reference === pair.reference).length;
    const allowed = order.filter((pair) => pair.reference !== last);
    const crowded = allowed.find((pair) => left(pair) > order.length / 2);
    const next = crowded ?? allowed[0] ?? order[0];
    sequences.push(...order.splice(order.indexOf(next), 1));
  }
  return sequences;
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
