/**
 * The owner's webhooks: where they go, what they tell, and what became of each delivery.
 */

import { api } from "./api.js";
import { byId, make, table } from "./elements.js";
import { attempt } from "./masthead.js";
import { moment } from "./wording.js";

const EVENTS = ["submitted", "accepted", "batch_done"];

/** Fill the part "Webhooks" and make its form work. */
export async function showWebhooks() {
  byId("hook-events").append(
    ...EVENTS.map((event) =>
      make(
        "label",
        {},
        make("input", { type: "checkbox", name: "events", value: event, checked: true }),
        ` ${event.replace("_", " ")}`,
      ),
    ),
  );
  const form = byId("add-hook");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const entered = new FormData(form);
    act(async () => {
      const hook = await api.post("/api/webhooks", {
        url: entered.get("url"),
        events: entered.getAll("events"),
      });
      form.reset();
      showSecret(hook.secret);
    });
  });
  await refresh();
}

async function refresh() {
  const { hooks } = await api.get("/api/webhooks");
  const rows = hooks.map((hook) => [
    make("code", {}, hook.url),
    hook.events.map((event) => event.replace("_", " ")).join(", "),
    make(
      "span",
      { class: "row" },
      make("button", { type: "button", onclick: () => showDeliveries(hook) }, "Deliveries"),
      make("button", { type: "button", class: "quiet", onclick: () => remove(hook) }, "Remove"),
    ),
  ]);
  byId("hooks").replaceChildren(table("Webhooks", ["Address", "Tells", ""], rows, "None."));
}

function remove(hook) {
  if (!confirm(`Remove the webhook to ${hook.url}?`)) return;
  act(() => api.delete(`/api/webhooks/${hook.number}`));
}

function showSecret(secret) {
  byId("fresh-secret").replaceChildren(
    make("p", {}, "The secret that signs what this webhook receives; it is shown only here."),
    make("input", { readonly: true, value: secret, "aria-label": "Secret of the webhook" }),
  );
}

async function showDeliveries(hook) {
  const { deliveries } = await api.get(`/api/webhooks/${hook.number}/deliveries`);
  const rows = deliveries.map((one) => [
    moment(one.at),
    one.event.replace("_", " "),
    one.attempts,
    one.delivered_at ? `delivered ${moment(one.delivered_at)}` : (one.error ?? "waiting"),
    one.delivered_at ? null : one.next_at && moment(one.next_at),
  ]);
  byId("deliveries").replaceChildren(
    make("h3", {}, `Deliveries to ${hook.url}`),
    table("Deliveries", ["When", "What", "#Tries", "State", "Next try"], rows, "Nothing was sent yet."),
  );
}

function act(action) {
  return attempt(byId("hooks-failure"), async () => {
    await action();
    await refresh();
  });
}
