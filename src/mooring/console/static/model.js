// The editor of a thing model: the document lives here until it is saved as the draft. Each change is checked by the
// server, whose findings name paths such as `properties[3].specs.min`; fields carry the same paths in data-path.
"use strict";

(() => {
  const root = $("#model");
  const TEXTS = JSON.parse($("#model-texts").value);
  const T = (text) => TEXTS[text] ?? text;
  const copyOf = (value) => JSON.parse(JSON.stringify(value));

  const KINDS = {
    properties: { type: "PROPERTY", name: T("Property"), title: T("New property"), levels: ["R", "W", "RW"], start: "RW" },
    events: { type: "EVENT", name: T("Event"), title: T("New event"), levels: ["INFO", "WARN", "ERROR"], start: "INFO" },
    services: { type: "SERVICE", name: T("Service"), title: T("New service"), levels: ["ASYNC"], start: "ASYNC" },
  };
  const LEVELS = {
    R: T("Read"), W: T("Write"), RW: T("Read and write"), INFO: T("Information"), WARN: T("Alert"), ERROR: T("Fault"),
    ASYNC: T("Asynchronous"),
  };
  const SCALARS = ["BOOL", "INT", "FLOAT", "DOUBLE", "ENUM", "TEXT", "DATE", "RAW"];
  const ALL_TYPES = [...SCALARS, "STRUCT", "ARRAY"];
  const ELEMENTS = ["INT", "FLOAT", "DOUBLE", "TEXT", "RAW", "STRUCT"];
  const NUMBERS = ["INT", "FLOAT", "DOUBLE"];
  const UNITS = ["%", "°C", "°F", "K", "A", "mA", "V", "mV", "W", "kW", "kWh", "Wh", "Hz", "s", "min", "h", "m", "km", "m/s",
    "km/h", "kg", "g", "L", "m³", "Pa", "kPa", "hPa", "lux", "dB", "dBm", "ppm", "ppb", "µg/m³", "rpm", "°"];

  let doc = JSON.parse($("#model-document").value);
  let saved = JSON.stringify(doc);
  let findings = [];
  const past = [];
  const future = [];
  const MOST_STEPS = 200;

  // Making elements

  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
      else if (value === true) element.setAttribute(key, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  }

  const button = (text, act, attributes = {}) => make("button", { type: "button", ...attributes, on: { click: act } }, text);

  function field(label, control, path, hint) {
    const said = make("small", { class: "said", hidden: true });
    return make("label", { class: "field", "data-path": path }, make("span", {}, label), control, hint && make("small", {}, hint), said);
  }

  function textOf(body, key, path, label, attributes = {}, hint = "") {
    const control = make("input", { type: "text", ...attributes });
    control.value = body[key] ?? "";
    control.addEventListener("input", () => { body[key] = control.value; typed(); });
    return field(label, control, `${path}.${key}`, hint);
  }

  function wholeOf(body, key, path, label) {
    const control = make("input", { type: "number", step: "1", min: "1", max: "8000" });
    control.value = body[key] ?? "";
    control.addEventListener("input", () => {
      body[key] = /^\d+$/.test(control.value) ? Number(control.value) : control.value;
      typed();
    });
    return field(label, control, `${path}.${key}`);
  }

  function selectOf(value, options, label, path, chosen) {
    const control = make("select", {}, ...options.map(([key, text]) => make("option", { value: key }, text)));
    control.value = value;
    control.addEventListener("change", () => { chosen(control.value); typed(); });
    return field(label, control, path);
  }

  // The forms of values, one for each data type

  function startOf(type) {
    if (type === "BOOL") {
      return [{ dataType: "BOOL", name: T("On"), value: "true" }, { dataType: "BOOL", name: T("Off"), value: "false" }];
    }
    if (type === "ENUM") return [{ dataType: "ENUM", name: "", value: "0" }];
    if (NUMBERS.includes(type)) return { unit: "", min: "", max: "", multiple: "", step: "" };
    if (type === "TEXT" || type === "RAW") return { length: "64" };
    if (type === "DATE") return { length: "13" };
    if (type === "STRUCT") return [newField([])];
    return { numberSpecs: { min: "", max: "", step: "" }, size: "10", dataType: "INT" };
  }

  function newField(fields) {
    const id = 1 + Math.max(0, ...fields.map((each) => Number(each.id) || 0));
    return { specs: startOf("INT"), code: `field_${id}`, dataType: "INT", name: `${T("Field")} ${id}`, id };
  }

  // `body` has dataType and specs; `types` are those it may have here.
  function valuePart(body, path, types) {
    const place = make("div", { class: "value" });
    const inside = make("div", { "data-path": `${path}.specs` });
    const draw = () => inside.replaceChildren(specsPart(body.dataType, body, path));
    place.append(
      selectOf(body.dataType, types.map((type) => [type, type]), T("Data type"), `${path}.dataType`, (type) => {
        body.dataType = type;
        body.specs = startOf(type);
        draw();
      }),
      inside,
    );
    draw();
    return place;
  }

  function specsPart(type, body, path) {
    const where = `${path}.specs`;
    if (type === "BOOL") return boolPart(body.specs, where);
    if (type === "ENUM") return enumPart(body.specs, where);
    if (NUMBERS.includes(type)) return numberPart(body.specs, where, ["unit", "min", "max", "step", "multiple"]);
    if (type === "TEXT" || type === "RAW") {
      const most = type === "TEXT" ? 10240 : 4096;
      return textOf(body.specs, "length", where, T("Longest, in bytes"), { inputmode: "numeric" }, `1 … ${most}`);
    }
    if (type === "DATE") return make("p", { class: "soft" }, T("UTC time in milliseconds, 13 digits."));
    if (type === "STRUCT") return structPart(body.specs, where);
    return arrayPart(body.specs, where);
  }

  function boolPart(options, path) {
    const grid = make("div", { class: "grid" });
    options.forEach((option, index) => {
      const label = option.value === "true" ? T("Name of true") : T("Name of false");
      grid.append(textOf(option, "name", `${path}[${index}]`, label, { maxlength: "128" }));
    });
    return grid;
  }

  function enumPart(options, path) {
    const rows = make("div", {});
    const draw = () => {
      rows.replaceChildren(...options.map((option, index) => {
        const where = `${path}[${index}]`;
        return make("div", { class: "option", "data-path": where },
          textOf(option, "value", where, T("Number"), { inputmode: "numeric", maxlength: "11" }),
          textOf(option, "name", where, T("Name"), { maxlength: "128" }),
          removes(options, index, draw, `${T("Number")} ${option.value}`));
      }));
    };
    draw();
    const more = button(T("Add a value"), () => {
      const value = 1 + Math.max(-1, ...options.map((option) => Number(option.value) || 0));
      options.push({ dataType: "ENUM", name: "", value: String(value) });
      draw();
      typed();
    }, { class: "small" });
    return make("fieldset", {}, make("legend", {}, T("Values")), rows, more);
  }

  function numberPart(specs, path, keys) {
    const labels = { unit: T("Unit"), min: T("Min"), max: T("Max"), step: T("Step"), multiple: T("Multiple") };
    return make("div", { class: "grid" }, ...keys.map((key) =>
      textOf(specs, key, path, labels[key], key === "unit" ? { list: "model-units", maxlength: "32" } : { inputmode: "decimal" })));
  }

  function structPart(fields, path) {
    const rows = make("div", {});
    const draw = (open) => {
      rows.replaceChildren(...fields.map((each, index) => {
        const where = `${path}[${index}]`;
        return folded(`${each.id} · ${each.name} · ${each.code} · ${each.dataType}`, where, index === open,
          identityPart(each, where), valuePart(each, where, SCALARS), removes(fields, index, draw, each.name, T("Remove")));
      }));
    };
    draw(-1);
    const more = button(T("Add a field"), () => { fields.push(newField(fields)); draw(fields.length - 1); typed(); }, { class: "small" });
    return make("fieldset", {}, make("legend", {}, T("Fields")), rows, more);
  }

  function arrayPart(specs, path) {
    const inside = make("div", {});
    const draw = () => {
      inside.replaceChildren();
      if (NUMBERS.includes(specs.dataType)) {
        specs.numberSpecs ??= { min: "", max: "", step: "" };
        inside.append(numberPart(specs.numberSpecs, `${path}.numberSpecs`, ["min", "max", "step"]));
      } else if (specs.dataType === "STRUCT") inside.append(structPart(specs.specs, `${path}.specs`));
    };
    const element = selectOf(specs.dataType, ELEMENTS.map((type) => [type, type]), T("Element type"), `${path}.dataType`, (type) => {
      specs.dataType = type;
      delete specs.numberSpecs;
      delete specs.specs;
      if (type === "STRUCT") specs.specs = startOf("STRUCT");
      draw();
    });
    draw();
    return make("div", {},
      make("div", { class: "grid" }, element, textOf(specs, "size", path, T("Most elements"), { inputmode: "numeric" }, "1 … 100")),
      inside);
  }

  function folded(title, path, open, ...children) {
    return make("details", { class: "folded", "data-path": path, open }, make("summary", {}, title), ...children);
  }

  function removes(list, index, draw, what, text = "×") {
    return button(text, () => { list.splice(index, 1); draw(-1); typed(); }, { class: "small", "aria-label": `${T("Remove")}: ${what}` });
  }

  function identityPart(body, path) {
    return make("div", { class: "grid" },
      textOf(body, "name", path, T("Name"), { maxlength: "200" }),
      textOf(body, "code", path, T("Identifier"), { maxlength: "80", spellcheck: "false" }),
      wholeOf(body, "id", path, T("ID")));
  }

  // Parameters of events and services: properties of the model, or their own

  function parametersPart(body, key, path, title) {
    const where = `${path}.${key}`;
    const rows = make("div", {});
    const draw = (open) => {
      const list = body[key] ?? [];
      const again = () => { if (!list.length) delete body[key]; draw(-1); };
      rows.replaceChildren(...list.map((each, index) => {
        const place = `${where}[${index}]`;
        if ("$ref" in each) {
          const properties = (doc.properties ?? []).map((one) => [`#/properties/id/${one.id}`, `${one.id} · ${one.name} · ${one.code}`]);
          return make("div", { class: "option" },
            selectOf(each.$ref, properties, T("Property"), `${place}.$ref`, (target) => { each.$ref = target; }),
            removes(list, index, again, each.$ref));
        }
        return folded(`${each.id} · ${each.name} · ${each.code} · ${each.dataType}`, place, index === open, identityPart(each, place),
          valuePart(each, place, ALL_TYPES), textOf(each, "desc", place, T("Description"), { maxlength: "220" }),
          removes(list, index, again, each.name, T("Remove")));
      }));
    };
    draw(-1);
    const add = (made) => { (body[key] ??= []).push(made); draw(body[key].length - 1); typed(); };
    const buttons = make("div", { class: "buttons" });
    if (doc.properties?.length) {
      buttons.append(button(T("Add a property of the model"), () => add({ $ref: `#/properties/id/${doc.properties[0].id}` }), { class: "small" }));
    }
    buttons.append(button(T("Add an own parameter"), () => {
      const id = freeId(idsOf(work.body));
      add({ specs: startOf("INT"), code: `param_${id}`, dataType: "INT", name: `${T("Parameter")} ${id}`, id, desc: "" });
    }, { class: "small" }));
    return make("fieldset", { "data-path": where }, make("legend", {}, title), rows, buttons);
  }

  function idsOf(feature) {
    const own = [...(feature.inputData ?? []), ...(feature.outputData ?? [])].filter((each) => !("$ref" in each));
    return [feature.id, ...own.map((each) => each.id)];
  }

  function freeId(more = []) {
    const taken = new Set([...everything().flatMap(({ body }) => idsOf(body)), ...more].map(Number));
    let id = 1;
    while (taken.has(id)) id += 1;
    return id;
  }

  // One feature in its box: a copy that is checked in its place and put there by Apply

  let work = null;

  function openFeature(kind, index, jumpTo) {
    const isNew = index === undefined;
    const body = isNew ? newFeature(kind) : copyOf(doc[kind][index]);
    work = { kind, index: isNew ? (doc[kind] ?? []).length : index, body };
    const path = `${kind}[${work.index}]`;
    $("#model-feature-title").textContent = isNew ? KINDS[kind].title : `${KINDS[kind].name} ${body.id}: ${body.name}`;
    const levels = KINDS[kind].levels.map((level) => [level, LEVELS[level]]);
    const parts = [
      identityPart(body, path),
      selectOf(body.subType, levels, kind === "events" ? T("Level") : T("Access"), `${path}.subType`, (level) => { body.subType = level; }),
    ];
    if (kind === "properties") parts.push(valuePart(body, path, ALL_TYPES));
    if (kind === "services") parts.push(parametersPart(body, "inputData", path, T("Inputs")));
    if (kind !== "properties") parts.push(parametersPart(body, "outputData", path, T("Outputs")));
    parts.push(textOf(body, "desc", path, T("Description"), { maxlength: "220" }, "0 … 200"));
    $("#model-feature-fields").replaceChildren(...parts);
    $("#model-feature").showModal();
    markFields();
    if (jumpTo) focusOn(jumpTo);
    else $("#model-feature-fields input").focus();
    check();
  }

  function newFeature(kind) {
    const id = freeId();
    const { type, start } = KINDS[kind];
    const sort = 1 + Math.max(0, ...everything().map(({ body }) => Number(body.sort) || 0));
    const code = `${type.toLowerCase()}_${id}`;
    const common = { code, name: `${KINDS[kind].name} ${id}`, subType: start, id, sort, type, desc: "" };
    return kind === "properties" ? { specs: startOf("BOOL"), dataType: "BOOL", ...common } : common;
  }

  function withWork() {
    if (!work) return doc;
    const candidate = { ...doc, [work.kind]: [...(doc[work.kind] ?? [])] };
    candidate[work.kind][work.index] = work.body;
    return candidate;
  }

  $("#model-feature-form").addEventListener("submit", () => {
    const applied = withWork();
    work = null;
    change(applied);
  });
  $("#model-feature").addEventListener("close", () => {
    if (!work) return;
    work = null;
    check();
  });

  // Checking, and showing what was found where it is

  let waiting;
  let number = 0;

  function typed() {
    clearTimeout(waiting);
    waiting = setTimeout(check, 200);
  }

  async function send(address, document) {
    const body = new URLSearchParams({ csrf: $("meta[name=csrf]").content, document: JSON.stringify(document) });
    const answer = await fetch(address, { method: "POST", headers: HEADERS, body });
    return { ok: answer.ok, told: await answer.json() };
  }

  function findingsIn(html) {
    const place = make("div");
    place.innerHTML = html;
    return { place, list: all("[data-path]", place).map((each) => ({
      path: each.dataset.path, kind: each.dataset.kind, text: $(".said", each).textContent })) };
  }

  async function check() {
    clearTimeout(waiting);
    const mine = ++number;
    try {
      const { ok, told } = await send(root.dataset.check, trimmed(withWork()));
      if (mine !== number) return;
      if (!ok) { notice(told.error); return; }
      const { place, list } = findingsIn(told.html);
      findings = list;
      $("#model-findings").replaceChildren(...place.childNodes);
      root.dataset.checked = String(mine);
      markFields();
      draw();
    } catch (error) {
      notice(String(error));
    }
  }

  // Empty arrays are left out, as in an export; the places of features stay as they are.
  function trimmed(document) {
    return Object.fromEntries(Object.entries(document).filter(([, features]) => features.length));
  }

  function placeOf(path) {
    for (let at = path; at; at = at.replace(/(\.[^.[\]]+|\[\d+\])$/, "")) {
      const found = $(`[data-path="${CSS.escape(at)}"]`, $("#model-feature-fields"));
      if (found) return found;
      if (!/[.[]/.test(at)) return null;
    }
    return null;
  }

  function markFields() {
    if (!work) return;
    const here = $("#model-feature-fields");
    const path = `${work.kind}[${work.index}]`;
    for (const said of all(".said", here)) { said.hidden = true; said.textContent = ""; }
    for (const wrong of all(".wrong", here)) wrong.classList.remove("wrong");
    for (const control of all("[aria-invalid]", here)) control.removeAttribute("aria-invalid");
    const others = [];
    for (const finding of findings.filter((each) => each.path === path || each.path.startsWith(`${path}.`))) {
      const place = placeOf(finding.path);
      if (!place?.matches(".field")) { others.push(finding.text); place?.classList.add("wrong"); continue; }
      const said = $(".said", place);
      said.textContent = `${said.textContent} ${finding.text}`.trim();
      said.hidden = false;
      if (finding.kind !== "fault") continue;
      place.classList.add("wrong");
      $("input, select, textarea", place).setAttribute("aria-invalid", "true");
      for (let outer = place.closest("details"); outer; outer = outer.parentElement.closest("details")) outer.classList.add("wrong");
    }
    $("#model-feature-error").hidden = !others.length;
    $("#model-feature-error").textContent = others.join(" ");
  }

  function focusOn(path) {
    const place = placeOf(path);
    if (!place) return;
    for (let outer = place.closest("details"); outer; outer = outer.parentElement.closest("details")) outer.open = true;
    ($("input, select, textarea", place) ?? place).focus();
  }

  root.addEventListener("click", (event) => {
    const jump = event.target.closest("[data-jump]");
    if (!jump) return;
    const path = jump.closest("[data-path]").dataset.path;
    const [, kind, index] = /^(properties|events|services)\[(\d+)\]/.exec(path) ?? [];
    if (kind && doc[kind]?.[index]) openFeature(kind, Number(index), path);
  });

  // The table of features

  function everything() {
    return Object.keys(KINDS)
      .flatMap((kind) => (doc[kind] ?? []).map((body, index) => ({ kind, index, body })))
      .sort((one, two) => (one.body.sort ?? Infinity) - (two.body.sort ?? Infinity) || 0);
  }

  function definition(body) {
    if (body.type !== "PROPERTY") {
      const list = (key) => (body[key] ?? []).map((each) => "$ref" in each ? `#${each.$ref.split("/").pop()}` : `${each.code} (${each.dataType})`).join(", ");
      return [["inputData", T("in")], ["outputData", T("out")]].filter(([key]) => body[key]?.length).map(([key, said]) => `${said}: ${list(key)}`).join("; ");
    }
    return ofValue(body.dataType, body.specs);
  }

  function ofValue(type, specs) {
    if (type === "BOOL" || type === "ENUM") return specs.map((option) => `${option.value}: ${option.name}`).join(", ");
    if (NUMBERS.includes(type)) {
      const { min, max, step, unit } = specs ?? {};
      return [min || max ? `${min ?? ""} … ${max ?? ""}` : "", step ? `/ ${step}` : "", unit ?? ""].filter(Boolean).join(" ");
    }
    if (type === "TEXT" || type === "RAW") return `≤ ${specs.length} B`;
    if (type === "STRUCT") return specs.map((each) => `${each.code} (${each.dataType})`).join(", ");
    if (type === "ARRAY") {
      const inner = specs.dataType === "STRUCT" ? ofValue("STRUCT", specs.specs) : specs.numberSpecs ? ofValue("INT", specs.numberSpecs) : "";
      return `≤ ${specs.size} × ${specs.dataType}${inner ? `: ${inner}` : ""}`;
    }
    return "ms";
  }

  function draw() {
    const text = $("#model-search").value.trim().toLowerCase();
    const features = everything();
    const shown = features.filter(({ body }) => `${body.name} ${body.code}`.toLowerCase().includes(text));
    const head = [T("ID"), T("Kind"), T("Name"), T("Identifier"), T("Data type"), T("Definition"), T("Access"), T("Change")];
    const rows = shown.map(({ kind, index, body }) => {
      const path = `${kind}[${index}]`;
      const faults = findings.filter((each) => each.kind === "fault" && (each.path === path || each.path.startsWith(`${path}.`))).length;
      const cell = (label, ...children) => make("td", { "data-label": label }, ...children);
      return make("tr", { "data-feature": path },
        cell(head[0], String(body.id)), cell(head[1], KINDS[kind].name),
        cell(head[2], make("span", {},
          button(String(body.name || "–"), () => openFeature(kind, index), { class: "as-link" }),
          faults ? make("span", { class: "badge bad" }, `${faults} ${T("faults")}`) : "")),
        cell(head[3], make("code", {}, String(body.code))), cell(head[4], body.dataType ?? "–"),
        cell(head[5], make("span", { class: "definition" }, definition(body) || "–")), cell(head[6], LEVELS[body.subType] ?? "–"),
        cell(head[7], make("span", { class: "row-buttons" },
          button("↑", () => move(kind, index, -1), { class: "small quiet", "aria-label": `${T("Move up")}: ${body.name}` }),
          button("↓", () => move(kind, index, 1), { class: "small quiet", "aria-label": `${T("Move down")}: ${body.name}` }),
          button("+", () => duplicate(kind, index), { class: "small quiet", "aria-label": `${T("Duplicate")}: ${body.name}`, title: T("Duplicate") }),
          button("×", () => remove(kind, index), { class: "small quiet", "aria-label": `${T("Delete")}: ${body.name}`, title: T("Delete") }))));
    });
    const nothing = features.length ? T("No feature matches.") : T("The model is empty. Add a feature, or import one.");
    $("#model-features").replaceChildren(rows.length
      ? make("div", { class: "table", tabindex: "0", role: "region", "aria-label": T("Definition") },
        make("table", {}, make("thead", {}, make("tr", {}, ...head.map((each) => make("th", { scope: "col" }, each)))), make("tbody", {}, ...rows)))
      : make("div", { class: "empty" }, make("p", {}, nothing)));
    const unsaved = JSON.stringify(doc) !== saved;
    $("#model-unsaved").hidden = !unsaved;
    document.title = document.title.replace(/^• /, "").replace(/^/, unsaved ? "• " : "");
    $("[data-model=undo]", root).disabled = !past.length;
    $("[data-model=redo]", root).disabled = !future.length;
  }

  function change(next) {
    past.push(JSON.stringify(doc));
    if (past.length > MOST_STEPS) past.shift();
    future.length = 0;
    doc = next;
    draw();
    check();
  }

  function step(from, to) {
    if (!from.length) return;
    to.push(JSON.stringify(doc));
    doc = JSON.parse(from.pop());
    draw();
    check();
  }

  function remove(kind, index) {
    const next = copyOf(doc);
    const [gone] = next[kind].splice(index, 1);
    const target = `#/properties/id/${gone.id}`;
    const users = kind !== "properties" ? [] : everything().filter(({ body }) =>
      [...(body.inputData ?? []), ...(body.outputData ?? [])].some((each) => each.$ref === target));
    if (users.length) notice(`${gone.name} ${T("is used by")} ${users.map(({ body }) => body.name).join(", ")}`);
    else change(next);
  }

  function duplicate(kind, index) {
    const body = copyOf(doc[kind][index]);
    const { id, sort } = newFeature(kind);
    const taken = [id];
    for (const each of [...(body.inputData ?? []), ...(body.outputData ?? [])]) {
      if (!("$ref" in each)) taken.push(each.id = freeId(taken));
    }
    Object.assign(body, { id, sort, code: `${body.code}_${id}`.slice(-64), name: `${body.name} ${id}`.slice(0, 128) });
    change({ ...doc, [kind]: [...doc[kind], body] });
  }

  // All features share one order; those without a place get one first.
  function move(kind, index, by) {
    const next = copyOf(doc);
    const order = everything();
    const at = order.findIndex((each) => each.kind === kind && each.index === index);
    const other = order[at + by];
    if (!other) return;
    [order[at], order[at + by]] = [other, order[at]];
    order.forEach((each, place) => { next[each.kind][each.index].sort = place + 1; });
    change(next);
  }

  // Saving, importing, exporting

  async function save() {
    const sent = JSON.stringify(doc);
    const { ok, told } = await send(root.dataset.save, trimmed(doc));
    if (!ok) { notice(told.error); $("[data-jump]", $("#model-findings"))?.focus(); return false; }
    saved = sent;
    draw();
    notice(told.notice);
    return true;
  }

  async function take(text) {
    const place = $("#model-import-findings");
    place.replaceChildren();
    let document;
    try {
      document = JSON.parse(text);
    } catch (error) {
      place.append(make("p", { class: "error" }, T("That is no JSON: {reason}").replace("{reason}", error.message)));
      return;
    }
    const { ok, told } = await send(root.dataset.check, document);
    if (!ok) { place.append(make("p", { class: "error" }, told.error)); return; }
    const found = findingsIn(told.html);
    if (found.list.some((each) => each.kind === "fault")) {
      for (const jump of all("[data-jump]", found.place)) jump.replaceWith(make("code", {}, jump.textContent));
      place.append(...found.place.childNodes);
      return;
    }
    change(Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, document[kind] ?? []])));
    $("#model-import").close();
    notice(T("Imported. Nothing is saved yet."));
  }

  $("#model-file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) await take(await file.text());
    event.target.value = "";
  });

  const ACTS = {
    properties: () => openFeature("properties"),
    events: () => openFeature("events"),
    services: () => openFeature("services"),
    undo: () => step(past, future),
    redo: () => step(future, past),
    save,
    review: async () => { if (await save()) location.assign(root.dataset.review); },
    sample: async () => {
      const name = $("select[name=sample]", root).value;
      const answer = await fetch($("#model-samples").dataset.from.replace("%7Bname%7D", name).replace("{name}", name));
      await take(await answer.text());
    },
    export: () => {
      const url = URL.createObjectURL(new Blob([JSON.stringify(trimmed(doc), null, 2)], { type: "application/json" }));
      const link = make("a", { href: url, download: "thing-model-draft.json" });
      link.click();
      URL.revokeObjectURL(url);
    },
  };

  document.addEventListener("click", (event) => {
    const name = event.target.closest("[data-model]")?.dataset.model;
    if (name) ACTS[name]();
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input, textarea, select") || $("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key === "z" || key === "y") {
      event.preventDefault();
      ACTS[key === "y" || event.shiftKey ? "redo" : "undo"]();
    } else if (key === "s") {
      event.preventDefault();
      save();
    }
  });
  $("#model-search").addEventListener("input", draw);
  window.addEventListener("beforeunload", (event) => { if (JSON.stringify(doc) !== saved) event.preventDefault(); });

  root.append(make("datalist", { id: "model-units" }, ...UNITS.map((unit) => make("option", { value: unit }))));
  draw();
  check();
})();
