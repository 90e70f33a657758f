// Names that people have typed, where no element can keep their writing direction to itself.

// What a browser obeys rather than shows would reverse the rest of a line.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

export function plain(name) {
  return name.replace(UNSEEN, "\ufffd");
}
