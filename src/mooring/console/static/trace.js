// The live trace: rows are made from events as they come, the newest on top. Everything goes in as text.
"use strict";

{
  const KEPT = 2000, SHOWN = 300;
  const trace = document.getElementById("trace");
  const body = trace.querySelector("tbody");
  const state = trace.querySelector("[data-trace=state]");
  const filter = trace.querySelector("[data-trace=filter]");
  const kept = [];
  let paused = false;

  const cell = (row, label, text, tag = "span") => {
    const td = document.createElement("td");
    td.dataset.label = label;
    const inside = document.createElement(tag);
    inside.textContent = text;
    td.append(inside);
    row.append(td);
    return inside;
  };

  const labels = [...trace.querySelectorAll("th")].map((head) => head.textContent);

  const names = JSON.parse(trace.dataset.names);

  // Bytes travel as base64; those of a TEXT are shown as text.
  const valueOf = (value, kind) => {
    if (typeof value !== "string") return JSON.stringify(value);
    if (kind !== "TEXT") return value;
    try {
      return new TextDecoder().decode(Uint8Array.from(atob(value), (character) => character.charCodeAt(0)));
    } catch {
      return value;
    }
  };

  // {"Report": {"fields": [{id, value}, …]}} as "Report code=value …"; anything else as it is.
  const readable = (found) => {
    const [[name, body] = []] = Object.entries(found);
    if (!body || !Array.isArray(body.fields)) return JSON.stringify(found);
    const parts = body.fields.map(({ id, value }) => {
      const [code, kind] = names[id] || [id, ""];
      return `${code}=${valueOf(value, kind)}`;
    });
    return `${name} ${parts.join("  ")}`;
  };

  const decoded = (event) => {
    if (event.decoded === undefined || event.decoded === null) return event.note || "";
    return `${event.note ? `${event.note} ` : ""}${readable(event.decoded)}`;
  };

  const text = (event) => [event.kind, event.cmd, event.topic, event.hex, event.clear, decoded(event)].join(" ").toLowerCase();

  const rowOf = (event) => {
    const row = document.createElement("tr");
    const at = new Date(event.at);
    const time = at.toLocaleTimeString([], { hour12: false }) + "." + String(at.getMilliseconds()).padStart(3, "0");
    cell(row, labels[0], time).title = at.toISOString();
    const direction = event.direction === "up" ? trace.dataset.up : event.direction === "down" ? trace.dataset.down : event.kind;
    cell(row, labels[1], direction).className = `badge ${event.direction === "up" ? "info" : event.kind === "malformed" ? "bad" : "plain"}`;
    cell(row, labels[2], event.cmd || event.kind, "code");
    cell(row, labels[3], decoded(event), "code").parentElement.className = "wide";
    cell(row, labels[4], event.clear || event.hex || "", "code").parentElement.className = "wide";
    return row;
  };

  const matches = (event) => text(event).includes(filter.value.trim().toLowerCase());

  const draw = () => body.replaceChildren(...kept.filter(matches).slice(-SHOWN).reverse().map(rowOf));

  const take = (event) => {
    kept.push(event);
    if (kept.length > KEPT) kept.shift();
    if (event.lost) state.textContent = `${event.lost} ${trace.dataset.lost}`;
    if (paused || !matches(event)) return;
    body.prepend(rowOf(event));
    if (body.childElementCount > SHOWN) body.lastElementChild.remove();
  };

  const source = new EventSource(trace.dataset.source);
  source.onopen = () => { state.textContent = trace.dataset.watching; };
  source.onerror = () => { state.textContent = trace.dataset.broken; };
  source.onmessage = (message) => take(JSON.parse(message.data));
  addEventListener("pagehide", () => source.close());

  filter.addEventListener("input", draw);
  trace.addEventListener("click", (click) => {
    const button = click.target.closest("button[data-trace]");
    if (!button) return;
    if (button.dataset.trace === "pause") {
      paused = !paused;
      [button.textContent, button.dataset.other] = [button.dataset.other, button.textContent];
      if (!paused) draw();
    } else if (button.dataset.trace === "clear") {
      kept.length = 0;
      draw();
    } else if (button.dataset.trace === "download") {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(kept.map((event) => `${JSON.stringify(event)}\n`), { type: "application/x-ndjson" }));
      link.download = "trace.jsonl";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }
  });
}
