/** Colours of classes as they are drawn: bright enough to be seen on dark and on blue pictures. */

export const DARK = "rgb(16 18 20)";
/** With a dark line around it, a colour of at least this luminance is seen on any picture. */
const BRIGHT = 0.36;

/** Black or white, whichever is read better on a colour "#rrggbb". @param {string} color */
export function inkOn(color) {
  return luminance(color) > 0.18 ? DARK : "#fff";
}

/** The colour, mixed with white until it is bright. @param {string} color "#rrggbb" */
export function bright(color) {
  let mixed = color;
  for (let white = 0.1; luminance(mixed) < BRIGHT && white < 1; white += 0.1) {
    const parts = channels(color).map((part) => Math.round(part + (255 - part) * white));
    mixed = `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  }
  return mixed;
}

/** Relative luminance as WCAG defines it, 0 to 1. @param {string} color "#rrggbb" */
export function luminance(color) {
  const [red, green, blue] = channels(color).map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {string} color */
const channels = (color) => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
