/**
 * Fetches and decodes a picture, and makes its smaller copies, away from the page's own thread.
 */

/** Copies are made until the longer side is below this. */
const SMALLEST_PX = 700;

self.addEventListener("message", async ({ data: { id, url } }) => {
  try {
    const response = await fetch(url, { credentials: "same-origin" });
    if (!response.ok) throw new Error(`The picture could not be read (${response.status}).`);
    const levels = [await createImageBitmap(await response.blob())];
    for (let last = levels[0]; Math.max(last.width, last.height) >= 2 * SMALLEST_PX; last = levels.at(-1) ?? last) {
      levels.push(
        await createImageBitmap(last, {
          resizeWidth: Math.round(last.width / 2),
          resizeHeight: Math.round(last.height / 2),
          resizeQuality: "medium",
        }),
      );
    }
    self.postMessage({ id, levels }, { transfer: levels });
  } catch (error) {
    self.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
