/**
 * The owner's table of people: roles, links that let them in, and shutting somebody out.
 */

import { api } from "./api.js";
import { byId, make, table } from "./elements.js";
import { attempt } from "./masthead.js";
import { moment } from "./wording.js";

const ROLES = ["annotator", "reviewer", "owner"];

/**
 * Fill the part "People" and make its form work.
 *
 * @param {{ person: string }} me
 */
export async function showPeople(me) {
  const form = byId("add-person");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { name, role } = Object.fromEntries(new FormData(form));
    act(me, async () => {
      await api.post("/api/people", { name, role });
      form.reset();
      await offerLink(name);
    });
  });
  await refresh(me);
}

async function refresh(me) {
  const { people } = await api.get("/api/people");
  const rows = people.map((one) => [
    one.name,
    roleChoice(me, one),
    one.disabled ? "shut out" : one.has_password ? "password" : "link only",
    make(
      "span",
      { class: "row" },
      make("button", { type: "button", onclick: () => act(me, () => offerLink(one.name)) }, "New link"),
      one.name !== me.person &&
        !one.disabled &&
        make(
          "button",
          { type: "button", class: "quiet", onclick: () => shutOut(me, one.name) },
          "Shut out",
        ),
    ),
  ]);
  byId("people").replaceChildren(
    table("People", ["Name", "Role", "Logs in by", ""], rows, "Nobody but you, on this machine, without a login."),
  );
}

function roleChoice(me, person) {
  const options = ROLES.map((role) => make("option", { selected: role === person.role }, role));
  const choose = (event) => {
    const role = event.target.value;
    act(me, () => api.post(`/api/people/${encodeURIComponent(person.name)}/role`, { role }));
  };
  return make(
    "select",
    { "aria-label": `Role of ${person.name}`, disabled: person.name === me.person, onchange: choose },
    ...options,
  );
}

function shutOut(me, name) {
  if (!confirm(`Shut ${name} out? What ${name} has done stays.`)) return;
  act(me, () => api.post(`/api/people/${encodeURIComponent(name)}/disable`, {}));
}

async function offerLink(name) {
  const { link, valid_until: until } = await api.post(
    `/api/people/${encodeURIComponent(name)}/link`,
    {},
  );
  const field = make("input", { readonly: true, value: link, "aria-label": `Link for ${name}` });
  const copy = make(
    "button",
    { type: "button", onclick: () => navigator.clipboard.writeText(link) },
    "Copy",
  );
  byId("fresh-link").replaceChildren(
    make("p", {}, `Give this link to ${name}. It works once, until ${moment(until)}, and is shown only here.`),
    make("span", { class: "row" }, field, copy),
  );
  field.select();
}

function act(me, action) {
  return attempt(byId("people-failure"), async () => {
    await action();
    await refresh(me);
  });
}
