/**
 * The HTTP API, rendered from the OpenAPI document that the server makes.
 */

import { byId, make } from "./elements.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const DEEPEST = 6; // how far into nested values a body is unfolded

const document_ = await (await fetch("/openapi.json")).json();

/** What a `$ref` names. */
function resolved(schema) {
  if (!schema?.$ref) return schema ?? {};
  const parts = schema.$ref.slice(2).split("/");
  return parts.reduce((at, part) => at[part], document_);
}

/** The type of a value in a few words: "text", "list of number", "text or null". */
function typeOf(schema) {
  const found = resolved(schema);
  if (found.anyOf) return found.anyOf.map(typeOf).join(" or ");
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.enum) return found.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (found.type === "array") return `list of ${typeOf(found.items)}`;
  if (found.type === "object" || found.properties) return "object";
  return { string: "text", boolean: "true or false", integer: "whole number" }[found.type] ?? found.type ?? "any";
}

/** The schema of the object inside: itself, the items of a list, the alternative that is no null. */
function objectIn(schema) {
  const found = resolved(schema);
  if (found.properties) return found;
  if (found.items) return objectIn(found.items);
  for (const one of found.anyOf ?? []) {
    const inside = objectIn(one);
    if (inside) return inside;
  }
  return null;
}

/** The fields of an object with their types, nested ones below theirs. */
function fields(schema, depth = 0) {
  const object = objectIn(schema);
  if (!object || depth > DEEPEST) return null;
  const needed = new Set(object.required ?? []);
  const rows = Object.entries(object.properties).map(([name, field]) => {
    const description = field.description ?? "";
    return make(
      "li",
      {},
      make("code", {}, name),
      make("span", { class: "type" }, typeOf(field) + (needed.has(name) ? "" : ", may be left out")),
      description && make("span", { class: "says" }, ...withCode(description)),
      fields(field, depth + 1),
    );
  });
  return rows.length ? make("ul", { class: "fields" }, ...rows) : null;
}

function bodyOf(content) {
  const schema = content?.["application/json"]?.schema;
  if (!schema) {
    const kinds = Object.keys(content ?? {});
    return kinds.length ? make("p", { class: "type" }, kinds.join(", ")) : null;
  }
  return fields(schema) ?? make("p", { class: "type" }, typeOf(schema));
}

function parameters(operation) {
  const rows = (operation.parameters ?? []).map((one) =>
    make(
      "li",
      {},
      make("code", {}, one.name),
      make("span", { class: "type" }, `${typeOf(one.schema)}, in the ${one.in}${one.required ? "" : ", may be left out"}`),
      one.description && make("span", { class: "says" }, ...withCode(one.description)),
    ),
  );
  return rows.length ? make("ul", { class: "fields" }, ...rows) : null;
}

function part(title, content) {
  return content && make("div", {}, make("h4", {}, title), content);
}

function responses(operation) {
  const shown = Object.entries(operation.responses ?? {});
  return shown.map(([status, answer]) => {
    const body = status.startsWith("2") ? bodyOf(answer.content) : null;
    return make(
      "div",
      { class: "answer" },
      make("h4", {}, make("code", {}, status), ` ${answer.description}`),
      body,
    );
  });
}

function operationView(path, method, operation) {
  return make(
    "details",
    { class: "operation", id: anchor(path, method) },
    make(
      "summary",
      {},
      make("span", { class: `method method-${method}` }, method.toUpperCase()),
      make("code", { class: "path" }, path),
      make("span", { class: "says" }, ...withCode(operation.description ?? operation.summary ?? "")),
    ),
    part("Parameters", parameters(operation)),
    part("Body", bodyOf(operation.requestBody?.content)),
    ...responses(operation),
  );
}

/** A text with what stands between backticks as code. @param {string} text */
function withCode(text) {
  return text.split("`").map((part, at) => (at % 2 ? make("code", {}, part) : part));
}

function anchor(path, method) {
  return `${method}-${path.replace(/[^a-z0-9]+/gi, "-")}`;
}

/** Operations by their first tag, in the order of the document. */
function byTag() {
  /** @type {Map<string, HTMLElement[]>} */
  const groups = new Map();
  for (const [path, item] of Object.entries(document_.paths)) {
    for (const method of METHODS.filter((one) => item[one])) {
      const tag = item[method].tags?.[0] ?? "the rest";
      groups.set(tag, [...(groups.get(tag) ?? []), operationView(path, method, item[method])]);
    }
  }
  return groups;
}

byId("title").textContent = `${document_.info.title}: HTTP API`;
byId("lead").replaceChildren(...withCode(document_.info.description ?? ""));
for (const [tag, views] of byTag()) {
  const heading = make("h2", { id: `tag-${tag}` }, tag);
  byId("operations").append(make("section", {}, heading, ...views));
  byId("contents").append(make("a", { href: `#tag-${tag}` }, tag));
}
