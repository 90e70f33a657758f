// What this browser remembers of how a person likes the page; a browser that keeps nothing just forgets it.
export function remembered(name, otherwise = null) {
  try {
    return localStorage.getItem(`ntcir-${name}`) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(`ntcir-${name}`);
    else localStorage.setItem(`ntcir-${name}`, value);
  } catch {
    // Nothing depends on it.
  }
}
