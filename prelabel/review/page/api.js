/**
 * The server's API: JSON both ways, the CSRF token added, and errors that say what can be done.
 *
 * @typedef {"offline" | "login" | "forbidden" | "taken" | "busy" | "refused"} Trouble
 */

/** A request that brings no answer within this time counts as offline. */
const PATIENCE_MS = 15_000;

/** What the server (or its absence) said to a request. */
export class ApiError extends Error {
  /**
   * @param {Trouble} kind offline: no answer, try again later; login: nobody is logged in;
   *   forbidden: not theirs, or the page's token is old; taken: somebody else has the frame (what
   *   was sent is kept); busy: later; refused: sending the same again will not help
   * @param {string} message one sentence for a person
   * @param {number} [status] of HTTP; 0 where no answer came
   * @param {number | null} [waitSeconds] how long the server asks to wait
   */
  constructor(kind, message, status = 0, waitSeconds = null) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.waitSeconds = waitSeconds;
  }
}

export class Api {
  /** @param {typeof globalThis.fetch} [fetching] */
  constructor(fetching = (...request) => globalThis.fetch(...request)) {
    this.fetching = fetching;
    this.csrf = "";
  }

  /** @param {string} path @param {AbortSignal} [signal] */
  get(path, signal) {
    return this.#send("GET", path, undefined, { signal });
  }

  /** @param {string} path @param {unknown} [body] @param {{keepalive?: boolean}} [options] */
  post(path, body = {}, options = {}) {
    return this.#send("POST", path, body, options);
  }

  /** @param {string} path @param {unknown} body */
  put(path, body) {
    return this.#send("PUT", path, body, {});
  }

  /** @param {string} path */
  delete(path) {
    return this.#send("DELETE", path, undefined, {});
  }

  /**
   * Who works here; the token that later requests need comes with the answer.
   *
   * @returns {Promise<import("./types.js").Me>}
   */
  async me() {
    const me = await this.get("/api/me");
    this.csrf = me.csrf;
    return me;
  }

  /**
   * @param {string} method @param {string} path @param {unknown} body
   * @param {{signal?: AbortSignal, keepalive?: boolean}} options
   * @returns {Promise<any>}
   */
  async #send(method, path, body, options) {
    if (method !== "GET" && !this.csrf && !OPEN_PATHS.has(path)) await this.me();
    const response = await this.#answer(method, path, body, options);
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw errorOf(response, answer);
    if (path === "/api/me") this.csrf = answer.csrf;
    return answer;
  }

  /**
   * @param {string} method @param {string} path @param {unknown} body
   * @param {{signal?: AbortSignal, keepalive?: boolean}} options
   */
  async #answer(method, path, body, { signal, keepalive = false }) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    if (method !== "GET") headers["X-CSRF-Token"] = this.csrf;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    try {
      return await this.fetching(path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: "same-origin",
        cache: "no-store",
        keepalive,
        signal: signal ?? (keepalive ? undefined : AbortSignal.timeout(PATIENCE_MS)),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError("offline", "The server does not answer.");
    }
  }
}

/** What may be asked before anybody is known. */
const OPEN_PATHS = new Set(["/api/login", "/api/link"]);

/** @param {Response} response @param {any} answer */
function errorOf(response, answer) {
  const message = answer?.error ?? `The server answered ${response.status}.`;
  const wait = Number(response.headers.get("Retry-After")) || null;
  return new ApiError(troubleOf(response.status, answer), message, response.status, wait);
}

/** @param {number} status @param {any} answer @returns {Trouble} */
function troubleOf(status, answer) {
  if (answer?.taken_by_other) return "taken";
  if (status === 401) return "login";
  if (status === 403) return "forbidden";
  if (status === 429 || status === 503) return "busy";
  if (status >= 500) return "offline";
  return "refused";
}

/** The page's one connection. */
export const api = new Api();
