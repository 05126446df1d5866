/**
 * The owner's webhooks: where they go, what they tell, and what became of each delivery.
 */

import { api } from "./api.js";
import { byId, make, table } from "./elements.js";
import { attempt } from "./masthead.js";
import { moment } from "./wording.js";

/** Fill the part "Webhooks" and make its form work. */
export async function showWebhooks() {
  const { events } = await refresh();
  byId("hook-events").append(...events.map(eventChoice));
  const form = /** @type {HTMLFormElement} */ (byId("add-hook"));
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
  form.hidden = false;
}

function eventChoice(event) {
  const box = make("input", { type: "checkbox", name: "events", value: event, checked: true });
  return make("label", {}, box, ` ${told(event)}`);
}

async function refresh() {
  const answer = await api.get("/api/webhooks");
  const rows = answer.hooks.map((hook) => [
    make("code", {}, hook.url),
    hook.events.map(told).join(", "),
    make(
      "span",
      { class: "line" },
      make("button", { type: "button", onclick: () => act(() => showDeliveries(hook)) }, "Deliveries"),
      make("button", { type: "button", class: "quiet", onclick: () => remove(hook) }, "Remove"),
    ),
  ]);
  byId("hooks").replaceChildren(table("Webhooks", ["Address", "Tells", ""], rows, "None."));
  return answer;
}

function remove(hook) {
  if (!confirm(`Remove the webhook to ${hook.url}?`)) return;
  act(async () => {
    await api.delete(`/api/webhooks/${hook.number}`);
    byId("deliveries").replaceChildren();
  });
}

function showSecret(secret) {
  byId("fresh-secret").replaceChildren(
    make("p", {}, "This secret signs what the webhook receives; it is shown only here."),
    make("input", { readonly: true, value: secret, "aria-label": "Secret of the webhook" }),
  );
}

async function showDeliveries(hook) {
  const { deliveries } = await api.get(`/api/webhooks/${hook.number}/deliveries`);
  const rows = deliveries.map((one) => [
    moment(one.at),
    told(one.event),
    one.attempts,
    one.delivered_at ? `delivered ${moment(one.delivered_at)}` : (one.error ?? one.state),
    one.next_at && !one.delivered_at ? moment(one.next_at) : null,
    !one.delivered_at && make("button", { type: "button", onclick: () => again(hook, one) }, "Send now"),
  ]);
  const heads = ["When", "What", "#Tries", "State", "Next try", ""];
  byId("deliveries").replaceChildren(
    make("h3", {}, `Deliveries to ${hook.url}`),
    table("Deliveries", heads, rows, "Nothing was sent yet."),
  );
}

function again(hook, delivery) {
  act(async () => {
    await api.post(`/api/deliveries/${delivery.number}/again`);
    await showDeliveries(hook);
  });
}

function act(action) {
  return attempt(byId("hooks-failure"), async () => {
    await action();
    await refresh();
  });
}

/** @param {string} event */
function told(event) {
  return event.replace("task_", "frame_").replaceAll("_", " ");
}
