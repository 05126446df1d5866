/**
 * How long a person waits, from the key to the picture: for the benchmark, and for `performance`.
 *
 * @typedef {{name: string, ms: number}} Timing
 */

const KEPT = 2_000;

/** @type {Timing[]} */
export const timings = [];

/**
 * Note the time since a key was pressed, once what it led to is on the screen.
 *
 * @param {string} name @param {number} pressedAt by the clock of `performance`
 * @param {Promise<void>} drawn
 */
export async function time(name, pressedAt, drawn) {
  await drawn;
  await new Promise((resolve) => setTimeout(resolve)); // the frame has been handed to the screen
  timings.push({ name, ms: performance.now() - pressedAt });
  if (timings.length > KEPT) timings.shift();
}
