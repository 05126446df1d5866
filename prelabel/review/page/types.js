/**
 * The values that cross the borders of the page, as the server sends them.
 *
 * Coordinates are pixels of the picture as shown; (0, 0) is the top left corner of the top left
 * pixel. Angles are radians, clockwise on the screen, about the centre of the box.
 *
 * @typedef {[number, number, number, number]} Xyxy left, top, right, bottom
 * @typedef {"proposed" | "accepted" | "rejected"} Status
 * @typedef {[number, number]} Heights bottom and top, metres in the lidar's frame
 *
 * @typedef {object} Proposal what the model said, never changed by the annotator
 * @property {string} model_id
 * @property {number} score calibrated confidence, 0 to 1
 * @property {number | null} uncertainty entropy of the classes over its largest value, 0 to 1
 * @property {Xyxy} xyxy
 * @property {number} class_id
 * @property {Heights | null} [height_m]
 *
 * @typedef {object} BoxState what an edit says about one box
 * @property {string} id
 * @property {Xyxy} xyxy
 * @property {number | null} angle
 * @property {number} class_id
 * @property {Status} status
 * @property {Heights | null} [height_m] of what a box seen from above shows; none: as points tell
 *
 * @typedef {BoxState & {proposal: Proposal | null, rule?: string | null}} Box `rule` accepted it,
 *   and nobody has decided about it
 *
 * @typedef {object} Edit new whole states of some boxes
 * @property {string} edit_id made here, so that sending twice changes nothing
 * @property {number} at milliseconds since 1970
 * @property {string} action
 * @property {BoxState[]} boxes
 *
 * @typedef {{id: string, at: number, kind: ActivityKind}} Activity
 * @typedef {"open" | "input" | "hidden" | "shown" | "close"} ActivityKind
 *
 * @typedef {object} TaskView
 * @property {number} task
 * @property {number} round
 * @property {string} frame_id
 * @property {string} name
 * @property {number} width_px
 * @property {number} height_px
 * @property {string} picture its address
 * @property {string | null} [scene] the address of the lidar's points and cameras around it
 * @property {string} state
 * @property {number} position
 * @property {number} of
 * @property {string} reason why the frame was chosen
 * @property {boolean} is_control
 * @property {string | null} sent_back_reason
 * @property {number | string | null} leased_until
 * @property {number} shown_score proposals below it are shown only on request
 * @property {Box[]} boxes
 * @property {string[]} [places] ids of weak proposals that may be missed objects, likeliest first
 *
 * @typedef {{id: number, name: string, color: string}} ClassInfo color: #rrggbb
 *
 * @typedef {object} ProjectInfo
 * @property {string} name
 * @property {ClassInfo[]} classes
 * @property {{idle_s: number, prefetch: number, reviewer: boolean, copies: number,
 *   lease_minutes: number}} settings
 * @property {boolean} rotated
 * @property {number | null} round
 * @property {number} guideline_version 0: there are none
 * @property {Record<string, number>} counts
 *
 * @typedef {object} Me
 * @property {string} person
 * @property {string} role
 * @property {string} csrf
 * @property {boolean} login_needed
 * @property {number} seconds_today
 *
 * @typedef {{width: number, height: number}} Size
 * @typedef {{scale: number, x: number, y: number}} View picture to stage: x * scale + view.x
 */

export {};
