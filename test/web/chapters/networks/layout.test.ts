// Where the parts of a network are drawn, and where arrow keys lead.

import { describe, expect, it } from 'vitest';
import { createNetwork } from '../../../../src/nn/network.ts';
import { layOut, moved } from '../../../../src/web/chapters/networks/layout.ts';
import { partsOf } from '../../../../src/web/chapters/networks/parts.ts';

const layoutOf = (arch: string, width: number) => layOut(partsOf(createNetwork(arch)), width);

describe('a drawing', () => {
  for (const arch of ['resnet20', 'resnet110', 'resnet1202']) {
    for (const width of [320, 640, 990]) {
      it(`of ${arch} in ${width} pixels has every part once, inside, apart from the others`, () => {
        const { boxes, box, height } = layoutOf(arch, width);
        expect(boxes.map(({ part }) => part.name)).toEqual(
          partsOf(createNetwork(arch)).map(({ name }) => name),
        );
        expect(Math.max(...boxes.map(({ x }) => x)) + box.width).toBeLessThanOrEqual(width);
        expect(Math.max(...boxes.map(({ y }) => y)) + box.height).toBeLessThanOrEqual(height);
        const places = new Set(boxes.map(({ x, y }) => `${x} ${y}`));
        expect(places.size).toBe(boxes.length);
      });
    }
  }

  it('has words in its boxes up to a hundred layers and some, not with twelve hundred', () => {
    expect(layoutOf('resnet110', 640).isSmall).toBe(false);
    expect(layoutOf('resnet1202', 640).isSmall).toBe(true);
  });
});

describe('arrow keys', () => {
  const layout = layoutOf('resnet20', 640);
  const name = (place: number) => layout.boxes[place]!.part.name;
  const place = (of: string) => layout.boxes.findIndex(({ part }) => part.name === of);

  it('lead along the way of the signal, and stay at its ends', () => {
    expect(name(moved(layout, place('layer1.2'), 'ArrowRight'))).toBe('layer2.0');
    expect(name(moved(layout, place('layer2.0'), 'ArrowLeft'))).toBe('layer1.2');
    expect(moved(layout, 0, 'ArrowLeft')).toBe(0);
    expect(name(moved(layout, 3, 'End'))).toBe('linear');
    expect(name(moved(layout, 3, 'Home'))).toBe('conv1');
  });

  it('lead to the block above or below', () => {
    expect(name(moved(layout, place('layer1.1'), 'ArrowDown'))).toBe('layer2.1');
    expect(name(moved(layout, place('layer1.1'), 'ArrowUp'))).toBe('conv1');
    expect(name(moved(layout, place('layer3.2'), 'ArrowDown'))).toBe('linear');
    expect(name(moved(layout, place('linear'), 'ArrowDown'))).toBe('linear');
  });

  it('other keys lead nowhere', () => {
    expect(moved(layout, 4, 'a')).toBe(4);
  });
});
