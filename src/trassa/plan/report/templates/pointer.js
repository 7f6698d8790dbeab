// The km label and the exact worst values of the carriageway under the pointer, on every strip chart.
for (const chart of document.querySelectorAll('svg.sheet')) {
  const left = +chart.dataset.left, width = +chart.dataset.width;
  const breaks = chart.dataset.km.split(' ').map(piece => piece.split(':').map(Number));
  const readout = chart.parentNode.querySelector('.readout');
  const pointer = chart.querySelector('.pointer');
  const series = [...chart.querySelectorAll('[data-v]')].map(path => ({
    name: path.dataset.name,
    way: path.dataset.name[0],
    panel: path.closest('g'),
    unit: path.dataset.unit,
    digits: +path.dataset.digits,
    values: path.dataset.v.split(' ').flatMap(run => {
      const [value, count] = run.split('*');
      return Array(+(count || 1)).fill(value);
    }),
  }));
  const label = x => {
    const [x0, km0, x1, km1] = breaks.find(piece => x <= piece[2]) || breaks[breaks.length - 1];
    const metres = Math.round((km0 + (x - x0) / (x1 - x0) * (km1 - km0)) * 1000);
    return `${chart.dataset.word} ${Math.floor(metres / 1000)}+${String(metres % 1000).padStart(3, '0')}`;
  };
  const shown = (value, s) => value === 'x' ? 'exempt' : value === '-' ? 'no server'
    : `${(value / 10 ** s.digits).toFixed(s.digits).replace('-', '\u2212')} ${s.unit}`;
  chart.addEventListener('pointermove', event => {
    const box = chart.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * chart.viewBox.baseVal.width;
    const column = Math.floor(x - left);
    const inside = column >= 0 && column < width;
    chart.classList.toggle('on', inside);
    if (!inside) return;
    pointer.setAttribute('x1', x);
    pointer.setAttribute('x2', x);
    const away = s => Math.abs(s.panel.getBoundingClientRect().top - event.clientY);
    const way = series.length && series.reduce((a, b) => away(b) < away(a) ? b : a).way;
    readout.textContent = [label(x), ...series.filter(s => s.way === way).map(s => `${s.name.slice(2)} ${shown(s.values[column], s)}`)].join(' · ').replace(' · ', ` ${way} `);
  });
  chart.addEventListener('pointerleave', () => { chart.classList.remove('on'); readout.textContent = ''; });
}
