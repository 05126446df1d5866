/**
 * The points of a sweep, sorted by squares of ground, and the ground under them: what heights are
 * taken from, as `prelabel.datasets.lidar.lifting` does.
 *
 * @typedef {import("./projection.js").Cuboid} Cuboid
 * @typedef {{x_m: number, y_m: number, size_m: number, rows: number, columns: number}} Cells
 *
 * @typedef {object} SceneInfo what the server tells of a sweep
 * @property {string} sweep
 * @property {import("./projection.js").Grid} grid
 * @property {import("./projection.js").CameraInfo[]} cameras
 * @property {string} data the address of the points
 * @property {number} points
 * @property {number[]} origin_m
 * @property {number[]} step_m
 * @property {Cells} cells
 * @property {Cells} ground
 * @property {number} ground_z_m
 */

/** Round a footprint: boxes are a pixel or two too narrow as often as too wide. */
export const MARGIN_M = 0.1;
/** What is lower belongs to the ground. */
const STANDS_M = 0.15;
/** What hangs higher over the rest belongs to a tree or a bridge. */
const GAP_M = 0.8;
const TALLEST_M = 5;
/** Where there are no points to tell. */
const USUAL_M = 1.6;
const LEAST_POINTS = 5;

export class Points {
  /** @param {SceneInfo} info @param {ArrayBuffer} data */
  constructor(info, data) {
    const { cells, ground } = info;
    this.cells = cells;
    this.ground = ground;
    this.groundZ = info.ground_z_m;
    this.origin = info.origin_m;
    this.step = info.step_m;
    const begins = cells.rows * cells.columns + 1;
    const heights = ground.rows * ground.columns;
    this.begin = new Uint32Array(data, 0, begins);
    this.heights = new Float32Array(data, 4 * begins, heights);
    this.stored = new Uint16Array(data, 4 * (begins + heights), 3 * info.points);
    this.levels = new Float64Array(1024);
  }

  /** The height of the ground at x and y: linear between its cells, level beyond them. @param {number} x @param {number} y */
  groundAt(x, y) {
    const { x_m, y_m, size_m, rows, columns } = this.ground;
    const row = Math.min(Math.max((x - x_m) / size_m - 0.5, 0), rows - 1);
    const column = Math.min(Math.max((y - y_m) / size_m - 0.5, 0), columns - 1);
    const top = Math.floor(row);
    const left = Math.floor(column);
    const right = Math.min(left + 1, columns - 1);
    const near = top * columns;
    const far = Math.min(top + 1, rows - 1) * columns;
    const low = this.heights[near + left] + (column - left) * (this.heights[near + right] - this.heights[near + left]);
    const high = this.heights[far + left] + (column - left) * (this.heights[far + right] - this.heights[far + left]);
    return this.groundZ + low + (row - top) * (high - low);
  }

  /**
   * The points around the footprint of a cuboid, each with its place along and across it and its
   * height, metres.
   *
   * @param {Cuboid} cuboid @param {number} beyond metres along @param {number} beside metres across
   * @param {(along: number, across: number, z: number, x: number, y: number) => void} visit
   */
  around(cuboid, beyond, beside, visit) {
    const { cells, begin, stored, origin, step } = this;
    const halfLength = cuboid.length / 2 + beyond;
    const halfWidth = cuboid.width / 2 + beside;
    const cos = Math.cos(cuboid.yaw);
    const sin = Math.sin(cuboid.yaw);
    const reachX = Math.abs(cos) * halfLength + Math.abs(sin) * halfWidth;
    const reachY = Math.abs(sin) * halfLength + Math.abs(cos) * halfWidth;
    const firstRow = Math.max(Math.floor((cuboid.x - reachX - cells.x_m) / cells.size_m), 0);
    const lastRow = Math.min(Math.floor((cuboid.x + reachX - cells.x_m) / cells.size_m), cells.rows - 1);
    const first = Math.max(Math.floor((cuboid.y - reachY - cells.y_m) / cells.size_m), 0);
    const last = Math.min(Math.floor((cuboid.y + reachY - cells.y_m) / cells.size_m), cells.columns - 1);
    if (first > last) return;
    for (let row = firstRow; row <= lastRow; row++) {
      const end = begin[row * cells.columns + last + 1];
      for (let at = begin[row * cells.columns + first]; at < end; at++) {
        const x = origin[0] + step[0] * stored[3 * at];
        const y = origin[1] + step[1] * stored[3 * at + 1];
        const along = (x - cuboid.x) * cos + (y - cuboid.y) * sin;
        const across = (y - cuboid.y) * cos - (x - cuboid.x) * sin;
        if (Math.abs(along) > halfLength || Math.abs(across) > halfWidth) continue;
        visit(along, across, origin[2] + step[2] * stored[3 * at + 2], x, y);
      }
    }
  }

  /**
   * Put a cuboid on the ground, as tall as its points; how many points told that.
   *
   * @param {Cuboid} cuboid
   */
  lift(cuboid) {
    let count = 0;
    this.around(cuboid, MARGIN_M, MARGIN_M, (along, across, z, x, y) => {
      const above = z - this.groundAt(x, y);
      if (above <= STANDS_M || above >= TALLEST_M) return;
      if (count === this.levels.length) this.#grow();
      this.levels[count] = above;
      count += 1;
    });
    cuboid.bottom = this.groundAt(cuboid.x, cuboid.y);
    cuboid.top = cuboid.bottom + USUAL_M;
    if (count < LEAST_POINTS) return count;
    const levels = this.levels.subarray(0, count).sort();
    let end = 1;
    while (end < count && levels[end] - levels[end - 1] <= GAP_M) end += 1;
    cuboid.top = cuboid.bottom + levels[end - 1];
    return end;
  }

  #grow() {
    const more = new Float64Array(2 * this.levels.length);
    more.set(this.levels);
    this.levels = more;
  }
}
