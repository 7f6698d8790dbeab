import type { GroupName } from '../map/drawing';
import type { RoadMap } from '../map/road_map';
import { el } from '../markup';
import palette from '../palette.json';
import { MARGIN_CLASSES } from '../road/coverage';
import { onLanguage, t, type Word } from '../words';

/** From this width on there is room for the legend beside the road. */
const ROOMY_PX = 1500;
const GROUPS: GroupName[] = ['coverage', 'vehicles', 'warnings', 'equipment', 'graticule'];

/** What the colours mean, and switches for the layers of the map. */
export class Legend {
  private readonly hidden = new Set<GroupName>();

  constructor(
    private readonly container: HTMLElement,
    private readonly map: RoadMap,
  ) {
    onLanguage(() => this.render());
    this.render();
  }

  private render(): void {
    const swatch = (colour: string, name: string, dashed = false): HTMLElement => {
      const box = el('i', { class: dashed ? 'dashed' : '' });
      box.style.setProperty('--colour', colour);
      return el('li', {}, box, name);
    };
    const classes = MARGIN_CLASSES.map((entry, i) => swatch(entry.colour, t(entry.key as Word), i === 0));
    const open = this.container.querySelector('details')?.open ?? window.innerWidth >= ROOMY_PX;
    const fold = el('details', { open }, el('summary', {}, t('layer.legend')));
    this.container.replaceChildren(fold);
    fold.append(
      el('h2', {}, t('margin.legend')),
      el('ul', {}, ...classes.toReversed(), swatch(palette.exempt, t('margin.exempt'))),
      el('h2', {}, t('layer.title')),
      el('div', { class: 'switches' }, ...GROUPS.map((group) => this.switch(group))),
    );
  }

  private switch(group: GroupName): HTMLElement {
    const box = el('input', { type: 'checkbox', name: group });
    box.checked = !this.hidden.has(group);
    box.addEventListener('change', () => {
      if (box.checked) this.hidden.delete(group);
      else this.hidden.add(group);
      this.map.toggle(group, box.checked);
    });
    return el('label', {}, box, t(`layer.${group}`));
  }
}
