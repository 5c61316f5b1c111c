// Shows the values of all series at the moment below the mouse; HOVER has them by panel, written as the panel writes them.
(() => {
  const MOST = 24;
  const tip = document.getElementById("tip");
  let cross = null;

  const leave = () => {
    tip.style.display = "none";
    if (cross) cross.remove();
    cross = null;
  };

  const cell = (row, text) => {
    const made = document.createElement("td");
    made.textContent = text;
    row.append(made);
    return made;
  };

  const fill = (panel, at) => {
    const found = panel.rows.map((row, index) => ({row, text: row.texts[at], rank: (panel.ranks[index] || [])[at]}));
    const told = found.filter((each) => each.text !== null);
    if (panel.ranks.length) told.sort((one, other) => other.rank - one.rank);
    const table = document.createElement("table");
    for (const each of told.slice(0, MOST)) {
      const row = table.insertRow();
      const mark = document.createElement("i");
      mark.style.background = each.row.color;
      cell(row, each.row.name).prepend(mark);
      cell(row, each.text);
    }
    if (told.length > MOST) cell(table.insertRow(), `+ ${told.length - MOST} more`);
    const moment = document.createElement("b");
    moment.textContent = panel.times[at] + " UTC";
    tip.replaceChildren(moment, table);
  };

  const move = (event) => {
    const section = event.currentTarget;
    const panel = HOVER[section.dataset.hover];
    const [left, top, width, height] = panel.box[section.dataset.layout];
    const svg = section.firstElementChild;
    const shown = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / shown.width;
    const x = (event.clientX - shown.left) * scale;
    const y = (event.clientY - shown.top) * scale;
    if (x < left - 4 || x > left + width + 4 || y < top || y > top + height) return leave();
    const last = panel.times.length - 1;
    const at = Math.min(last, Math.max(0, Math.round(((x - left) / width) * last)));
    leave();
    cross = document.createElementNS("http://www.w3.org/2000/svg", "line");
    const place = left + (last ? at / last : 0) * width;
    for (const [name, value] of [["x1", place], ["x2", place], ["y1", top], ["y2", top + height], ["class", "cross"]]) {
      cross.setAttribute(name, value);
    }
    svg.append(cross);
    fill(panel, at);
    tip.style.display = "block";
    const beside = event.clientX + 16 + tip.offsetWidth > window.innerWidth ? event.clientX - tip.offsetWidth - 16 : event.clientX + 16;
    const below = Math.min(event.clientY + 12, window.innerHeight - tip.offsetHeight - 8);
    tip.style.left = Math.max(4, beside) + "px";
    tip.style.top = Math.max(4, below) + "px";
  };

  for (const section of document.querySelectorAll("[data-hover]")) {
    section.addEventListener("pointermove", move);
    section.addEventListener("pointerleave", leave);
  }
})();
