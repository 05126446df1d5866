/** Finding names by some of their letters. */

/**
 * Places of the names that fit, best first: the whole name, its beginning, the beginning of a
 * word, somewhere inside, then letters in order. An empty query leaves the names as they are.
 *
 * @param {string} query @param {string[]} names
 */
export function ranked(query, names) {
  const wanted = query.trim().toLowerCase();
  return names
    .map((name, at) => ({ at, cost: cost(wanted, name.toLowerCase()) }))
    .filter((one) => one.cost < Infinity)
    .sort((left, right) => left.cost - right.cost || left.at - right.at)
    .map((one) => one.at);
}

/** Less is better; Infinity where the name does not fit. @param {string} wanted @param {string} name */
function cost(wanted, name) {
  if (!wanted) return 0;
  if (name === wanted) return 0;
  if (name.startsWith(wanted)) return 1 + name.length / 1000;
  if (name.split(/[\s_\-/.]+/).some((word) => word.startsWith(wanted))) return 2 + name.length / 1000;
  const inside = name.indexOf(wanted);
  if (inside >= 0) return 3 + inside / 100;
  return scattered(wanted, name);
}

/** @param {string} wanted @param {string} name */
function scattered(wanted, name) {
  let at = -1;
  let gaps = 0;
  for (const letter of wanted) {
    const next = name.indexOf(letter, at + 1);
    if (next < 0) return Infinity;
    gaps += at < 0 ? 0 : next - at - 1;
    at = next;
  }
  return 4 + gaps;
}
