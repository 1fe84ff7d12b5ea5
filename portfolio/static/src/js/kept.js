// What this device keeps of files on their way to the server, in IndexedDB: recordings piece by piece while they are
// made, and copies of chosen files that take long to send. A row says what it is, its pieces are beside it; a piece is
// durable before the row counts it. Each belongs to one person and one item. Removed when the server has stored it.
//
// A row: {id, person, item (where uploads of the item begin), page (where to go on), kind "audio" | "video" | "file",
// name, type, madeAt, modifiedAt, seconds, bytes, pieces, ended, url (of its upload, "" before it began)}.
import { markLeft } from "./left.js";
import { person } from "./page.js";

const STRICT = { durability: "strict" };
let opened;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open("kept-files", 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("rows", { keyPath: "id" });
      asked.result.createObjectStore("pieces", { keyPath: ["row", "number"] });
    };
    asked.onblocked = () => reject(new Error("blocked"));
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
      asked.result.onversionchange = () => asked.result.close();
      resolve(asked.result);
    };
  });
  return opened;
}

/** Run `work(rows, pieces)` in one transaction; what it returns, or the result of the request that it returns. */
async function transact(mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(["rows", "pieces"], mode, STRICT);
    const asked = work(transaction.objectStore("rows"), transaction.objectStore("pieces"));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
}

const piecesOf = (id) => IDBKeyRange.bound([id, 0], [id, Infinity]);

/** Begin to keep something; `row` holds what is particular to it. */
export async function begin(row) {
  const whole = { person: person(), page: location.pathname, url: "", seconds: 0, bytes: 0, pieces: 0, ended: false, ...row };
  await transact("readwrite", (rows) => rows.add(whole));
  markLeft(true);
  return whole;
}

/** Keep one more piece, and what `change` says of the row. Both are there or neither. */
export async function add(row, content, change = {}) {
  const next = { ...row, ...change, bytes: row.bytes + content.size, pieces: row.pieces + 1 };
  try {
    await put(next, row.pieces, content);
  } catch (error) {
    if (error?.name === "QuotaExceededError") throw error;
    await put(next, row.pieces, await content.arrayBuffer()); // private windows of some browsers keep no blobs
  }
  Object.assign(row, next);
}

const put = (row, number, content) =>
  transact("readwrite", (rows, pieces) => {
    pieces.put({ row: row.id, number, content });
    return rows.put(row);
  });

/** Write down more about it. One that has been removed meanwhile stays removed. */
export async function change(row, said) {
  Object.assign(row, said);
  await transact("readwrite", (rows) => {
    const asked = rows.get(row.id);
    asked.onsuccess = () => asked.result && rows.put({ ...asked.result, ...said });
  });
}

/** What is kept under this id now; undefined when it is gone. */
export const find = (id) => transact("readonly", (rows) => rows.get(id));

/** What the person signed in has on this device, oldest first. */
export async function mine() {
  const all = await transact("readonly", (rows) => rows.getAll());
  return all.filter((row) => row.person === person()).sort((a, b) => a.madeAt - b.madeAt);
}

/** The whole, as a file. */
export async function whole(row) {
  const found = await transact("readonly", (_rows, pieces) => pieces.getAll(piecesOf(row.id)));
  return new File(found.map((piece) => piece.content), row.name, { type: row.type, lastModified: row.modifiedAt ?? row.madeAt });
}

/** Keep it no longer. */
export async function remove(row) {
  await transact("readwrite", (rows, pieces) => {
    pieces.delete(piecesOf(row.id));
    return rows.delete(row.id);
  });
  if (!(await mine()).length) markLeft(false);
}

/**
 * Be the only window that has to do with it. A function that lets it go, or null while another window has it; the
 * browser lets go by itself when a window closes or dies.
 */
export function hold(id) {
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    navigator.locks.request(`kept:${id}`, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(null);
      return new Promise((letGo) => resolve(letGo));
    });
  });
}

/** Whether another window, or this one, has to do with it at the moment. */
export async function isHeld(id) {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some((lock) => lock.name === `kept:${id}`);
}

/** Wait until nobody has to do with it any more. */
export const whenFree = (id) => navigator.locks.request(`kept:${id}`, { mode: "shared" }, () => {});

/** How many bytes more this device has room for; Infinity when it does not say. */
export async function room() {
  const said = await navigator.storage?.estimate?.().catch(() => null);
  return said?.quota ? said.quota - said.usage : Infinity;
}
