// Whether something of the person signed in may be kept on this device (kept.js): only then is it looked for.
import { person } from "./page.js";

const key = () => `kept:${person()}`;

export function markLeft(isLeft) {
  try {
    if (isLeft) localStorage.setItem(key(), "1");
    else localStorage.removeItem(key());
  } catch {
    // storage forbidden: nothing can be kept either
  }
}

export function isLeft() {
  try {
    return Boolean(person() && localStorage.getItem(key()));
  } catch {
    return false;
  }
}
