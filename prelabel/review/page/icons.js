/** The drawings on buttons: strokes in the colour of the text. */

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string>} paths on a field of 24 x 24 */
const PATHS = {
  select: "M5 3l5.5 16 2.4-6.6L19.500 10z",
  draw: "M4 8V4h4 M16 4h4v4 M20 16v4h-4 M8 20H4v-4 M12 8.500v7 M8.500 12h7",
  redraw: "M4 8V4h4 M16 4h4v4 M8 20H4v-4 M13 19l6.500-6.500 2 2L15 21h-2z",
  fit: "M4 9V4h5 M15 4h5v5 M20 15v5h-5 M9 20H4v-5",
  plus: "M12 5v14 M5 12h14",
  minus: "M5 12h14",
  undo: "M8 5L4 9l4 4 M4 9h10a6 6 0 0 1 0 12h-3",
  redo: "M16 5l4 4-4 4 M20 9H10a6 6 0 0 0 0 12h3",
  copy: "M8 8h12v12H8z M16 8V4H4v12h4",
  accept: "M4 12.500l5.500 5.500L20 6.500",
  reject: "M6 6l12 12 M18 6L6 18",
  hide: "M3 12s3.500-6.500 9-6.500S21 12 21 12s-3.500 6.500-9 6.500S3 12 3 12z M12 9.200a2.800 2.800 0 1 0 0 5.600 2.800 2.800 0 0 0 0-5.600z M4 20L20 4",
  opacity: "M12 3.500S6 10 6 14.500a6 6 0 0 0 12 0C18 10 12 3.500 12 3.500z M12 3.500v17",
  tag: "M4 4h8l8.500 8.500-8 8L4 12z M8.300 8.300h.01",
  aim: "M12 3v4 M12 17v4 M3 12h4 M17 12h4 M12 7.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9z",
  keys: "M3 7h18v10H3z M7 10.500h.01 M10.300 10.500h.01 M13.700 10.500h.01 M17 10.500h.01 M8 14h8",
  book: "M12 6.500C10 5 7.500 4.500 4 4.500v14c3.500 0 6 .5 8 2 2-1.500 4.500-2 8-2v-14c-3.500 0-6 .5-8 2z M12 6.500v14",
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  skip: "M5 5l9 7-9 7z M18.500 5v14",
  submit: "M4 12h15 M13 6l6 6-6 6",
  menu: "M4 7h16 M4 12h16 M4 17h16",
  back: "M9 6l-5 5 5 5 M4 11h9a6 6 0 0 1 6 6v2",
  dice: "M5 5h14v14H5z M9 9h.01 M15 15h.01 M15 9h.01 M9 15h.01",
};

/** @param {string} name @param {number} [size] */
export function icon(name, size = 18) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("width", String(size));
  svg.setAttribute("height", String(size));
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
