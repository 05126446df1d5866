/**
 * Building pieces of a page without markup in strings: what people typed is only ever text.
 */

/**
 * An element with attributes, handlers (`onclick`, …) and children. `null`, `undefined` and `false`
 * are left out, as attribute and as child.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, String(value));
  }
  element.append(...children.filter((one) => one !== null && one !== undefined && one !== false));
  return element;
}

/**
 * The element with this id; an Error where the page has none.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found;
}

/**
 * A table with a caption for screen readers; cells may be texts or elements. Columns whose head
 * begins with "#" hold numbers and stand to the right.
 *
 * @param {string} caption
 * @param {string[]} heads
 * @param {(Node | string | number | false | null)[][]} rows  `null` is shown as a dash, `false` as nothing.
 * @param {string} whenEmpty  What to say where there are no rows.
 */
export function table(caption, heads, rows, whenEmpty) {
  if (!rows.length) return make("p", { class: "empty" }, whenEmpty);
  const numeric = heads.map((head) => head.startsWith("#"));
  const cell = (content, column) =>
    make("td", { class: numeric[column] && "number" }, content === false ? "" : (content ?? "–"));
  return make(
    "div",
    { class: "scrolls", tabindex: 0, role: "region", "aria-label": caption },
    make(
      "table",
      {},
      make("caption", { class: "unseen" }, caption),
      make(
        "thead",
        {},
        make(
          "tr",
          {},
          ...heads.map((head, column) =>
            make("th", { scope: "col", class: numeric[column] && "number" }, head.replace("#", "")),
          ),
        ),
      ),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map(cell)))),
    ),
  );
}
