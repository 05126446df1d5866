/** What the page makes of a scene: read from a folder, written as JSON, for a test in Python. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Points } from "../../prelabel/review/page/lidar/points.js";
import { CameraModel, Cuboid, Sighting } from "../../prelabel/review/page/lidar/projection.js";

const folder = process.argv[2];
const { scene, boxes } = JSON.parse(readFileSync(join(folder, "scene.json"), "utf-8"));
const data = readFileSync(join(folder, "scene.data"));
const points = new Points(scene, data.buffer.slice(data.byteOffset, data.byteOffset + data.length));
const models = scene.cameras.map((camera) => new CameraModel(camera));

const found = boxes.map((box) => {
  const cuboid = new Cuboid().cover(box, scene.grid);
  const count = points.lift(cuboid);
  const lifted = { count, bottom: cuboid.bottom, top: cuboid.top };
  if (box.height_m) [cuboid.bottom, cuboid.top] = box.height_m;
  const corners = cuboid.corners(new Float64Array(24));
  const seen = models.map((model) => {
    const { isSeen, box: around, lines, lineCount, depth } = model.see(corners, new Sighting());
    return { isSeen, box: [...around], lines: [...lines.subarray(0, 4 * lineCount)], depth };
  });
  return { lifted, corners: [...corners], seen };
});
process.stdout.write(JSON.stringify(found));
