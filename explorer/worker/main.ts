import './jitless.ts';
import type { Answered, Asked } from '../protocol.ts';
import { Answers } from './answers.ts';
import { NewestFirst } from './newestFirst.ts';

/** What a worker has of its page. */
declare const self: {
  onmessage: (event: { data: Asked }) => void;
  postMessage(answered: Answered): void;
};

const answers = new Answers();
const queue = new NewestFirst(
  (ask) => answers.to(ask),
  (answered) => self.postMessage(answered),
);
self.onmessage = ({ data }) => queue.hear(data);
