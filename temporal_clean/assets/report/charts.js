// ---- Per-frame curves: one chart a metric, their cursors together, the viewer's frame marked ----

const CHART_HEIGHT = 150;  // CSS pixels
const charts = [];         // { plot, metric, marker, values }
const colorOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function drawCharts(clip) {
  charts.splice(0).forEach(({ plot }) => plot.destroy());
  byId("report-curves").replaceChildren(...clip.curves.map(() => make("figure", { className: "chart" })));
  clip.curves.forEach((metric, index) => addChart(byId("report-curves").children[index], metric, clip));
  const roles = ROLES.filter((role) => clip.curves.some(({ lines }) => lines[role]));
  byId("report-legend").replaceChildren(...roles.map((role) => {
    const made = make("b", {}, ROLE_NAMES[role]);
    made.style.setProperty("--line-color", `var(--${role})`);
    return made;
  }));
  byId("report-curves-part").hidden = clip.curves.length === 0;
  byId("report-shaded").hidden = clip.viewer.frames === clip.viewer.length;
  markFrame();
}

function addChart(figure, metric, clip) {
  const roles = ROLES.filter((role) => metric.lines[role]);
  const values = make("span", { className: "values" });
  figure.append(make("figcaption", {}, make("span", { className: "metric" }, `${metric.title} `,
    make("span", {}, [metric.unit, metric.direction].filter(Boolean).join(", "))), values));
  const numbers = metric.lines.output.map((_, index) => index + 1);
  const data = [numbers, ...roles.map((role) => metric.lines[role])];
  const chart = { metric, roles, values, clip, data };
  chart.plot = new uPlot(chartOptions(chart, figure), data, figure);
  chart.marker = make("div", { className: "now" });
  chart.plot.over.append(chart.marker);
  chart.plot.over.addEventListener("click", (event) => {
    const index = chart.plot.posToIdx(event.offsetX);
    showFrameAbove(index - clip.viewer.first);
  });
  charts.push(chart);
}

function chartOptions(chart, figure) {
  const { roles, data } = chart, soft = colorOf("soft"), rule = colorOf("rule");
  const axis = { stroke: soft, grid: { stroke: rule, width: 1 }, ticks: { show: false },
    font: '12px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif' };
  return {
    width: chartWidth(figure), height: CHART_HEIGHT, legend: { show: false },
    scales: { x: { time: false } },
    cursor: { sync: { key: "frames", scales: ["x", null] }, y: false, drag: { x: false, y: false } },
    axes: [{ ...axis, size: 26, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 10000] },
      { ...axis, size: 52, space: 28 }],
    series: [{}, ...roles.map((role, index) => ({
      stroke: colorOf(role), width: 1.5, dash: role === "reference" ? [5, 4] : undefined,
      points: { show: true, size: 4, fill: colorOf(role), filter: () => lonely(data[index + 1]) },
    }))],
    hooks: { setCursor: [() => tellValues(chart)], drawClear: [(plot) => shadeShown(plot, chart.clip)] },
  };
}

const chartWidth = (figure) => Math.max(120, figure.clientWidth - 24);

// A value without neighbours has no line to be seen by: it becomes a point.
const lonely = (values) => values.flatMap((value, index) =>
  (value !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null ? [index] : []));

function shadeShown(plot, { viewer: { first, frames: count, length } }) {
  if (count === length) return;
  const left = plot.valToPos(first + 1, "x", true), right = plot.valToPos(first + count, "x", true);
  plot.ctx.fillStyle = colorOf("shade");
  plot.ctx.fillRect(left, plot.bbox.top, right - left, plot.bbox.height);
}

// The values at the cursor, or at the viewer's frame.
function tellValues({ plot, metric, roles, values, clip, data }) {
  const index = plot?.cursor.idx ?? clip.viewer.first + state.frame;
  values.replaceChildren(...roles.map((role, line) => {
    const value = data[line + 1][index];
    const made = make("span", {}, value === null || value === undefined ? "–"
      : value.toFixed(metric.decimals).replace("-", "−"));
    made.style.color = `var(--${role})`;
    return made;
  }));
}

function markFrame() {
  for (const chart of charts) {
    const at = chart.plot.valToPos(chart.clip.viewer.first + state.frame + 1, "x");
    chart.marker.style.transform = `translateX(${Math.round(at)}px)`;
    if (chart.plot.cursor.idx === null || chart.plot.cursor.idx === undefined) tellValues(chart);
  }
}

function resizeCharts() {
  [...byId("report-curves").children].forEach((figure, index) => {
    const { plot } = charts[index];
    if (plot.width !== chartWidth(figure)) plot.setSize({ width: chartWidth(figure), height: CHART_HEIGHT });
  });
  markFrame();
}
