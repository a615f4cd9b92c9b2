// ---- The report: what concerns all clips is filled once, the rest by `showClip` ----

const report = JSON.parse(byId("page").textContent);
const storedTexts = new Map();  // clip -> its pictures' base64, kept: a clip can be chosen again

function fillReport() {
  byId("report-title").textContent = document.title;
  byId("report-subtitle").textContent = report.subtitle;
  byId("report-keys").replaceChildren(...report.keys.map(
    (name) => keyCard(report.table.find((row) => row.name === name))));
  byId("report-table").replaceChildren(figureTable(report.table));
  byId("report-about").replaceChildren(...factList(report.about));
  const several = report.clips.length > 1;
  byId("report-figures-note").textContent = several
    ? "Means over all clips, with 95 % intervals by bootstrap over them. A change is unclear where its interval holds zero." : "";
  byId("report-figures-note").hidden = byId("report-chooser").hidden = !several;
  byId("report-clip-figures").hidden = !several;
  byId("report-clip").replaceChildren(...report.clips.map((clip, index) => new Option(clip.name, index)));
}

async function showClip(index) {
  const clip = report.clips[index];
  byId("report-clip").value = index;
  byId("report-frames-title").textContent = report.clips.length > 1 ? clip.name : "Frames";
  byId("report-clip-facts").replaceChildren(...factLine(clip.facts));
  byId("report-clip-warnings").replaceChildren(...clip.warnings.map((text) => make("li", {}, text)));
  byId("report-clip-warnings").hidden = clip.warnings.length === 0;
  if (report.clips.length > 1) byId("report-clip-table").replaceChildren(figureTable(clip.table));
  use(clip.viewer);
  update({});
  resize();
  drawCharts(clip);
  fillSlices(clip);
  byId("report-worst").replaceChildren(...clip.worst.map((group) => worstGroup(group, clip)));
  byId("report-worst-part").hidden = clip.worst.length === 0;
  if (!storedTexts.has(index)) {
    storedTexts.set(index, takePictures(document.querySelectorAll(`script.pictures[data-clip="${index}"]`)));
  }
  await decodeAll(storedTexts.get(index));
}

function fillSlices(clip) {
  byId("report-slices-part").hidden = !clip.slices;
  if (!clip.slices) return;
  byId("report-slices").replaceChildren(sliceStrip(clip.slices, clip));
  byId("report-slices-note").textContent = `The same pixels of every frame, time running down: where the `
    + `${clip.slices.judged} flickers most. Steady content draws clean lines; flicker shows as dashes.`;
}

// To a frame in the viewer, which comes into sight; (x, y) is what to look at when zoomed in.
function showFrameAbove(frame, x = state.x, y = state.y) {
  if (state.playing) setPlaying(false);
  update({ x, y });
  goTo(frame);
  const box = viewer.getBoundingClientRect();
  const seen = Math.min(box.bottom, innerHeight) - Math.max(box.top, 0);
  if (seen < 0.6 * Math.min(box.height, innerHeight)) {
    const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    viewer.scrollIntoView({ block: "start", behavior: smooth ? "smooth" : "instant" });
  }
}

const chosenClip = () => Number(byId("report-clip").value);

function listenReport() {
  const all = report.clips.length;
  const show = (index) => showClip((index + all) % all).then(saveSoon).catch(failed);
  byId("report-clip").addEventListener("change", () => show(chosenClip()));
  byId("report-chooser").querySelectorAll("button").forEach((button) =>
    button.addEventListener("click", () => show(chosenClip() + Number(button.dataset.by))));
  document.addEventListener("framechange", markFrame);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(report.clips[chosenClip()]));
  new ResizeObserver(resizeCharts).observe(byId("report-curves"));
  addEventListener("hashchange", toAddress);
}

// The address names the clip and the place in it.
async function toAddress() {
  const clip = Number(new URLSearchParams(location.hash.slice(1)).get("clip")) || page?.clip || 1;
  const index = clamp(Math.round(clip), 1, report.clips.length) - 1;
  const shown = page?.clip === index + 1 ? undefined : showClip(index);
  restore();
  await shown;
}

async function startReport() {
  // The pictures come last in the file.
  await new Promise((done) => addEventListener("DOMContentLoaded", done));
  fillReport();
  listenReport();
  const shown = toAddress();
  listen();
  returnFocus();
  await shown;
}

startReport().catch(failed);
