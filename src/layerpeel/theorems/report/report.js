const byId = (id) => document.getElementById(id);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const on = (target, kind, heard) => target && target.addEventListener(kind, heard);

// ---- rooms: search, filters, order, folds
const list = byId("list"), rooms = all(":scope > details", list), order = [...list.children], texts = new Map();
const text = (room) => {
  if (!texts.has(room)) texts.set(room, `${room.id} ${room.textContent}`.toLowerCase());
  return texts.get(room);
};

function filter() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const asked = all("select[data-filter]").filter((choice) => choice.value).map((choice) => [choice.dataset.filter, choice.value]);
  const fits = (check) => asked.every(([name, value]) => check.dataset[name] === value);
  let shown = 0, checks = 0;
  for (const room of rooms) {
    const fitting = all(".check[id]", room).filter(fits).length;
    room.hidden = !((fitting || !asked.length) && words.every((word) => text(room).includes(word)));
    if (!room.hidden) { shown++; checks += fitting; }
  }
  const key = byId("sort").value;
  if (key) list.append(...[...rooms].sort((a, b) => b.dataset[key] - a.dataset[key]));
  else list.append(...order);
  let head = null;
  for (const part of list.children) {
    if (part.matches("h3")) { head = part; head.hidden = true; }
    else if (head && !part.hidden && !key) head.hidden = false;
  }
  byId("shown").textContent = `${shown} of ${rooms.length} rooms, ${checks} checks that fit`;
}

const form = byId("filters");
form.hidden = false;
on(form, "input", filter);
on(form, "submit", (event) => event.preventDefault());
on(form, "reset", () => setTimeout(filter));
for (const open of [true, false]) on(byId(open ? "unfold" : "fold"), "click", () => rooms.forEach((room) => { if (!room.hidden) room.open = open; }));
filter();

function follow() { // a permanent link opens what holds its target, and shows it though a filter hid it
  let target = null;
  try { target = byId(decodeURIComponent(location.hash.slice(1))); } catch { return; }
  if (!target) return;
  for (let part = target; part; part = part.parentElement) {
    if (part.matches("details")) part.open = true;
    part.hidden = false;
  }
  target.scrollIntoView();
}
on(window, "hashchange", follow);
on(document, "click", (event) => { if (event.target.closest("a[href='" + location.hash + "']")) follow(); });
if (location.hash) follow();

// ---- colours, copies, files
const schemes = ["as the system", "light", "dark"], scheme = byId("scheme");
scheme.hidden = false;
on(scheme, "click", () => {
  const next = schemes[(schemes.indexOf(scheme.textContent.slice(9)) + 1) % 3];
  scheme.textContent = `colours: ${next}`;
  if (next === schemes[0]) delete document.documentElement.dataset.scheme; else document.documentElement.dataset.scheme = next;
});

for (const button of all("[data-copy]")) {
  button.hidden = false;
  on(button, "click", async () => {
    const from = button.previousElementSibling;
    try { await navigator.clipboard.writeText(from.textContent); }
    catch { getSelection().selectAllChildren(from); document.execCommand("copy"); }
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
}

const data = (figure) => JSON.parse(figure.querySelector("script").textContent);
const quoted = (cell) => (typeof cell === "string" ? `"${cell.replace(/^(?=[=+@-])/, "'").replaceAll('"', '""')}"` : cell ?? "");

for (const button of all("[data-csv]")) {
  button.hidden = false;
  on(button, "click", () => {
    const { x, y, series } = data(button.closest("figure")), rows = [["series", x, y, "low", "high"]];
    for (const s of series) s.x.forEach((at, i) => rows.push([s.label, at, s.y[i], s.low[i], s.high[i]]));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([rows.map((row) => row.map(quoted).join(",") + "\r\n").join("")], { type: "text/csv" }));
    link.download = `${button.dataset.csv}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

// ---- the value under the pointer
const hover = byId("hover");
const short = (value) => (value === null ? "none" : Number(value.toPrecision(5)).toString());

function nearest(svg, figure, event) {
  const parts = svg.dataset.axes.split(" "), [x0, x1, xLow, xHigh, y0, y1, yLow, yHigh] = parts.slice(0, 8).map(Number);
  const along = (v, low, high, kind) => (kind === "log" ? log(v / low) / log(high / low) : (v - low) / (high - low));
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  let best = null, least = 30;
  for (const s of data(figure).series) s.x.forEach((x, i) => {
    if (x === null || s.y[i] === null) return;
    const px = x0 + along(x, xLow, xHigh, parts[8]) * (x1 - x0), py = y0 + along(s.y[i], yLow, yHigh, parts[9]) * (y1 - y0);
    const far = Math.hypot(px - at.x, py - at.y);
    if (far < least) { least = far; best = { px, py, said: `${s.label}: ${short(x)}, ${short(s.y[i])}` }; }
  });
  return best;
}

for (const svg of all("svg[data-axes]")) {
  const figure = svg.closest("figure");
  const leave = () => { hover.hidden = true; svg.querySelector(".at")?.remove(); };
  on(svg, "pointerleave", leave);
  on(svg, "pointermove", (event) => {
    leave();
    const best = nearest(svg, figure, event);
    if (!best) return;
    const ring = document.createElementNS(svg.namespaceURI, "circle");
    for (const [name, is] of Object.entries({ class: "at", cx: best.px, cy: best.py, r: 5 })) ring.setAttribute(name, is);
    svg.append(ring);
    hover.textContent = best.said;
    hover.hidden = false;
    hover.style.left = `${min(event.clientX + 14, innerWidth - hover.offsetWidth - 8)}px`;
    hover.style.top = `${event.clientY + 14}px`;
  });
}

// ---- explorers: the page draws their axes
const value = (name) => Number(byId(name).value);
const put = (id, attributes) => Object.entries(attributes).forEach(([name, is]) => byId(id).setAttribute(name, is));
const shown = (logarithm) => (logarithm < 34 ? short(exp(logarithm)) : `10^${short(logarithm / Math.LN10)}`);
const path = (points) => `M${points.map((point) => point.map((at) => at.toFixed(1)).join(" ")).join("L")}`;
const LEFT = 40, RIGHT = 430, TOP = 22, FOOT = 215;
const between = (share, from, to) => from + min(max(share, 0), 1) * (to - from);

function explore() {
  const A = value("majority"), B = value("minority"), E = value("feature-energy"), F = value("weight-energy"), R = value("imbalance");
  const curve = byId("threshold-curve"), answer = byId("threshold-answer");
  curve.setAttribute("hidden", "");
  try {
    const { logCollapse, logVanishing } = threshold(A, B, E, F), c = minorityCosine(A, B, R, E, F), logR = log(R);
    const vanished = logVanishing !== null && logR >= logVanishing, collapsed = logCollapse !== null && logR >= logCollapse;
    answer.textContent = (B < 2 ? "A single minority class has nothing to collapse with" : `R₀ = ${shown(logCollapse)}`) +
      `; ${logVanishing === null ? "no R₁: the minority never vanishes" : `R₁ = ${shown(logVanishing)}`}. At R = ${short(R)} the minority is ` +
      (vanished ? "vanished: it has no classifier" : collapsed ? "collapsed: its classes share one classifier" : "distinct: every class has its own classifier") +
      (c === null ? "." : `; the cosine between two of them is ${short(c)}.`);
    if (B < 2) return;
    curve.removeAttribute("hidden");
    const end = 1.15 * max(logCollapse, logVanishing ?? 0, logR, 1e-3), tau = radius(A, B, E, F), edge = collapsePlace(A, B, tau);
    const X = (logarithm) => between(logarithm / end, LEFT, RIGHT), Y = (cosine) => between((cosine + 0.5) / 1.5, FOOT, TOP);
    const points = [];
    for (let i = 0; i <= 120; i++) {
      const at = optimum(A, B, tau, (edge * i) / 120);
      points.push([X(at.logImbalance), Y(cosine(A, B, at))]);
    }
    put("cosines", { d: path([...points, [X(logCollapse), TOP], [X(logVanishing ?? end), TOP]]) });
    for (const [id, at] of [["R0", logCollapse], ["R1", logVanishing]]) {
      put(id, { d: at === null ? "" : `M${X(at)} ${TOP}V${FOOT}` });
      put(`${id}-name`, { x: at === null ? -999 : X(at) + 3 });
    }
    put("R", { cx: X(logR), cy: c === null ? FOOT : Y(c) });
    all("tspan", curve).forEach((tick, i) => { tick.textContent = shown((end * i) / 4); });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    answer.textContent = error.message;
  }
}

function readCounts() {
  const classes = new Map(), answer = byId("threshold-answer");
  for (const word of byId("counts").value.split(/[\s,;]+/).filter(Boolean)) {
    const [, samples, times = 1] = /^(\d+)(?:x(\d+))?$/.exec(word) ?? [];
    if (!(samples > 0 && times > 0)) return void (answer.textContent = `${word} is no count: write 500x5 for five classes of 500 samples.`);
    classes.set(Number(samples), (classes.get(Number(samples)) ?? 0) + Number(times));
  }
  const [few, many] = [...classes.keys()].sort((a, b) => a - b);
  if (classes.size === 2) {
    set("majority", classes.get(many)); set("minority", classes.get(few)); set("imbalance", many / few);
  } else if (classes.size) {
    byId("threshold-curve").setAttribute("hidden", "");
    const groups = [...classes].map(([samples, times]) => `${times}x${samples}`);
    return void (answer.textContent = classes.size < 2 ? "All classes have one count: none is a minority, and none collapses."
      : `These are ${classes.size} counts, and R₀ is a number for two; run layerpeel remedy --groups ${groups} --feature-energy ${value("feature-energy")}`);
  }
  explore();
}

function separate() {
  const r = value("exponent"), c = value("constant"), K = value("classes");
  if (!(r >= 0 && c > 0 && K >= 2)) return void (byId("separation-answer").textContent = "r is at least 0, c positive, and K at least 2.");
  const X = (r) => between(r / 2, LEFT, RIGHT), Y = (c) => between((Math.log10(c) + 2) / 4, FOOT, TOP);
  byId("separation-answer").textContent = r < 1 || (r === 1 && c > K / 2)
    ? `Separated with a probability that tends to one: r ${r < 1 ? "< 1, whatever c" : `= 1 and c > K/2 = ${K / 2}`}.`
    : `Not separated in the limit: r ${r > 1 ? "> 1, whatever c" : `= 1 and c ≤ K/2 = ${K / 2}`}.`;
  put("critical", { d: `M${X(1)} ${Y(K / 2)}V${TOP}` });
  for (const t of [2, 4, 8]) {
    const clock = log1p(10 ** t), points = [];
    for (let i = 0; i <= 100; i++) {
      const u = (1 - i / 50) * clock;
      points.push([X(i / 50), Y((0.5 * K) / (u ? expm1(u) / u : 1))]);
    }
    put(`by-${t}`, { d: path(points) });
  }
  put("rc", { cx: X(r), cy: Y(c) });
}

function set(name, number) {
  byId(name).value = short(number);
  const slide = document.querySelector(`[data-for="${name}"]`);
  slide.value = "log" in slide.dataset ? Math.log10(number) : number;
}

if (byId("explorers")) {
  byId("explorers").hidden = false;
  for (const slide of all("[data-for]")) {
    const field = byId(slide.dataset.for), logarithmic = "log" in slide.dataset;
    set(field.id, Number(field.value));
    on(slide, "input", () => { field.value = short(logarithmic ? 10 ** slide.value : Number(slide.value)); });
    on(field, "input", () => { slide.value = logarithmic ? Math.log10(field.value) : field.value; });
  }
  on(byId("thresholds"), "input", (event) => (event.target.id === "counts" ? readCounts() : explore()));
  on(byId("separation"), "input", separate);
  for (const explorer of all("form.explorer")) on(explorer, "submit", (event) => event.preventDefault());
  if (byId("thresholds")) explore();
  if (byId("separation")) separate();
}
