/**
 * The keys and commands that only frames made of lidar sweeps have.
 *
 * @typedef {import("../keys.js").Binding} Binding
 * @typedef {import("../commands.js").Command} Command
 */

const STEP_M = 0.05;
const LEAP_M = 0.5;
const group = /** @type {const} */ ("Height and cameras");

/** @type {readonly Binding[]} */
export const LIDAR_KEYS = Object.freeze([
  ...ends("U", "top", STEP_M, "Top up by 5 cm"),
  ...ends("J", "top", -STEP_M, "Top down by 5 cm"),
  ...ends("I", "bottom", STEP_M, "Bottom up by 5 cm"),
  ...ends("K", "bottom", -STEP_M, "Bottom down by 5 cm"),
  ...ends("Shift+U", "top", LEAP_M, "… by 50 cm", "Shift+U, J, I, K"),
  ...ends("Shift+J", "top", -LEAP_M, "… by 50 cm"),
  ...ends("Shift+I", "bottom", LEAP_M, "… by 50 cm"),
  ...ends("Shift+K", "bottom", -LEAP_M, "… by 50 cm"),
  { keys: ["M"], command: "heightFromPoints", title: "Height as the points tell", group },
  { keys: ["W"], command: "oneCamera", title: "The camera that sees the box best alone, or all", group },
]);

/**
 * @param {string} key @param {"top" | "bottom"} end @param {number} metres @param {string} title
 * @param {string} [shown]
 * @returns {Binding[]}
 */
function ends(key, end, metres, title, shown) {
  return [{ keys: [key], command: "raise", argument: [end, metres], title, group, repeats: true, shown }];
}

/**
 * @param {import("./surroundings.js").Surroundings} around
 * @param {Record<string, Command>} known commands of the editor, of which some go on to do more
 * @returns {Record<string, Command>}
 */
export function lidarCommands(around, known) {
  return {
    raise: (_, [end, metres]) => around.heights.nudge(end, metres),
    heightFromPoints: () => around.heights.set(null),
    oneCamera() {
      const best = around.best();
      if (around.alone) around.enlarge(null);
      else if (best) around.enlarge(best);
      else around.editor.say("No camera sees the box in hand");
    },
    zoomToBox(editor, argument) {
      known.zoomToBox(editor, argument);
      around.zoomToHand();
    },
    fit(editor, argument) {
      known.fit(editor, argument);
      around.whole();
    },
  };
}
