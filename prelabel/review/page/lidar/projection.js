/**
 * Cuboids over boxes of a bird's-eye frame, and what cameras see of them: the same geometry as
 * `prelabel.datasets.lidar` has, to a small part of a pixel.
 *
 * What a drag calls sixty times a second writes into what it is given, and makes no garbage.
 *
 * @typedef {import("../hit.js").Shape} Shape
 * @typedef {{x_max_m: number, y_max_m: number, resolution_m: number}} Grid
 *
 * @typedef {object} CameraInfo as the server tells of a camera
 * @property {string} name
 * @property {string} picture its address
 * @property {number} width_px
 * @property {number} height_px
 * @property {number[][]} intrinsics
 * @property {number[][]} rotation from the lidar's frame to the camera's
 * @property {number[]} translation_m
 */

/** Nothing is projected from nearer to the camera, metres. */
const NEAREST_M = 0.1;
/** A box narrower than this is not seen. */
const SMALLEST_PX = 1e-3;

/** Pairs of corners that edges join: the lower face, the upper one, the uprights. */
export const EDGES = Object.freeze([
  0, 1, 1, 2, 2, 3, 3, 0, 4, 5, 5, 6, 6, 7, 7, 4, 0, 4, 1, 5, 2, 6, 3, 7,
]);

/**
 * An upright cuboid in the lidar's frame: the ground it covers, and where it begins and ends above
 * it. `length` is along the box's own x, `yaw` counterclockwise seen from above.
 */
export class Cuboid {
  x = 0;
  y = 0;
  length = 1;
  width = 1;
  yaw = 0;
  bottom = 0;
  top = 1;

  /** Cover the ground that a box of the frame covers. @param {Shape} shape @param {Grid} grid */
  cover({ xyxy, angle }, grid) {
    const { resolution_m: metres } = grid;
    this.x = grid.x_max_m - ((xyxy[1] + xyxy[3]) / 2) * metres;
    this.y = grid.y_max_m - ((xyxy[0] + xyxy[2]) / 2) * metres;
    this.length = (xyxy[2] - xyxy[0]) * metres;
    this.width = (xyxy[3] - xyxy[1]) * metres;
    this.yaw = -(angle ?? 0) - Math.PI / 2;
    return this;
  }

  /** The eight corners as x, y, z after each other, the lower face first. @param {Float64Array} out */
  corners(out) {
    const cos = Math.cos(this.yaw);
    const sin = Math.sin(this.yaw);
    for (let corner = 0; corner < 8; corner++) {
      const side = corner % 4;
      const along = (side === 0 || side === 3 ? 1 : -1) * (this.length / 2);
      const across = (side < 2 ? 1 : -1) * (this.width / 2);
      out[3 * corner] = this.x + along * cos - across * sin;
      out[3 * corner + 1] = this.y + along * sin + across * cos;
      out[3 * corner + 2] = corner < 4 ? this.bottom : this.top;
    }
    return out;
  }
}

/** What one camera sees of one cuboid, in pixels of its picture. */
export class Sighting {
  /** Whether any of it lies within the picture. */
  isSeen = false;
  /** The upright box around what lies within the picture: left, top, right, bottom. */
  box = new Float64Array(4);
  /** Ends of the edges in front of the camera, four numbers each. */
  lines = new Float64Array(48);
  lineCount = 0;
  /** The outline of all of it, counterclockwise or clockwise, x and y after each other. */
  outline = new Float64Array(48);
  outlineCount = 0;
  /** How far away its middle is, metres along the camera's axis. */
  depth = 0;

  /** Whether a point of the picture lies within the outline. @param {number} x @param {number} y */
  covers(x, y) {
    const { outline, outlineCount } = this;
    let turns = 0;
    for (let at = 0; at < outlineCount; at++) {
      const next = (at + 1) % outlineCount;
      const dx = outline[2 * next] - outline[2 * at];
      const dy = outline[2 * next + 1] - outline[2 * at + 1];
      const side = dx * (y - outline[2 * at + 1]) - dy * (x - outline[2 * at]);
      turns += Math.sign(side);
    }
    return outlineCount >= 3 && Math.abs(turns) === outlineCount;
  }
}

/** A camera ready to project: its matrices multiplied once. */
export class CameraModel {
  /** @param {CameraInfo} info */
  constructor(info) {
    this.name = info.name;
    this.width = info.width_px;
    this.height = info.height_px;
    const { intrinsics, rotation, translation_m: shift } = info;
    /** Row by row, 3 x 4: from the lidar's frame to pixels times depth, and depth. */
    this.matrix = new Float64Array(12);
    for (let row = 0; row < 3; row++) {
      for (let inner = 0; inner < 3; inner++) {
        const factor = intrinsics[row][inner];
        for (let column = 0; column < 3; column++) this.matrix[4 * row + column] += factor * rotation[inner][column];
        this.matrix[4 * row + 3] += factor * shift[inner];
      }
    }
    this.own = new Float64Array(24); // of the eight corners: pixels times depth, and depth
    this.points = new Float64Array(48);
    this.hull = new Float64Array(96);
    this.clipped = [new Float64Array(96), new Float64Array(96)];
  }

  /** @param {Float64Array} corners as `Cuboid.corners` gives them @param {Sighting} out */
  see(corners, out) {
    const { matrix, own } = this;
    out.depth = 0;
    for (let corner = 0; corner < 24; corner += 3) {
      const x = corners[corner];
      const y = corners[corner + 1];
      const z = corners[corner + 2];
      own[corner] = matrix[0] * x + matrix[1] * y + matrix[2] * z + matrix[3];
      own[corner + 1] = matrix[4] * x + matrix[5] * y + matrix[6] * z + matrix[7];
      own[corner + 2] = matrix[8] * x + matrix[9] * y + matrix[10] * z + matrix[11];
      out.depth += own[corner + 2] / 8;
    }
    const count = this.#edges(out);
    out.outlineCount = hullOf(this.points, count, out.outline, this.hull);
    out.isSeen = out.outlineCount >= 3 && this.#bound(out);
    return out;
  }

  /** The edges, cut where they pass the camera, and all their ends; how many ends. @param {Sighting} out */
  #edges(out) {
    const { own, points } = this;
    let count = 0;
    for (let corner = 0; corner < 24; corner += 3) {
      if (own[corner + 2] < NEAREST_M) continue;
      points[2 * count] = own[corner] / own[corner + 2];
      points[2 * count + 1] = own[corner + 1] / own[corner + 2];
      count += 1;
    }
    out.lineCount = 0;
    for (let edge = 0; edge < EDGES.length; edge += 2) {
      const first = 3 * EDGES[edge];
      const last = 3 * EDGES[edge + 1];
      const isFirst = own[first + 2] >= NEAREST_M;
      const isLast = own[last + 2] >= NEAREST_M;
      if (!isFirst && !isLast) continue;
      const line = 4 * out.lineCount;
      out.lineCount += 1;
      this.#end(isFirst ? first : last, out.lines, line);
      if (isFirst && isLast) {
        this.#end(last, out.lines, line + 2);
        continue;
      }
      const share = (NEAREST_M - own[first + 2]) / (own[last + 2] - own[first + 2]);
      out.lines[line + 2] = (own[first] + share * (own[last] - own[first])) / NEAREST_M;
      out.lines[line + 3] = (own[first + 1] + share * (own[last + 1] - own[first + 1])) / NEAREST_M;
      points[2 * count] = out.lines[line + 2];
      points[2 * count + 1] = out.lines[line + 3];
      count += 1;
    }
    return count;
  }

  /** @param {number} corner @param {Float64Array} out @param {number} at */
  #end(corner, out, at) {
    out[at] = this.own[corner] / this.own[corner + 2];
    out[at + 1] = this.own[corner + 1] / this.own[corner + 2];
  }

  /** The box around the part of the outline within the picture; whether there is one. @param {Sighting} out */
  #bound(out) {
    let count = out.outlineCount;
    let from = out.outline;
    for (let side = 0; side < 4 && count; side++) {
      const into = this.clipped[side % 2];
      count = cut(from, count, side, side < 2 ? 0 : side === 2 ? this.width : this.height, into);
      from = into;
    }
    if (count < 3) return false;
    const { box } = out;
    box[0] = box[1] = Infinity;
    box[2] = box[3] = -Infinity;
    for (let at = 0; at < count; at++) {
      box[0] = Math.min(box[0], from[2 * at]);
      box[1] = Math.min(box[1], from[2 * at + 1]);
      box[2] = Math.max(box[2], from[2 * at]);
      box[3] = Math.max(box[3], from[2 * at + 1]);
    }
    return box[2] - box[0] > SMALLEST_PX && box[3] - box[1] > SMALLEST_PX;
  }
}

/**
 * A convex polygon on one side of a line (Sutherland and Hodgman, 1974); how many corners are left.
 *
 * @param {Float64Array} from @param {number} count @param {number} side left, top, right, bottom
 * @param {number} limit @param {Float64Array} into
 */
function cut(from, count, side, limit, into) {
  const axis = side % 2;
  const sign = side < 2 ? 1 : -1;
  let kept = 0;
  for (let at = 0; at < count; at++) {
    const next = (at + 1) % count;
    const here = (from[2 * at + axis] - limit) * sign;
    const there = (from[2 * next + axis] - limit) * sign;
    if (here >= 0) {
      into[2 * kept] = from[2 * at];
      into[2 * kept + 1] = from[2 * at + 1];
      kept += 1;
    }
    if (here >= 0 === there >= 0) continue;
    const share = here / (here - there);
    into[2 * kept] = from[2 * at] + share * (from[2 * next] - from[2 * at]);
    into[2 * kept + 1] = from[2 * at + 1] + share * (from[2 * next + 1] - from[2 * at + 1]);
    kept += 1;
  }
  return kept;
}

/**
 * The convex hull of points, which are sorted on the way (Andrew, 1979); how many corners it has.
 *
 * @param {Float64Array} points @param {number} count @param {Float64Array} out
 * @param {Float64Array} chain scratch, twice as long as the points
 */
function hullOf(points, count, out, chain) {
  sortByX(points, count);
  let size = 0;
  for (let pass = 0; pass < 2; pass++) {
    const least = size + 1;
    for (let step = 0; step < count; step++) {
      const at = pass ? count - 1 - step : step;
      const x = points[2 * at];
      const y = points[2 * at + 1];
      while (size > least && bend(chain, size, x, y) <= 0) size -= 1;
      chain[2 * size] = x;
      chain[2 * size + 1] = y;
      size += 1;
    }
    size -= 1; // the last one begins the way back
  }
  const corners = Math.max(size, 0);
  for (let at = 0; at < 2 * corners; at++) out[at] = chain[at];
  return corners;
}

/** @param {Float64Array} chain @param {number} size @param {number} x @param {number} y */
function bend(chain, size, x, y) {
  const fromX = chain[2 * size - 4];
  const fromY = chain[2 * size - 3];
  return (chain[2 * size - 2] - fromX) * (y - fromY) - (chain[2 * size - 1] - fromY) * (x - fromX);
}

/** By insertion: there are twenty points at most. @param {Float64Array} points @param {number} count */
function sortByX(points, count) {
  for (let at = 1; at < count; at++) {
    const x = points[2 * at];
    const y = points[2 * at + 1];
    let place = at;
    while (place && (points[2 * place - 2] > x || (points[2 * place - 2] === x && points[2 * place - 1] > y))) {
      points[2 * place] = points[2 * place - 2];
      points[2 * place + 1] = points[2 * place - 1];
      place -= 1;
    }
    points[2 * place] = x;
    points[2 * place + 1] = y;
  }
}
