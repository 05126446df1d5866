/** Finding names by some of their letters. */

/** What it costs, in letters, when the first one does not begin a word. */
const INSIDE_A_WORD = 2;

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
  let at = name.indexOf(wanted[0]);
  let gaps = at > 0 && /\p{L}/u.test(name[at - 1]) ? INSIDE_A_WORD : 0;
  for (const letter of wanted.slice(1)) {
    const next = at < 0 ? -1 : name.indexOf(letter, at + 1);
    if (next < 0) return Infinity;
    gaps += next - at - 1;
    at = next;
  }
  return at < 0 ? Infinity : 4 + gaps;
}
