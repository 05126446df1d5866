/**
 * One tab at a time: two pages that change the same boxes would undo each other's work.
 */

const LOCK = "prelabel.annotate";
/** A page that is being left holds on for a moment. */
const PATIENCE_MS = 1_500;

/**
 * Resolves once this tab is the one that works. Browsers that know no locks are trusted.
 *
 * @param {{onWaiting: (take: () => void) => void, onLost: () => void}} told onWaiting: another tab
 *   works, `take` takes over from it; onLost: another tab has taken over from this one
 * @param {LockManager | undefined} [locks]
 * @returns {Promise<void>}
 */
export function becomeTheOne({ onWaiting, onLost }, locks = navigator.locks) {
  if (!locks) return Promise.resolve();
  return new Promise((resolve) => {
    let isOurs = false;
    const hold = () => {
      isOurs = true;
      clearTimeout(patience);
      resolve();
      return new Promise(() => undefined); // held as long as the page lives
    };
    const lost = () => isOurs && onLost();
    const take = () => void locks.request(LOCK, { steal: true }, hold).catch(lost);
    const patience = setTimeout(() => onWaiting(take), PATIENCE_MS);
    locks.request(LOCK, hold).catch(lost);
  });
}
