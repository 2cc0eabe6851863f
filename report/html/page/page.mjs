// What a report's page does beside its charts: tables are sorted by a click on a header, long ones filtered, commands copied. The page
// reads the same without it.

/** Tables with more rows get a field that filters them. */
const FILTERED_ROWS = 40;

const collator = new Intl.Collator('en', { numeric: true });

/** @param {HTMLTableRowElement} row @param {number} column */
function textAt(row, column) {
  return row.cells[column]?.textContent?.trim() ?? '';
}

/** Numbers by their size, texts by their letters; what has no answer stands last. @param {string} a @param {string} b @param {boolean} asNumbers */
function compare(a, b, asNumbers) {
  if (!asNumbers) return collator.compare(a, b);
  return (
    Number(a.replaceAll(',', '').replace('\u2212', '-')) -
    Number(b.replaceAll(',', '').replace('\u2212', '-'))
  );
}

/** @param {HTMLTableElement} table @param {HTMLTableCellElement} header */
function sortBy(table, header) {
  const descending = header.getAttribute('aria-sort') === 'ascending';
  for (const other of header.parentElement?.children ?? []) other.removeAttribute('aria-sort');
  header.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
  const asNumbers = header.classList.contains('n');
  const body = /** @type {HTMLTableSectionElement} */ (table.tBodies[0]);
  const rows = [...body.rows];
  const column = header.cellIndex;
  const isEmpty = (/** @type {HTMLTableRowElement} */ row) => ['', '\u2013'].includes(textAt(row, column));
  rows.sort((one, other) => {
    if (isEmpty(one) || isEmpty(other)) return Number(isEmpty(one)) - Number(isEmpty(other));
    const order = compare(textAt(one, column), textAt(other, column), asNumbers);
    return descending ? -order : order;
  });
  body.append(...rows);
}

/** @param {HTMLTableElement} table */
function makeSortable(table) {
  for (const header of table.tHead?.rows[0]?.cells ?? []) {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...header.childNodes);
    button.addEventListener('click', () => sortBy(table, header));
    header.append(button);
  }
}

/** @param {HTMLTableElement} table @param {number} index */
function makeFiltered(table, index) {
  const rows = [...(table.tBodies[0]?.rows ?? [])];
  if (rows.length <= FILTERED_ROWS) return;
  const box = document.createElement('div');
  box.className = 'filter';
  const label = document.createElement('label');
  const field = document.createElement('input');
  const count = document.createElement('span');
  field.type = 'search';
  field.id = `filter-${index}`;
  label.htmlFor = field.id;
  label.textContent = 'Rows that contain';
  count.setAttribute('role', 'status');
  field.addEventListener('input', () => {
    const words = field.value
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    let shown = 0;
    for (const row of rows) {
      const text = (row.textContent ?? '').toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    count.textContent = words.length === 0 ? '' : `${shown} of ${rows.length} rows`;
  });
  box.append(label, field, count);
  table.parentElement?.before(box);
}

/** @param {Element} box */
function makeCopied(box) {
  const text = box.querySelector('code')?.textContent ?? '';
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.setAttribute('aria-label', `Copy: ${text.slice(0, 80)}`);
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      getSelection()?.selectAllChildren(box.querySelector('code') ?? box);
      button.textContent = 'Selected';
    }
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 1500);
  });
  box.append(button);
}

/** A link to a folded table opens it. */
function openTarget() {
  const target =
    location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  if (target instanceof HTMLDetailsElement) target.open = true;
}

for (const [index, table] of document.querySelectorAll('table.data').entries()) {
  makeSortable(/** @type {HTMLTableElement} */ (table));
  makeFiltered(/** @type {HTMLTableElement} */ (table), index);
}
for (const box of document.querySelectorAll('.command')) makeCopied(box);
addEventListener('hashchange', openTarget);
openTarget();
