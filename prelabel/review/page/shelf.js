/**
 * The outbox's store in the browser (IndexedDB): it outlives the tab and the browser.
 *
 * @typedef {import("./parcels.js").Kept} Kept
 * @typedef {import("./outbox.js").Shelf} Shelf
 */

const NAME = "prelabel";
const VERSION = 1;
const WAITING = "waiting";
const ASIDE = "aside";

/** @returns {Shelf & {aside: () => Promise<any[]>, clearAside: () => Promise<void>}} */
export function browserShelf() {
  const database = opened();
  return {
    all: async () => settled((await database).transaction(WAITING).objectStore(WAITING).getAll()),
    put: async (record) => written(await database, WAITING, (store) => store.put(record)),
    remove: async (ids) =>
      written(await database, WAITING, (store) => ids.forEach((id) => store.delete(id))),
    setAside: async (records, why) =>
      written(await database, ASIDE, (store) =>
        records.forEach((record) => store.put({ ...record, why, at: new Date().toISOString() })),
      ),
    aside: async () => settled((await database).transaction(ASIDE).objectStore(ASIDE).getAll()),
    clearAside: async () => written(await database, ASIDE, (store) => store.clear()),
  };
}

/** @returns {Promise<IDBDatabase>} */
function opened() {
  const request = indexedDB.open(NAME, VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(WAITING, { keyPath: "id" });
    request.result.createObjectStore(ASIDE, { keyPath: "id" });
  };
  const database = settled(request);
  database.catch(() => undefined); // said by every use of it
  return database;
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @param {IDBDatabase} database @param {string} name @param {(store: IDBObjectStore) => void} write
 * @returns {Promise<void>}
 */
function written(database, name, write) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(name, "readwrite");
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
    write(transaction.objectStore(name));
    transaction.commit(); // else it waits for this page, which may be closing
  });
}
