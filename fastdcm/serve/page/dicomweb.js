// Questions to the server, by DICOMweb (PS3.18): searches give data sets in DICOM JSON, images give blobs.

/** What the server said instead of an answer. */
export class ServerError extends Error {
  constructor(status, words) {
    super(words || `the server answered ${status}`);
    this.status = status;
  }
}

async function get(path, accept, signal) {
  // Where the server wants a token, the browser has asked for it with the page, and sends it along.
  const response = await fetch(new URL(path, document.baseURI), { headers: { Accept: accept }, signal });
  if (!response.ok) throw new ServerError(response.status, (await response.text()).trim());
  return response;
}

/** The data sets that a search finds. */
export async function search(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== "") query.append(name, one);
  }
  const response = await get(`${path}?${query}`, "application/dicom+json", signal);
  return response.status === 204 ? [] : response.json();
}

/** An image, decoded by the browser. */
export async function picture(path, signal = undefined) {
  const response = await get(path, "image/jpeg", signal);
  return createImageBitmap(await response.blob());
}

/** An image as an address for an element; whoever asked frees it. */
export async function address(path, signal = undefined) {
  const response = await get(path, "image/jpeg", signal);
  return URL.createObjectURL(await response.blob());
}

/** All values of an attribute, by its eight digits; none where it is absent. */
export function values(dataset, tag) {
  return dataset[tag]?.Value ?? [];
}

/** The first value as text; names of people as they are read. */
export function text(dataset, tag) {
  const [value] = values(dataset, tag);
  if (value === undefined || value === null) return "";
  if (typeof value === "object") return (value.Alphabetic ?? "").split("^").filter(Boolean).join(", ");
  return String(value);
}

/** A date of eight digits, with hyphens. */
export function date(dataset, tag) {
  return text(dataset, tag).replace(/^(\d{4})(\d\d)(\d\d)$/, "$1-$2-$3");
}
