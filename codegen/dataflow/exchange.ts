import type { ExchangeSegment } from '../../model/dit/dit.ts';
import { whole } from '../escape.ts';
import { declareAttended } from './attention.ts';
import { BF16, type BlockContext } from './blockContext.ts';

/** What sequence parallelism moves before and behind an attention; nothing on one rank. */
export function emitExchange(block: BlockContext, segment: ExchangeSegment): void {
  if (block.shape.sp === 1) return;
  if (segment.attention === 'cross') {
    if (block.shape.exchange === 'separate-cross') {
      block.refuse(segment, 'there is no kernel for exchanged cross-attention');
    }
  } else if (segment.direction === 'in') exchangeIn(block);
  else exchangeOut(block);
}

/** Sharded rows become sharded heads: packed messages, the own one straight to where it will be read. */
function exchangeIn(block: BlockContext): void {
  const { sp, exchange } = block.shape;
  const rows = block.attendedRows;
  const width = block.localWidth;
  if (exchange === 'kv-gather') {
    for (const [name, buffer] of [
      ['K', 'keys'],
      ['V', 'values'],
    ] as const) {
      block.out.addCollective(`${name} all-gather`, {
        collective: 'all-gather',
        send: buffer,
        recv: buffer,
        offsetBytes: 0,
        messageBytes: rows * width * BF16,
      });
    }
    return;
  }
  const sets = exchange === 'packed' ? [['q', 'k', 'v']] : [['q'], ['k'], ['v']];
  const part = width / sp;
  for (const set of sets) {
    const label = set.join('');
    const message = rows * set.length * part;
    block.out.declare(`outgoing ${label}`, rows * sp, set.length * part);
    block.out.declare(`received ${label}`, rows * sp, set.length * part);
    const offsets = set.map((side) => whole(block.band(side).column)).join(', ');
    block.out.call(
      'packHeads',
      [
        `{.rows = ${whole(rows)}, .width = ${whole(width)}, .inStride = ${whole(3 * width)}, .tensors = ${set.length}, ` +
          `.peers = ${whole(sp)}, .self = b.rank, .partOffset = {${offsets}}}`,
        block.out.at('qkv'),
        block.out.at(`outgoing ${label}`),
        block.out.at(`received ${label}`, 0, message),
      ],
      `${sp} messages of [${rows}, ${set.length * part}]`,
    );
    for (const [index, side] of set.entries()) {
      block.setBand(`received ${side}`, {
        buffer: `received ${label}`,
        stride: set.length * part,
        column: index * part,
      });
    }
  }
  block.out.endCompute('QKV relayout');
  for (const set of sets) {
    const label = set.join('');
    block.out.addCollective(exchange === 'packed' ? 'QKV all-to-all' : `${label.toUpperCase()} all-to-all`, {
      collective: 'all-to-all',
      send: `outgoing ${label}`,
      recv: `received ${label}`,
      offsetBytes: 0,
      messageBytes: rows * set.length * part * BF16,
    });
  }
}

function exchangeOut(block: BlockContext): void {
  const { sp, exchange } = block.shape;
  if (exchange === 'kv-gather') return;
  const rows = block.attendedRows;
  const part = block.localWidth / sp;
  block.out.declare('returned', rows * sp, part);
  block.out.addCollective('output all-to-all', {
    collective: 'all-to-all',
    send: 'attended heads',
    recv: 'returned',
    offsetBytes: 0,
    messageBytes: rows * part * BF16,
  });
  declareAttended(block);
  const out = block.band('attended');
  block.out.call(
    'unpackHeads',
    [
      `{.rows = ${whole(rows)}, .width = ${whole(block.localWidth)}, .outStride = ${whole(out.stride)}, .peers = ${whole(sp)}, ` +
        '.self = b.rank}',
      block.out.at('returned'),
      block.out.at('attended heads', 0, rows * part),
      block.out.at(out.buffer, out.column),
    ],
    `${sp} messages of [${rows}, ${part}]`,
  );
  block.out.endCompute('output relayout');
}
