// Tables that are sorted by their column heads.

const DASH = "–";
const WRITTEN = {
  count: thousands,
  share: (value) => `${(100 * value).toFixed(1)} %`,
  number: (value) => decimal(value, 3),
  small: (value) => value.toPrecision(2),
  words: String,
  text: String,
};

// A table of `page.tables`, or nothing where it has no rows. rowProperties(place): properties of a row.
function tableOf(name, title, caption, { rowProperties = () => ({}) } = {}) {
  const table = page.tables[name];
  if (!table) return null;
  const order = table.rows.map((_, place) => place);
  const body = h("tbody", {});
  const draw = () =>
    body.replaceChildren(...order.map((place) => rowOf(table.columns, table.rows[place], rowProperties(place))));
  const heads = table.columns.map((column, place) => {
    const head = h("th", { scope: "col", class: isWords(column.kind) ? "words" : null });
    head.append(h("button", { type: "button", onclick: () => sortBy(place) }, column.name));
    return head;
  });
  const sortBy = (place) => {
    const falling = heads[place].getAttribute("aria-sort") !== "descending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[place].setAttribute("aria-sort", falling ? "descending" : "ascending");
    order.sort((a, b) => compared(table.rows[a][place], table.rows[b][place], falling) || a - b);
    draw();
  };
  draw();
  return [
    title ? h("h3", {}, title) : null,
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": title || caption },
      h("table", {}, h("thead", {}, h("tr", {}, heads)), body),
    ),
    h("figcaption", {}, caption),
  ];
}

const isWords = (kind) => kind === "words" || kind === "text";

// Missing values come last, whichever way the others go.
function compared(a, b, falling) {
  if (a === null || b === null) return (a === null) - (b === null);
  const sign = typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  return falling ? -sign : sign;
}

function rowOf(columns, values, properties) {
  return h(
    "tr",
    properties,
    columns.map(({ kind }, place) =>
      h(
        "td",
        { class: kind === "text" ? "words text" : isWords(kind) ? "words" : null },
        values[place] === null ? DASH : WRITTEN[kind](values[place]),
      )
    ),
  );
}
