// One state, one paint: every control changes `state` and asks for a repaint, nothing else draws.
const byId = (id) => document.getElementById(id);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const MODES = ["slider", "side", "flip", "difference", "slice"];
const ZOOMS = ["fit", "1", "2", "4", "8"];
const GAINS = ["1", "2", "4", "8", "16"];
const stage = byId("stage"), divider = byId("divider"), viewer = stage.closest(".viewer");
// Part of a longer page: keys, wheel and fingers that scroll the page are left to it.
const embedded = viewer.dataset.embedded !== undefined;
const canvas = stage.querySelector("canvas");
const screen2d = canvas.getContext("2d", { alpha: false });

// What is shown: set by `use`, once for each set of videos.
let page, width, height, frames;
let pictures = [];           // pictures[video][frame]: ImageBitmap
let scratch, strips, stripRow;  // canvases: the difference; the row over time, one a video

// x and y: the frame's point at the middle of a view; split: 0 to 1 of the visible picture.
const state = {
  frame: 0, mode: "slider", a: 0, b: 1, zoom: "fit", x: 0, y: 0,
  split: 0.5, gain: "4", row: 0, speed: 1, loop: true, playing: false, flipped: false,
};

// Other videos, with what Python tells of them; their pictures follow by `decodeAll`.
function use(facts) {
  window.__ready = false;
  if (state.playing) setPlaying(false);
  pictures.flat().forEach((picture) => picture.close());
  page = facts;
  ({ width, height, frames } = page);
  pictures = page.videos.map(() => []);
  scratch = makeCanvas(width, height, {});
  strips = page.videos.map(() => makeCanvas(width, frames, { willReadFrequently: true }));
  stripRow = -1;
  const last = page.videos.length - 1;
  Object.assign(state, { frame: 0, a: Math.min(state.a, last), b: Math.min(state.b, last),
    x: width / 2, y: height / 2, row: page.row ?? Math.floor(height / 2) });
  viewer.classList.toggle("single", last === 0);
  byId("modes").querySelector('[value="flip"] + span').textContent = last === 0 ? "Picture" : "Flip";
  if (last === 0) state.mode = "flip";
  fillPage();
}

// ---- Decoding: every frame before the first play, so that playback never waits ----

// texts[video][frame]: a picture in base64. Gives up, with false, when other videos come into use.
async function decodeAll(texts) {
  const bar = byId("loading").querySelector("progress"), wanted = page;
  const waiting = texts.flatMap((video, index) => video.map((text, frame) => ({ text, video: index, frame })));
  Object.assign(bar, { max: waiting.length, value: 0 });
  waiting.sort((one, other) => other.frame - one.frame);  // taken from the end: first frames first
  const worker = async () => {
    for (let next = waiting.pop(); next && page === wanted; next = waiting.pop()) {
      const picture = await decode(next.text, wanted.mime);
      if (page !== wanted) return picture.close();
      pictures[next.video][next.frame] = picture;
      bar.value += 1;
      if (next.frame === 0) repaint();
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  if (page !== wanted) return false;
  byId("loading").hidden = true;
  window.__ready = true;
  document.documentElement.dataset.ready = "true";
  repaint();
  return true;
}

// The pictures of each script element; their text goes, being as large as the page.
const takePictures = (scripts) => [...scripts].map((script) => {
  const texts = script.textContent.trim().split("\n");
  script.remove();
  return texts;
});

function decode(text, mime) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  return createImageBitmap(new Blob([bytes], { type: mime }), options);
}

// ---- Geometry, in device pixels. A view is a rectangle of the canvas showing frames ----

const ratio = () => canvas.width / Math.max(1, stage.clientWidth);

function views() {
  const { width: w, height: h } = canvas, gap = Math.round(2 * ratio());
  if (state.mode === "side") return sideViews(w, h, gap);
  if (state.mode === "slice") return sliceViews(w, h, gap);
  return [{ x: 0, y: 0, w, h }];
}

function sideViews(w, h, gap) {
  const halfW = Math.floor((w - gap) / 2), halfH = Math.floor((h - gap) / 2);
  const beside = Math.min(halfW / width, h / height) >= Math.min(w / width, halfH / height);
  return beside
    ? [{ x: 0, y: 0, w: halfW, h }, { x: halfW + gap, y: 0, w: halfW, h }]
    : [{ x: 0, y: 0, w, h: halfH }, { x: 0, y: halfH + gap, w, h: halfH }];
}

// The frame of A above, centred on the row, and below it one slice a video.
function sliceViews(w, h, gap) {
  const top = Math.floor(h * 0.34), count = page.videos.length;
  const each = Math.floor((h - top - gap * count) / count);
  const slices = page.videos.map((_, video) => ({ x: 0, y: top + gap + video * (each + gap), w, h: each }));
  return [{ x: 0, y: 0, w, h: top }, ...slices];
}

// Where the frame lies for a view. 1x is one CSS pixel, rounded to whole device pixels, a frame pixel.
function placement(view) {
  const fit = state.mode === "slice" ? view.w / width : Math.min(view.w / width, view.h / height);
  const scale = state.zoom === "fit" ? fit : Number(state.zoom) * Math.max(1, Math.floor(devicePixelRatio));
  const middle = state.mode === "slice" ? state.row + 0.5 : state.y;
  return {
    scale, left: place(view.x, view.w, width * scale, state.x * scale),
    top: place(view.y, view.h, height * scale, middle * scale),
  };
}

function place(start, room, size, middle) {
  if (size <= room) return start + Math.round((room - size) / 2);
  return Math.round(clamp(start + room / 2 - middle, start + room - size, start));
}

// The part of a view the picture covers.
function visible(view) {
  const { scale, left, top } = placement(view);
  const x = Math.max(view.x, left), y = Math.max(view.y, top);
  return {
    x, y, w: Math.min(view.x + view.w, left + width * scale) - x,
    h: Math.min(view.y + view.h, top + height * scale) - y,
  };
}

const dividerAt = (view) => {
  const seen = visible(view);
  return Math.round(seen.x + state.split * seen.w);
};

// ---- Painting ----

let asked = false;
function repaint() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; paint(); });
}

function paint() {
  if (!pictures[state.a][state.frame] || !pictures[state.b][state.frame]) return;
  screen2d.fillStyle = getComputedStyle(stage).backgroundColor;
  screen2d.fillRect(0, 0, canvas.width, canvas.height);
  PAINTERS[state.mode](views());
}

const PAINTERS = {
  slider([view]) {
    const at = dividerAt(view);
    within({ ...view, w: at - view.x }, () => { drawPicture(now(state.a), view); tag("A", state.a, view, "left", 0.5); });
    within({ ...view, x: at, w: view.x + view.w - at },
      () => { drawPicture(now(state.b), view); tag("B", state.b, view, "right", 0.5); });
    placeDivider(view, at);
  },
  side([one, other]) {
    within(one, () => { drawPicture(now(state.a), one); tag("A", state.a, one, "left"); });
    within(other, () => { drawPicture(now(state.b), other); tag("B", state.b, other, "left"); });
  },
  flip([view]) {
    drawPicture(now(state.flipped ? state.b : state.a), view);
    if (state.flipped) tag("B", state.b, view, "right"); else tag("A", state.a, view, "left");
  },
  difference([view]) {
    drawPicture(difference(), view);
    write(`|A − B| ×${state.gain}`, visible(view), "left");
  },
  slice([top, ...slices]) {
    within(top, () => { drawPicture(now(state.a), top); tag("A", state.a, top, "left"); });
    const { scale, top: edge } = placement(top);
    mark(top.x, Math.round(edge + (state.row + 0.5) * scale), top.w);
    rowOverTime().forEach((strip, video) => within(slices[video], () => drawSlice(strip, slices[video], video)));
  },
};

const now = (video) => pictures[video][state.frame];

function within(view, draw) {
  screen2d.save();
  screen2d.beginPath();
  screen2d.rect(view.x, view.y, Math.max(0, view.w), view.h);
  screen2d.clip();
  draw();
  screen2d.restore();
}

// Whole-number scales stay nearest-neighbour and exact; only Fit at an uneven scale is smoothed.
function drawPicture(picture, view) {
  const { scale, left, top } = placement(view);
  screen2d.imageSmoothingEnabled = !Number.isInteger(scale);
  screen2d.imageSmoothingQuality = "high";
  const x0 = clamp(Math.floor((view.x - left) / scale), 0, width - 1);
  const y0 = clamp(Math.floor((view.y - top) / scale), 0, height - 1);
  const x1 = clamp(Math.ceil((view.x + view.w - left) / scale), x0 + 1, width);
  const y1 = clamp(Math.ceil((view.y + view.h - top) / scale), y0 + 1, height);
  screen2d.drawImage(picture, x0, y0, x1 - x0, y1 - y0,
    left + x0 * scale, top + y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale);
}

// Exact in 8 bits: the browser's own |A - B|, doubled by adding the canvas to itself.
function difference() {
  const layer = (operation, picture) => {
    scratch.globalCompositeOperation = operation;
    scratch.drawImage(picture, 0, 0);
  };
  layer("copy", now(state.a));
  layer("difference", now(state.b));
  for (let gain = 1; gain < Number(state.gain); gain *= 2) layer("lighter", scratch.canvas);
  return scratch.canvas;
}

// One strip a video: the chosen row of every frame, first frame on top. Redrawn when the row moves.
function rowOverTime() {
  if (stripRow !== state.row) {
    strips.forEach((strip, video) => pictures[video].forEach((picture, frame) =>
      strip.drawImage(picture, 0, state.row, width, 1, 0, frame, width, 1)));
    stripRow = state.row;
  }
  return strips.map((strip) => strip.canvas);
}

function drawSlice(strip, view, video) {
  const { scale, left } = placement(view), each = view.h / frames;
  screen2d.imageSmoothingEnabled = each < 1;
  screen2d.drawImage(strip, 0, 0, width, frames, left, view.y, width * scale, view.h);
  mark(view.x, Math.round(view.y + (state.frame + 0.5) * each), view.w);
  const names = [video === state.a ? "A" : "", video === state.b ? "B" : ""].join("");
  tag(names, video, view, "left");
}

function makeCanvas(w, h, options) {
  const made = document.createElement("canvas");
  made.width = w;
  made.height = h;
  return made.getContext("2d", { alpha: false, ...options });
}

// A thin light line with dark edges: seen on any picture.
function mark(x, y, w) {
  const thick = Math.max(1, Math.round(ratio()));
  screen2d.fillStyle = "rgb(0 0 0 / 60%)";
  screen2d.fillRect(x, y - thick, w, thick * 3);
  screen2d.fillStyle = "#fff";
  screen2d.fillRect(x, y, w, thick);
}

const tag = (name, video, view, side, part = 1) =>
  write(`${page.videos.length > 1 ? name : ""} ${page.videos[video].label}`.trim(), visible(view), side, part);

// A label in an upper corner of the area, at most `part` of its width.
function write(text, area, side, part = 1) {
  const unit = ratio(), pad = 7 * unit, tall = 24 * unit, inset = 8 * unit;
  screen2d.font = `600 ${13 * unit}px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif`;
  const shown = shorten(text, area.w * part - 2 * inset - 2 * pad);
  const w = screen2d.measureText(shown).width + 2 * pad;
  const x = side === "left" ? area.x + inset : area.x + area.w - inset - w;
  screen2d.fillStyle = "rgb(0 0 0 / 68%)";
  screen2d.beginPath();
  screen2d.roundRect(x, area.y + inset, w, tall, 4 * unit);
  screen2d.fill();
  screen2d.fillStyle = "#fff";
  screen2d.textBaseline = "middle";
  screen2d.fillText(shown, x + pad, area.y + inset + tall / 2);
}

function shorten(text, room) {
  if (screen2d.measureText(text).width <= room) return text;
  let kept = text;
  while (kept.length > 1 && screen2d.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1);
  return `${kept}…`;
}

function placeDivider(view, at) {
  const seen = visible(view), unit = ratio();
  divider.style.transform = `translate(${at / unit}px, ${seen.y / unit}px)`;
  divider.style.height = `${seen.h / unit}px`;
}

// ---- Controls: from state to the page's elements ----

const choose = (group, value) => { byId(group).querySelector(`input[value="${value}"]`).checked = true; };

function update(changes) {
  Object.assign(state, changes);
  showPlace();
  choose("modes", state.mode);
  choose("zooms", state.zoom);
  choose("gains", state.gain);
  byId("a").value = state.a;
  byId("b").value = state.b;
  byId("row").value = byId("row-text").value = state.row;
  byId("hold").ariaPressed = state.flipped;
  byId("loop").ariaPressed = state.loop;
  byId("speed").value = state.speed;
  stage.classList.toggle("zoomed", state.zoom !== "fit");
  divider.hidden = state.mode !== "slider";
  divider.ariaValueNow = Math.round(state.split * 100);
  document.querySelectorAll("[data-for]").forEach((part) => { part.hidden = part.dataset.for !== state.mode; });
  showScale();
  saveSoon();
  repaint();
}

function showPlace() {
  byId("seek").value = state.frame + 1;
  const seconds = `${page.times[state.frame].toFixed(3)} s`;
  const number = page.first + state.frame + 1, all = page.length;
  byId("seek").ariaValueText = `Frame ${number} of ${all}, ${seconds}`;
  byId("place").innerHTML = `<b>Frame</b> ${number} / ${all} <span>${seconds}</span>`;
  document.dispatchEvent(new Event("framechange"));
}

function showScale() {
  const scale = placement(views()[0]).scale / ratio();
  byId("zoom-scale").value = state.zoom === "fit" ? `${scale.toFixed(2)}×` : "";
}

function showFrame(frame) {
  state.frame = frame;
  showPlace();
  repaint();
}

// ---- Playing: the frame follows the display's clock, rounded, so 60 fps on 60 Hz is one for one ----

const clock = { start: null, frame: 0 };

function setPlaying(playing) {
  state.playing = playing;
  if (playing && !state.loop && state.frame === frames - 1) state.frame = 0;
  byId("play").ariaLabel = playing ? "Pause" : "Play";
  byId("play-shape").setAttribute("d", playing ? "M6 4h4v16H6zM14 4h4v16h-4z" : "M7 4v16l12-8z");
  resetClock();
  if (playing) requestAnimationFrame(tick); else saveSoon();
}

function resetClock() {
  clock.start = null;
  clock.frame = state.frame;
}

function tick(time) {
  if (!state.playing) return;
  clock.start ??= time;
  const frame = clock.frame + Math.round((time - clock.start) / 1000 * page.rate * state.speed);
  if (frame >= frames && !state.loop) {
    showFrame(frames - 1);
    setPlaying(false);
    return;
  }
  if (frame % frames !== state.frame) showFrame(frame % frames);
  requestAnimationFrame(tick);
}

function step(by) {
  if (state.playing) setPlaying(false);
  const frame = state.frame + by;
  goTo(state.loop ? (frame + frames) % frames : frame);
}

function goTo(frame) {
  showFrame(clamp(frame, 0, frames - 1));
  resetClock();
  saveSoon();
}

// ---- Zoom and pan ----

// Zooms by steps, keeping the frame's point under (x, y) of the canvas where it is.
function zoomBy(steps, x, y) {
  const view = viewAt(x, y), before = placement(view);
  const point = { x: (x - before.left) / before.scale, y: (y - before.top) / before.scale };
  update({ zoom: nextZoom(steps, before.scale) });
  const { scale } = placement(view);
  lookAt(point.x + (view.x + view.w / 2 - x) / scale, point.y + (view.y + view.h / 2 - y) / scale);
}

// From Fit, the first whole zoom that is larger; below the smallest larger one, Fit.
function nextZoom(steps, scale) {
  if (state.zoom !== "fit") return ZOOMS[clamp(ZOOMS.indexOf(state.zoom) + steps, 0, ZOOMS.length - 1)];
  const unit = Math.max(1, Math.floor(devicePixelRatio));
  if (steps < 0) return "fit";
  return ZOOMS.slice(1).find((zoom) => Number(zoom) * unit > scale * 1.01) ?? "8";
}

function lookAt(x, y) {
  update({ x: clamp(x, 0, width), y: clamp(y, 0, height) });
}

// Panning starts from what is shown, not from a point the edges have already stopped.
function panBy(dx, dy) {
  const view = views()[0], { scale, left, top } = placement(view);
  const x = (view.x + view.w / 2 - left - dx) / scale, y = (view.y + view.h / 2 - top - dy) / scale;
  if (state.mode === "slice") update({ x, row: clamp(state.row - dy / scale, 0, height - 1) });
  else lookAt(x, y);
}

function viewAt(x, y) {
  const all = views();
  return all.find((view) => x >= view.x && x < view.x + view.w && y >= view.y && y < view.y + view.h) ?? all[0];
}

// ---- Mouse and touch on the stage ----

const touches = new Map();  // pointer id -> last point, device pixels
let gesture = null;  // "divider", "pan" or "pinch"
let spread = 0;      // distance of two fingers at the last zoom step
let travelled = 0;   // device pixels since the press: a press that hardly moves is a click

function pointOf(event) {
  const box = stage.getBoundingClientRect(), unit = ratio();
  return { x: (event.clientX - box.left) * unit, y: (event.clientY - box.top) * unit };
}

function pressed(event) {
  if (event.button !== 0 || !window.__ready) return;
  stage.setPointerCapture(event.pointerId);
  touches.set(event.pointerId, pointOf(event));
  travelled = 0;
  if (touches.size === 2) { gesture = "pinch"; spread = fingersApart(); return; }
  const free = state.mode === "slider" && !pannable();
  gesture = divider.contains(event.target) || free ? "divider" : "pan";
  if (gesture === "divider") moveDivider(pointOf(event).x);
  if (state.mode === "flip") update({ flipped: true });
}

function moved(event) {
  const last = touches.get(event.pointerId);
  if (!last) return;
  const point = pointOf(event);
  touches.set(event.pointerId, point);
  travelled += Math.abs(point.x - last.x) + Math.abs(point.y - last.y);
  if (gesture === "divider") moveDivider(point.x);
  if (gesture === "pan") dragBy(point.x - last.x, point.y - last.y);
  if (gesture === "pinch") pinch();
}

function released(event) {
  if (!touches.has(event.pointerId)) return;
  const { x, y } = pointOf(event);
  touches.delete(event.pointerId);
  if (state.mode === "slice" && gesture === "pan" && travelled < 4 * ratio()) pickInSlice(x, y);
  if (state.mode === "flip") update({ flipped: false });
  if (touches.size === 0) gesture = null;
}

function pannable() {
  const view = views()[0], { scale } = placement(view);
  return width * scale > view.w + 1 || height * scale > view.h + 1;
}

// Rows are whole: the part of a drag too small for a row waits for the next move.
let rowRest = 0;
function dragBy(dx, dy) {
  if (state.mode !== "slice") { panBy(dx, dy); return; }
  const { scale } = placement(views()[0]);
  const rows = Math.trunc((dy + rowRest) / scale);
  rowRest += dy - rows * scale;
  panBy(dx, rows * scale);
}

function moveDivider(x) {
  const seen = visible(views()[0]);
  update({ split: clamp((x - seen.x) / seen.w, 0, 1) });
}

function fingersApart() {
  const [one, other] = [...touches.values()];
  return Math.hypot(one.x - other.x, one.y - other.y);
}

function pinch() {
  const [one, other] = [...touches.values()];
  const apart = fingersApart();
  if (apart < spread * 1.4 && apart > spread / 1.4) return;
  zoomBy(apart > spread ? 1 : -1, (one.x + other.x) / 2, (one.y + other.y) / 2);
  spread = apart;
}

// A click on the picture chooses the row; on a slice, the frame.
function pickInSlice(x, y) {
  const [top, ...slices] = views();
  const slice = slices.find((view) => y >= view.y && y < view.y + view.h);
  if (slice) { goTo(Math.floor((y - slice.y) / slice.h * frames)); return; }
  const { scale, top: edge } = placement(top);
  update({ row: clamp(Math.floor((y - edge) / scale), 0, height - 1) });
}

// A notch of a wheel is one event of about 100, a swipe on a touchpad many small ones: a step for
// every 50, and a pause after each, make both one step at a time.
const WHEEL_STEP = 50, WHEEL_PAUSE = 120;  // CSS pixels (a line counts as 33), milliseconds
const wheel = { rest: 0, last: 0 };
function wheeled(event) {
  if (embedded && !event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  if (event.timeStamp - wheel.last < WHEEL_PAUSE) return;
  wheel.rest += event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1);
  if (Math.abs(wheel.rest) < WHEEL_STEP) return;
  const { x, y } = pointOf(event);
  zoomBy(wheel.rest < 0 ? 1 : -1, x, y);
  Object.assign(wheel, { rest: 0, last: event.timeStamp });
}

// ---- Keys ----

const arrow = (by) => () => {
  if (state.mode === "slider") update({ split: clamp(state.split + by / 100, 0, 1) });
  else step(by);
};
const zoomMiddle = (steps) => () => zoomBy(steps, canvas.width / 2, views()[0].h / 2);
const moveRow = (by) => () => update({ row: clamp(state.row + by, 0, height - 1) });
const KEYS = {
  " ": () => setPlaying(!state.playing), ",": () => step(-1), ".": () => step(1),
  ArrowLeft: arrow(-1), ArrowRight: arrow(1), ArrowUp: moveRow(-1), ArrowDown: moveRow(1),
  "Shift ArrowLeft": () => step(-1), "Shift ArrowRight": () => step(1),
  Home: () => goTo(0), End: () => goTo(frames - 1),
  b: () => { if (state.mode === "flip") update({ flipped: true }); },
  s: () => update({ a: state.b, b: state.a }), l: () => update({ loop: !state.loop }),
  "+": zoomMiddle(1), "=": zoomMiddle(1), "-": zoomMiddle(-1), 0: () => update({ zoom: "fit" }),
  "?": () => byId("about").showModal(),
};
MODES.forEach((mode, index) => { KEYS[index + 1] = () => update({ mode }); });

// Keys a focused control uses itself are left to it.
function leftToControl(event) {
  const control = event.target.closest?.("button, select, input");
  if (!control) return false;
  if (event.key === " " || event.key === "Enter") return control.type !== "range";
  return control.tagName !== "BUTTON" && /^(Arrow|Home|End|Page)/.test(event.key);
}

function keyDown(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("about").open || !window.__ready) return;
  if (leftToControl(event)) return;
  const shifted = event.shiftKey && event.key.startsWith("Arrow") ? `Shift ${event.key}` : event.key;
  const action = KEYS[shifted.length === 1 ? shifted.toLowerCase() : shifted];
  if (!action) return;
  event.preventDefault();
  action();
}

function keyUp(event) {
  if (event.key.toLowerCase() === "b" && state.flipped) update({ flipped: false });
}

// ---- The address: frame, view and zoom after the #, so that a place can be shared ----

let saving = 0;
function saveSoon() {
  clearTimeout(saving);
  if (window.__ready && !state.playing) saving = setTimeout(save, 200);
}

function save() {
  const { mode, zoom, gain, row, a, b } = state;
  const saved = { frame: state.frame + 1, mode, zoom, x: state.x.toFixed(1), y: state.y.toFixed(1),
    a: a + 1, b: b + 1, split: state.split.toFixed(3), gain, row };
  if (page.clip) saved.clip = page.clip;
  history.replaceState(null, "", `#${new URLSearchParams(saved)}`);
}

// Anything missing or out of range keeps its present value: an address may be typed by hand.
function restore() {
  const saved = new URLSearchParams(location.hash.slice(1));
  const number = (name, low, high, present) => {
    const value = saved.has(name) ? Number(saved.get(name)) : NaN;
    return Number.isFinite(value) ? clamp(value, low, high) : present;
  };
  const whole = (name, low, high, present) => Math.round(number(name, low, high, present));
  const oneOf = (name, all) => (all.includes(saved.get(name)) ? saved.get(name) : state[name]);
  update({
    frame: whole("frame", 1, frames, state.frame + 1) - 1,
    a: whole("a", 1, page.videos.length, state.a + 1) - 1,
    b: whole("b", 1, page.videos.length, state.b + 1) - 1,
    mode: oneOf("mode", MODES), zoom: oneOf("zoom", ZOOMS), gain: oneOf("gain", GAINS),
    x: number("x", 0, width, state.x), y: number("y", 0, height, state.y),
    split: number("split", 0, 1, state.split), row: whole("row", 0, height - 1, state.row),
  });
  resetClock();
}

// ---- Setting up ----

function fillPage() {
  byId("facts").textContent = `${width} × ${height}, ${frames} frames, ${page.rate_text}, ${page.stored_short}`;
  byId("stored").textContent = page.stored;
  byId("facts").title = page.stored;
  byId("title").textContent = byId("title").title = page.title;
  byId("difference-hint").textContent = page.lossless ? "Black: no difference" : "Storage error included";
  for (const id of ["a", "b"]) byId(id).replaceChildren(...page.videos.map((video, index) => new Option(video.label, index)));
  byId("videos").replaceChildren(...page.videos.map(videoLine));
  byId("warnings").replaceChildren(...page.warnings.map(
    (warning) => Object.assign(document.createElement("li"), { textContent: warning })));
  byId("warnings").hidden = page.warnings.length === 0;
  byId("seek").max = frames;
  byId("row").max = height - 1;
  byId("loading").hidden = false;
}

function videoLine(video) {
  const line = document.createElement("tr");
  line.append(Object.assign(document.createElement("th"), { textContent: video.label }));
  line.insertCell().textContent = video.file;
  return line;
}

function listen() {
  const on = (id, kind, action) => byId(id).addEventListener(kind, (event) => action(event.target.value));
  for (const id of ["a", "b"]) on(id, "change", (value) => update({ [id]: Number(value) }));
  on("modes", "change", (mode) => update({ mode }));
  on("zooms", "change", (zoom) => update({ zoom }));
  on("gains", "change", (gain) => update({ gain }));
  on("row", "input", (row) => update({ row: Number(row) }));
  on("seek", "input", (frame) => goTo(Number(frame) - 1));
  on("speed", "change", (speed) => { update({ speed: Number(speed) }); resetClock(); });
  on("play", "click", KEYS[" "]);
  on("back", "click", KEYS[","]);
  on("forward", "click", KEYS["."]);
  on("loop", "click", KEYS.l);
  on("swap", "click", KEYS.s);
  on("help", "click", KEYS["?"]);
  listenStage();
  listenHold();
  if (embedded) byId("wheel").textContent = "Ctrl and the mouse wheel";
  const keyboard = embedded ? viewer : document;
  keyboard.addEventListener("keydown", keyDown);
  document.addEventListener("keyup", keyUp);
}

function listenStage() {
  stage.addEventListener("pointerdown", pressed);
  stage.addEventListener("pointermove", moved);
  stage.addEventListener("pointerup", released);
  stage.addEventListener("pointercancel", released);
  stage.addEventListener("wheel", wheeled, { passive: false });
  stage.addEventListener("dragstart", (event) => event.preventDefault());
  new ResizeObserver(resize).observe(stage);
  addEventListener("resize", resize);  // another screen may have other pixels at the same size
}

function listenHold() {
  const see = (flipped) => () => update({ flipped });
  const isPress = (event) => event.key === " " || event.key === "Enter";
  byId("hold").addEventListener("pointerdown", see(true));
  for (const kind of ["pointerup", "pointercancel", "pointerleave", "blur"]) {
    byId("hold").addEventListener(kind, see(false));
  }
  byId("hold").addEventListener("contextmenu", (event) => event.preventDefault());
  byId("hold").addEventListener("keydown", (event) => { if (isPress(event)) see(true)(); });
  byId("hold").addEventListener("keyup", (event) => { if (isPress(event)) see(false)(); });
  addEventListener("blur", see(false));
}

// After a click or a tap the keys belong to the picture again; keyboard users keep their focus.
function returnFocus() {
  let byPointer = false;
  addEventListener("pointerdown", () => { byPointer = true; }, true);
  addEventListener("keydown", () => { byPointer = false; }, true);
  const back = (event) => {
    if (byPointer && !byId("about").open && event.target.closest("button, select, input")) {
      stage.focus({ preventScroll: true });
    }
  };
  document.addEventListener("change", back);
  document.addEventListener("click", (event) => { if (event.target.closest("button")) back(event); });
}

// The canvas has exactly the screen's pixels (a box's edges snap to them, one by one): any other
// size would be resampled.
function resize() {
  const box = stage.getBoundingClientRect(), snap = (edge) => Math.round(edge * devicePixelRatio);
  canvas.width = Math.max(1, snap(box.right) - snap(box.left));
  canvas.height = Math.max(1, snap(box.bottom) - snap(box.top));
  showScale();
  paint();
}

function failed(problem) {
  byId("loading").hidden = false;
  byId("loading").textContent = `The frames could not be shown: ${problem.message}`;
  document.documentElement.dataset.failed = problem.message;
}
