// ---- Parts of the report made from what Python tells: figures, pictures, facts ----

const ROLES = ["input", "output", "reference"];
const ROLE_NAMES = { input: "Input", output: "Output", reference: "Reference", change: "Change" };
const COLUMN_NAMES = { ...ROLE_NAMES, reference: "Reference’s own" };

// An element with properties and children; text is only ever set as text.
function make(tag, properties, ...children) {
  const { data = {}, ...rest } = properties ?? {};
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, data);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

// Unclear: the interval over clips holds zero.
const VERDICTS = { better: "good", worse: "bad" };

// From one side of what is right to the other, a figure changes and is as good as before.
function verdictText({ change: { text, verdict } }) {
  if (verdict !== "same") return verdict;
  return /^[0.]+$/.test(text) ? "no change" : "as good";
}

// "−43 %", "+1.20 dB"
function changeText(row) {
  const { text, percent } = row.change;
  return percent ?? (text === "–" ? text : `${text} ${row.unit}`.trim());
}

function keyCard(row) {
  const { verdict } = row.change;
  const large = make("span", { className: "large" }, row.output.text, " ", make("small", {}, row.unit));
  const known = row.change.text !== "–";
  return make("li", {}, make("span", { className: "name" }, row.title), large,
    known ? make("span", { className: `verdict ${VERDICTS[verdict] ?? ""}` },
      [changeText(row), verdictText(row)].filter(Boolean).join(", "))
      : make("span", { className: "muted" }, row.direction),
    known ? make("span", { className: "from" }, `input ${row.input.text}, ${row.direction}`) : null);
}

// The columns that hold anything, of: input, output, change, reference.
function columnsOf(rows) {
  const filled = (name) => rows.some((row) => row[name].text !== "–");
  return ["input", "output", "change", "reference"].filter((name) => name === "output" || filled(name));
}

function figureTable(rows) {
  const columns = columnsOf(rows), head = make("tr", {}, make("th", { scope: "col" }, "Metric"));
  columns.forEach((name) => head.append(make("th", { scope: "col" }, COLUMN_NAMES[name])));
  const body = make("tbody", {}, ...rows.map((row) =>
    make("tr", {}, metricCell(row), ...columns.map((name) => figureCell(row, name)))));
  return make("table", {}, make("thead", {}, head), body);
}

function metricCell(row) {
  const about = [row.unit, row.direction].filter(Boolean).join(", ");
  const limit = make("p", {}, make("b", {}, "Its limit: "), row.limit);
  return make("th", { scope: "row" }, make("div", { className: "metric" }, `${row.title} `, make("span", {}, about)),
    make("details", {}, make("summary", {}, row.meaning), limit));
}

function figureCell(row, name) {
  const cell = make("td", { className: name, data: { label: COLUMN_NAMES[name] } }, row[name].text);
  if (name === "reference" && row[name].text === "–") return make("td", { className: "none" });
  if (row[name].range) cell.append(make("small", {}, row[name].range));
  if (name === "change") {
    const { verdict, percent } = row.change;
    cell.classList.add(VERDICTS[verdict] ?? "neutral");
    const words = [percent, verdictText(row)].filter(Boolean).join(" ");
    if (words) cell.append(make("small", { className: VERDICTS[verdict] ?? "" }, words));
  }
  if (name === "output" && row.missing) cell.append(make("small", { className: "reason" }, row.missing));
  return cell;
}

const factLine = (pairs) => pairs.map((pair) => make("div", {}, ...factList([pair])));
const factList = (pairs) => pairs.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]);

// A small view of a whole frame with the place marked on it.
function placeMap(locator, text) {
  const [x, y, w, h] = locator.box.map((part) => `${100 * part}%`);
  const mark = make("i");
  Object.assign(mark.style, { left: x, top: y, width: w, height: h });
  const picture = make("img", { src: locator.src, alt: text, width: locator.width, height: locator.height });
  return make("span", { className: "map" }, picture, mark);
}

function shot(name, note, pictures, alt) {
  const images = pictures.map((one) => make("img", { src: one.src, width: one.width, height: one.height, alt }));
  return make("figure", { className: "shot" },
    make("figcaption", {}, name, make("span", {}, note ? ` ${note}` : "")), ...images);
}

function sliceStrip(found, clip) {
  const side = make("div", { className: "place" }, placeMap(found.locator, "Where the row lies"),
    make("p", {}, `Row ${found.row}, columns ${found.from} to ${found.to}`),
    make("p", { className: "muted" }, `Frames ${clip.viewer.first + 1} to ${clip.viewer.first + clip.viewer.frames}, from top to bottom`));
  const shots = ROLES.filter((role) => found.pictures[role]).map((role) => {
    const made = shot(ROLE_NAMES[role], "", [found.pictures[role]], `${ROLE_NAMES[role]}: the row over time`);
    made.querySelector("img").addEventListener("click", (event) =>
      showFrameAbove(Math.floor(event.offsetY / event.target.clientHeight * clip.viewer.frames)));
    return made;
  });
  return make("div", { className: "strip" }, side, ...shots);
}

function worstGroup(group, clip) {
  const shown = group.temporal ? "Each crop shows the frame before above the frame." : "";
  return make("div", { className: "worst" }, make("h3", {}, `By ${group.title}`),
    make("p", { className: "muted" }, `${group.meaning} ${shown}`),
    ...group.frames.map((one) => worstStrip(one, group, clip)));
}

function worstStrip(one, group, clip) {
  const [x, y, w, h] = one.area, number = clip.viewer.first + one.frame + 1;
  const go = () => showFrameAbove(one.frame, x + w / 2, y + h / 2);
  const button = make("button", { type: "button", data: { frame: one.frame } }, `Frame ${number}`);
  const side = make("div", { className: "place" }, placeMap(one.locator, `Where in frame ${number}`), button,
    make("p", { className: "muted" }, `${w} × ${h} pixels at ${x}, ${y}`));
  const shots = ROLES.filter((role) => one.pictures[role]).map((role) => shot(ROLE_NAMES[role],
    one.values[role] ? `${group.title} ${one.values[role]}` : "", one.pictures[role],
    `${ROLE_NAMES[role]}, frame ${number}, the worst place`));
  const strip = make("div", { className: "strip" }, side, ...shots);
  strip.addEventListener("click", go);
  return strip;
}
